//! Properties of the drawing of any report.

mod any;
mod colors;
mod page;
mod read;
mod words;

use proptest::prelude::*;
use roxmltree::{Document, Node};
use serde_json::{Value, json};

use crate::draw::draw;
use crate::layout::{Layout, WIDTH};
use crate::report::Report;
use crate::text;
use crate::timeline::Timeline;

fn timeline(report: &Value) -> Timeline {
    let report = Report::read(&report.to_string()).expect("a report");
    Timeline::of(&report)
}

/// The elements of that class.
fn of_class<'a>(document: &'a Document<'a>, class: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    document
        .descendants()
        .filter(move |node| has_class(*node, class))
}

fn has_class(node: Node<'_, '_>, class: &str) -> bool {
    let mut classes = node.attribute("class").unwrap_or("").split(' ');
    classes.any(|known| known == class)
}

fn number(node: Node<'_, '_>, name: &str) -> f64 {
    let number = node.attribute(name).and_then(|value| value.parse().ok());
    number.expect("a number")
}

/// Returns the tooltip of a task's group.
fn tooltip<'a>(task: Node<'a, '_>) -> &'a str {
    let title = task.children().find(|child| child.has_tag_name("title"));
    title.and_then(|title| title.text()).expect("a title")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_is_xml_that_names_every_task(report in any::report()) {
        let timeline = timeline(&report);
        let drawing = draw(&timeline);
        let document = Document::parse(&drawing).expect("well-formed XML");
        let tasks: Vec<_> = of_class(&document, "task").collect();
        prop_assert_eq!(tasks.len(), timeline.bars().count());
        for (task, bar) in tasks.iter().zip(timeline.bars()) {
            let start = format!("{}: {}", text::visible(&bar.name), bar.state.word());
            prop_assert!(tooltip(*task).starts_with(&start), "{:?}", tooltip(*task));
            prop_assert!(has_class(*task, bar.state.word()));
        }
    }

    #[test]
    fn culprits_are_exactly_the_tasks_that_hang(report in any::report()) {
        let drawing = draw(&timeline(&report));
        let document = Document::parse(&drawing).expect("well-formed XML");
        let hung = any::hung(&report);
        let culprits: Vec<_> = of_class(&document, "culprit").collect();
        prop_assert_eq!(culprits.len(), hung);
        for culprit in culprits {
            let hangs = has_class(culprit, "running") || has_class(culprit, "abandoned");
            prop_assert!(hangs && has_class(culprit, "task"));
        }
    }

    #[test]
    fn bars_are_within_the_axis_and_as_long_as_they_can_be_seen(report in any::report()) {
        let timeline = timeline(&report);
        let axis = Layout::of(&timeline).axis;
        let drawing = draw(&timeline);
        let document = Document::parse(&drawing).expect("well-formed XML");
        for task in of_class(&document, "task") {
            let bars: Vec<_> = task.children().filter(|node| has_class(*node, "bar")).collect();
            let mut whole = 0.0;
            for bar in &bars {
                let (x, width) = (number(*bar, "x"), number(*bar, "width"));
                prop_assert!(width >= 0.0 && x >= axis.left - 0.01, "{bar:?}");
                prop_assert!(x + width <= axis.right + 0.01, "{bar:?}");
                whole += width;
            }
            prop_assert!(bars.is_empty() || whole >= 2.0, "{bars:?}");
        }
    }

    #[test]
    fn everything_is_within_the_drawing(report in any::report()) {
        let drawing = draw(&timeline(&report));
        let document = Document::parse(&drawing).expect("well-formed XML");
        let height = number(document.root_element(), "height");
        for node in document.descendants().filter(|node| node.has_attribute("x")) {
            let (x, y) = (number(node, "x"), number(node, "y"));
            prop_assert!((0.0..=WIDTH).contains(&x), "{node:?}");
            prop_assert!((0.0..=height).contains(&y), "{node:?}");
        }
        prop_assert!(!drawing.contains("NaN") && !drawing.contains("inf"));
    }

    #[test]
    fn no_line_goes_through_a_note(report in any::report(), at in 0.0..WIDTH) {
        let timeline = timeline(&report);
        let layout = Layout::of(&timeline);
        let parts = layout.upright(at, layout.top);
        let rows = layout.panels.iter().flat_map(|panel| &panel.rows);
        for note in rows.flat_map(|row| &row.notes).filter(|note| at < note.right) {
            let is_crossed = |part: &&(f64, f64)| (part.0..part.1).contains(&note.middle);
            let crossed = parts.iter().find(is_crossed);
            prop_assert!(at < crate::layout::NOTES - 4.0 || crossed.is_none(), "{note:?}");
        }
    }

    #[test]
    fn same_report_makes_the_same_drawing(report in any::report()) {
        prop_assert_eq!(draw(&timeline(&report)), draw(&timeline(&report)));
    }
}

#[test]
fn task_of_a_millisecond_is_seen_beside_one_of_twenty_seconds() {
    let task = |name: &str, took: f64| {
        json!({
            "name": name, "phase": "flush", "state": "done", "file": "a.rs", "line": 1,
            "start": 0.0, "took": took, "budget": 25.0, "thread": null, "says": "",
        })
    };
    let drawing = draw(&timeline(&any::hang(json!({
        "tasks": [task("short", 0.001), task("long", 20.0)],
    }))));
    let document = Document::parse(&drawing).unwrap();
    let bars: Vec<_> = of_class(&document, "bar")
        .filter(|bar| bar.parent().is_some_and(|task| has_class(task, "task")))
        .map(|bar| number(bar, "width"))
        .collect();
    let [short, long] = bars[..] else {
        panic!("two bars: {bars:?}");
    };
    assert!(short >= 2.0 && long > 100.0 * short, "{bars:?}");
    assert!(drawing.contains("1 ms of 25.0 s"));
}

#[test]
fn what_is_past_the_budget_is_striped() {
    let tasks = [any::hung_task("a", 15.0)];
    let drawing = draw(&timeline(&any::hang(json!({"tasks": tasks}))));
    let document = Document::parse(&drawing).unwrap();
    let task = of_class(&document, "task").next().unwrap();
    let piece = |class| {
        task.children()
            .find(|node| has_class(*node, class))
            .unwrap()
    };
    let (bar, past) = (piece("bar"), piece("past"));
    // Ten seconds within, five past.
    let share = number(bar, "width") / number(past, "width");
    assert!((share - 2.0).abs() < 0.01, "{share}");
    assert_eq!(number(past, "x"), number(bar, "x") + number(bar, "width"));
    assert_eq!(past.attribute("fill"), Some("url(#stripes)"));
}

#[test]
fn deadline_that_is_far_away_does_not_hide_what_happened() {
    let drawing = draw(&timeline(&any::hang(json!({
        "kind": "status", "now": 2.0, "grace": 3600.0, "deadline_in": 3598.0,
        "tasks": [any::hung_task("a", 2.0)],
    }))));
    let document = Document::parse(&drawing).unwrap();
    let bar = of_class(&document, "bar").next().unwrap();
    assert!(number(bar, "width") > 100.0, "{bar:?}");
    assert!(drawing.contains("deadline 3600 s →"));
    assert_eq!(of_class(&document, "deadline").count(), 0);
}

#[test]
fn tasks_are_in_the_order_in_which_they_began() {
    let task = |name: &str, start: f64| {
        let mut task = any::hung_task(name, 1.0);
        task["start"] = start.into();
        task
    };
    let waiting = json!({
        "name": "waits", "phase": "flush", "state": "waiting", "file": "a.rs", "line": 1,
        "start": null, "took": null, "budget": null, "thread": null, "says": "",
    });
    let tasks = [waiting, task("second", 2.0), task("first", 1.0)];
    let timeline = timeline(&any::hang(json!({"tasks": tasks})));
    let names: Vec<_> = timeline.bars().map(|bar| bar.name.as_str()).collect();
    assert_eq!(names, ["first", "second", "waits"]);
}

#[test]
fn what_is_known_of_a_culprit_is_below_its_bar() {
    let mut task = any::hung_task("flush the log", 9.0);
    task["says"] = "segment 12 of 40".into();
    task["thread"] = 7.into();
    let frame = |function, site| json!({"function": function, "module": "server", "offset": "0x1", "site": site});
    let thread = json!({
        "id": 7, "name": "flush the log", "state": "S", "place": "futex_do_wait",
        "doing": "waits for a lock", "cpu": 0.0, "busy": 3, "still_for": null, "waits_for": null, "stack": [
            frame("syscall", json!(null)),
            frame("std::sys::sync::mutex::futex::Mutex::lock", json!("/rustc/futex.rs:33")),
            frame("server::flush", json!("src/log.rs:120")),
            frame("server::main", json!("src/main.rs:1")),
        ],
        "frames_left_out": 0, "no_stack": null,
    });
    let timeline = timeline(&any::hang(json!({"tasks": [task], "threads": [thread]})));
    let bar = timeline.bars().next().unwrap();
    assert_eq!(
        bar.notes,
        [
            "says “segment 12 of 40”",
            "thread 7, S in futex_do_wait: waits for a lock, 3 % busy",
            "in server::flush, log.rs:120",
        ]
    );
}

#[test]
fn status_report_has_no_culprit_within_its_budget() {
    let status = |took| {
        let tasks = [any::hung_task("a", took)];
        any::hang(json!({"kind": "status", "now": took, "tasks": tasks}))
    };
    assert!(!draw(&timeline(&status(9.0))).contains("running culprit"));
    assert!(draw(&timeline(&status(11.0))).contains("running culprit"));
}

#[test]
fn shutdown_that_ended_in_time_is_drawn_too() {
    let drawing = draw(&timeline(&any::ended()));
    for words in [
        "Stopped in 2.50 s, with 1 task left undone",
        "SIGTERM from pid 1, uid 0",
        "disk full",
        "its phase is disabled",
        "end 2.50 s",
        "d: refused",
    ] {
        assert!(drawing.contains(words), "{words}: {drawing}");
    }
}

#[test]
fn gates_and_pools_have_their_kind_and_what_is_in_flight() {
    let kit = |name, kind, says| {
        let mut task = any::hung_task(name, 9.0);
        (task["kind"], task["says"]) = (json!(kind), json!(says));
        task
    };
    let tasks = [
        kit(
            "http requests",
            "gate",
            "3 in flight; oldest \"GET /orders/7\" for 4.2 s",
        ),
        kit("mailer", "pool", "1 running, 1 queued"),
    ];
    let timeline = timeline(&any::hang(json!({"tasks": tasks})));
    let bars: Vec<_> = timeline.bars().collect();
    assert_eq!(bars[0].name, "http requests · gate");
    assert_eq!(
        bars[0].notes[0],
        "3 in flight; oldest \"GET /orders/7\" for 4.2 s"
    );
    assert_eq!(bars[1].name, "mailer · pool");
    assert_eq!(bars[1].notes[0], "1 running, 1 queued");
}

#[test]
fn samples_of_a_culprit_are_drawn() {
    let mut task = any::hung_task("flush the log", 9.0);
    task["thread"] = 7.into();
    let thread = json!({
        "id": 7, "name": "flush the log", "state": "S", "place": "", "doing": "sleeps",
        "cpu": 0.0, "busy": 0, "still_for": 2.5, "waits_for": null, "stack": [],
        "samples": {"taken": 9, "shares": [0, 50, 100], "stacks": 8, "different_stacks": 1},
        "frames_left_out": 0, "no_stack": null,
    });
    let report = any::hang(json!({"tasks": [task], "threads": [thread]}));
    let timeline = timeline(&report);
    let bar = timeline.bars().next().unwrap();
    let samples = "samples ▁▄█ up to 100 % of a processor; all stacks are the same: a loop in one \
                   function";
    assert!(bar.notes.iter().any(|note| note == samples), "{bar:#?}");
    let now = timeline.now.as_ref().unwrap().at;
    assert_eq!(bar.still_since, Some(now - 2.5));
    assert!(draw(&timeline).contains("class=\"still\""));
}

/// The heartbeat has not ticked for four seconds, the last two of them after the shutdown began.
#[test]
fn stalled_heartbeat_is_drawn_against_its_limit_with_its_thread() {
    let stall = json!({
        "name": "consumer", "age": 4.0, "limit": 3.0, "thread": 7, "policy": "shutdown",
    });
    let thread = json!({
        "id": 7, "name": "consumer", "state": "S", "place": "futex_do_wait",
        "doing": "waits for a lock", "cpu": 0.0, "busy": 0, "still_for": 1.5, "waits_for": null,
        "stack": [{
            "function": "server::consume", "module": "server", "offset": "0x1",
            "site": "src/consumer.rs:12",
        }],
        "frames_left_out": 0, "no_stack": null,
    });
    let report = any::hang(json!({
        "kind": "stall", "now": 2.0, "stalls": [stall], "threads": [thread],
    }));
    let timeline = timeline(&report);
    let bar = timeline.bars().next().unwrap();
    assert_eq!(bar.state.word(), "stalled");
    assert_eq!(
        bar.notes,
        [
            "no tick for 4.00 s of 3.00 s",
            "thread 7, S in futex_do_wait: waits for a lock, 0 % busy",
            "in server::consume, consumer.rs:12",
        ]
    );
    assert_eq!(bar.still_since, Some(0.5));
    let drawing = draw(&timeline);
    let document = Document::parse(&drawing).unwrap();
    let beat = of_class(&document, "stalled").next().unwrap();
    assert!(
        has_class(beat, "culprit") && has_class(beat, "task"),
        "{drawing}"
    );
    let piece = |class| beat.children().find(|node| has_class(*node, class));
    let (within, past) = (piece("bar").unwrap(), piece("past").unwrap());
    // One of the two seconds that the chart shows is within the limit.
    let share = number(within, "width") / number(past, "width");
    assert!((share - 1.0).abs() < 0.01, "{share}");
    assert!(drawing.contains("heartbeats"), "{drawing}");
}
