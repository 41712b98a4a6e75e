//! What the room renders, read back.

mod wording;

use std::collections::HashSet;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::cause::Cause;
use crate::kill_path::report::{END_OF_STACKS, Facts, Kind, json, stack_again, text};
use crate::kill_path::{
    Call, Captured, Census, Descriptor, Doing, Entry, Kind as DescriptorKind, Line, Nanos, Roster,
    Stack, Thread,
};
use crate::report::in_words;

const SIZE: usize = 64 * 1024;

/// A task as a program may register it.
#[derive(Clone, Debug)]
struct Registered {
    name: String,
    phase: String,
    file: String,
    line: u32,
    started: u64,
    budget: Duration,
    tid: i32,
    says: String,
    /// 0 runs, 1 is abandoned, 2 is done, 3 has failed, 4 is late.
    fate: u8,
}

/// A thread: its number, name, state and place; what it does, and to what; its
/// processor time, and how busy it is.
type Listed = (
    i32,
    String,
    u8,
    String,
    u8,
    String,
    Option<Duration>,
    Option<u8>,
);

/// A stack: of which thread, how it went, and its frames.
type Captive = (i32, u8, Vec<(usize, String, u64, String, String)>);

/// Everything that can be in a report.
#[derive(Clone, Debug)]
struct Scene {
    dump: bool,
    begun: Option<u64>,
    at: Option<u64>,
    cause: Option<String>,
    running: Vec<Registered>,
    waiting: Vec<Registered>,
    phases: Vec<(String, u64, u64, Option<u64>)>,
    threads: Vec<Listed>,
    total: u32,
    refused: i32,
    stacks: Vec<Captive>,
    frames: usize,
}

/// Any text at all, with a liking for what has a meaning in the format.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[a-z_]{1,8}",
        prop::sample::select(vec![
            "\"",
            "\\",
            "\n",
            "\t",
            "\u{1b}[2J",
            ", ",
            " (",
            ")",
            ";",
            "; says \"",
            ":41",
            "+0x1f",
            " of CPU",
            ", 0.1 s of CPU",
            " ago; grace ",
            "deadstop: ",
            "no end",
            "é",
            "…",
            "#0 ",
            " at ",
            " waiting, ",
            ", thread 1",
        ])
        .prop_map(String::from),
    ];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// A cause, in words.
fn cause() -> impl Strategy<Value = String> {
    let texts = (any_text(), any_text(), prop::option::of(any_text()));
    texts.prop_map(|(message, location, thread)| {
        let cause = match message.len() % 2 {
            0 => Cause::requested(message),
            _ => Cause::Panicked {
                thread,
                message,
                location,
            },
        };
        in_words(&cause).as_str().to_owned()
    })
}

/// What the kernel calls its functions.
fn identifier() -> impl Strategy<Value = String> {
    "[a-z_][a-z0-9_.]{0,20}"
}

fn time() -> impl Strategy<Value = u64> {
    prop_oneof![0..200_u64, any::<u64>()]
        .prop_map(|tenths| tenths.saturating_mul(100_000_000).min(Nanos::LAST.0))
}

fn length() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0..2_000_000_u64).prop_map(Duration::from_millis),
        any::<u64>().prop_map(Duration::from_nanos),
    ]
}

fn registered() -> impl Strategy<Value = Registered> {
    let texts = (any_text(), any_text(), any_text(), any_text());
    let rest = (any::<u32>(), time(), length(), -1..6_i32, 0..5_u8);
    (texts, rest).prop_map(|((name, phase, file, says), rest)| {
        let (line, started, budget, tid, fate) = rest;
        Registered {
            name,
            phase,
            file,
            line,
            started,
            budget,
            tid,
            says,
            fate,
        }
    })
}

fn scene() -> impl Strategy<Value = Scene> {
    let thread = (
        1..6_i32,
        any_text(),
        prop::sample::select(b"RSDTtZX?".to_vec()),
        prop_oneof![Just(String::new()), identifier()],
        0..16_u8,
        any_text(),
        prop::option::of(length()),
        prop::option::of(0..=100_u8),
    );
    let frame = (
        any::<usize>(),
        any_text(),
        any::<u64>(),
        any_text(),
        any_text(),
    );
    let stack = (1..6_i32, 0..6_u8, vec(frame, 0..30));
    let phase = (any_text(), time(), time(), prop::option::of(time()));
    let clock = (
        any::<bool>(),
        prop::option::of(time()),
        prop::option::of(time()),
    );
    let tables = (
        vec(registered(), 0..6),
        vec(registered(), 0..4),
        vec(phase, 0..4),
    );
    let threads = (vec(thread, 0..6), 0..2000_u32, 0..40_i32, vec(stack, 0..4));
    (
        clock,
        prop::option::of(cause()),
        tables,
        threads,
        0..30_usize,
    )
        .prop_map(
            |((dump, begun, at), cause, (running, waiting, phases), threads, frames)| {
                let (threads, total, refused, mut stacks) = threads;
                // A thread is asked once.
                let mut asked = HashSet::new();
                stacks.retain(|(tid, ..): &Captive| asked.insert(*tid));
                Scene {
                    dump,
                    begun,
                    // Only a dump may come without a deadline.
                    at: at.or((!dump).then_some(20_000_000_000)),
                    cause,
                    running,
                    waiting,
                    phases,
                    threads,
                    total,
                    refused,
                    stacks,
                    frames,
                }
            },
        )
}

/// Sets the scene, and calls `look` with it.
fn on_stage<T>(scene: &Scene, look: impl FnOnce(&Facts<'_>) -> T) -> T {
    // Tables hand out places for good.
    let roster: &'static Roster = Box::leak(Box::new(Roster::empty()));
    for task in &scene.running {
        let place = roster.running.enter(&entry(task));
        if let Some(place) = place {
            place.runs_on(task.tid);
            place.says(&task.says);
            if [1, 4].contains(&task.fate) {
                place.abandon();
            }
        }
        if task.fate > 1 {
            let ended = Nanos(task.started).saturating_add(Duration::from_secs(1));
            roster.running.end(place, ended, task.fate == 3);
        }
    }
    for task in &scene.waiting {
        roster.waiting.enter(&entry(task));
    }
    for (name, started, ends, ended) in &scene.phases {
        roster.phases.begin(name, Nanos(*started), Nanos(*ends));
        if let Some(ended) = ended {
            roster.phases.end(Nanos(*ended));
        }
    }
    let mut census = Box::new(Census::empty());
    for (tid, name, state, place, doing, detail, cpu, busy) in &scene.threads {
        census.list_for_test(Thread {
            tid: *tid,
            name: line(name),
            state: *state,
            place: line(place),
            doing: self::doing(*doing, detail),
            cpu: *cpu,
            busy: *busy,
        });
    }
    census.total = scene.total;
    census.refused = scene.refused;
    let stacks: Vec<_> = scene.stacks.iter().map(stack).collect();
    look(&Facts {
        kind: if scene.dump {
            Kind::Dump
        } else {
            Kind::Deadline
        },
        pid: 4241,
        roster,
        census: &census,
        stacks: &stacks,
        cause: scene.cause.as_deref(),
        begun: scene.begun.map(Nanos),
        now: Nanos(15_000_000_000),
        at: scene.at.map(Nanos),
    })
}

fn entry(task: &Registered) -> Entry<'_> {
    Entry {
        name: &task.name,
        phase: &task.phase,
        file: &task.file,
        line: task.line,
        started: Nanos(task.started),
        budget: task.budget,
    }
}

fn line<const N: usize>(text: &str) -> Line<N> {
    let mut line = Line::new();
    line.text(text);
    line
}

fn doing(kind: u8, detail: &str) -> Doing {
    let kinds = [
        DescriptorKind::Pipe,
        DescriptorKind::File,
        DescriptorKind::Closed,
        DescriptorKind::Unknown,
    ];
    let descriptor = || Descriptor {
        number: i32::from(kind),
        kind: kinds[usize::from(kind) % kinds.len()],
        detail: line(detail),
    };
    let call = |name| Call { number: 318, name };
    match kind {
        0 => Doing::Runs,
        1 => Doing::WaitsForLock,
        2 => Doing::Reads(Some(descriptor())),
        3 => Doing::Reads(None),
        4 => Doing::Writes(Some(descriptor())),
        5 => Doing::Sleeps,
        6 => Doing::WaitsForChild,
        7 => Doing::WaitsForSignal,
        8 => Doing::Polls,
        9 => Doing::Calls {
            call: call("fsync"),
            descriptor: Some(descriptor()),
        },
        10 => Doing::Calls {
            call: call(""),
            descriptor: None,
        },
        11 => Doing::Uninterruptible {
            call: Some(call("fsync")),
            descriptor: Some(descriptor()),
        },
        12 => Doing::Uninterruptible {
            call: None,
            descriptor: None,
        },
        13 => Doing::Stopped,
        14 => Doing::Ended,
        _ => Doing::Unknown,
    }
}

fn stack((tid, captured, frames): &Captive) -> Stack {
    let mut stack = Stack::empty();
    stack.clear(*tid);
    stack.captured = match captured {
        0 => Captured::Blocked,
        1 => Captured::Gone,
        2 => Captured::NoAnswer,
        3 => Captured::NotAsked,
        4 => Captured::SignalTaken,
        _ => Captured::Yes,
    };
    for (address, module, offset, function, site) in frames {
        if let Some(frame) = stack.push(*address) {
            frame.module.text(module);
            frame.offset = *offset;
            frame.function.text(function);
            frame.site.text(site);
        }
    }
    stack
}

fn rendered(scene: &Scene) -> String {
    let mut lines = Box::new(Line::<SIZE>::new());
    on_stage(scene, |facts| text(&mut lines, facts, scene.frames));
    lines.as_str().to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_is_rendered_is_read_back(scene in scene()) {
        let text = rendered(&scene);
        let report = HangReport::parse(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(report.ending, Ending::Whole);
        prop_assert_eq!(report.to_string(), text);
    }

    #[test]
    fn a_message_is_read_back_and_stays_within_its_size(scene in scene()) {
        let mut lines = Box::new(Line::<4096>::new());
        let whole = on_stage(&scene, |facts| {
            text(&mut lines, facts, scene.frames);
            !lines.is_full()
        });
        let text = lines.as_str();
        let report = HangReport::parse(text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(report.ending == Ending::Whole, whole);
        // A stack that is cut off has no number of frames left out.
        prop_assert_eq!(report.to_string(), text);
    }

    #[test]
    fn names_that_follow_are_put_into_the_stacks(scene in scene()) {
        let mut nameless = scene.clone();
        for (_, _, frames) in &mut nameless.stacks {
            for (_, _, _, function, site) in frames {
                function.clear();
                site.clear();
            }
        }
        let mut followed = rendered(&nameless);
        for stack in scene.stacks.iter().map(stack) {
            if stack.captured == Captured::Yes {
                let mut names = Box::new(Line::<SIZE>::new());
                stack_again(&mut names, &stack, scene.frames);
                followed.push_str(names.as_str());
            }
        }
        followed.push_str(END_OF_STACKS);
        let report = HangReport::parse(&followed)
            .map_err(|e| TestCaseError::fail(format!("{e}\n{followed}")))?;
        let named = HangReport::parse(&rendered(&scene)).unwrap();
        for thread in named.tasks.iter().filter_map(HungTask::thread).chain(&named.threads) {
            if thread.functions().next().is_some() {
                let found = report.thread(thread.id).map(|thread| &thread.stack);
                prop_assert_eq!(found, named.thread(thread.id).map(|thread| &thread.stack));
            }
        }
    }

    #[test]
    fn the_object_is_json_and_names_the_same_tasks(scene in scene()) {
        let mut object = Box::new(Line::<SIZE>::new());
        on_stage(&scene, |facts| json(&mut object, facts));
        let value: serde_json::Value = serde_json::from_str(object.as_str())
            .map_err(|e| TestCaseError::fail(format!("{e}\n{}", object.as_str())))?;
        let report = HangReport::parse(&rendered(&scene)).unwrap();
        prop_assert_eq!(&value["version"], 1);
        prop_assert_eq!(&value["complete"], true);
        let names: Vec<_> = value["tasks"].as_array().unwrap().iter().map(|task| task["name"].as_str().unwrap()).collect();
        let expected: Vec<_> = report.tasks.iter().map(|task| task.name.as_str()).collect();
        prop_assert_eq!(names, expected);
        prop_assert_eq!(value["phases"].as_array().unwrap().len(), report.phases.len());
        prop_assert_eq!(value["threads"].as_array().unwrap().len(), scene.threads.len());
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any_text(), lines in vec(any_text(), 0..6)) {
        let mut whole = format!("deadstop: deadline in 0.5 s: {text}\n");
        for line in &lines {
            whole.push_str(&format!("deadstop: {line}\n"));
        }
        let _ = HangReport::parse(&whole);
        let _ = HangReport::parse(&text);
    }
}

#[test]
fn an_object_that_does_not_fit_is_told_with_less() {
    let scene = Scene {
        dump: false,
        begun: Some(0),
        at: Some(20_000_000_000),
        cause: None,
        running: (0..64)
            .map(|n| Registered {
                name: format!("task {n}"),
                phase: "flush".to_owned(),
                file: "src/main.rs".to_owned(),
                line: n,
                started: 0,
                budget: Duration::ZERO,
                tid: 0,
                says: "\u{1}".repeat(128),
                fate: 0,
            })
            .collect(),
        waiting: Vec::new(),
        phases: Vec::new(),
        threads: (1..6)
            .map(|tid| {
                (
                    tid,
                    "t".to_owned(),
                    b'S',
                    String::new(),
                    5,
                    String::new(),
                    None,
                    None,
                )
            })
            .collect(),
        total: 5,
        refused: 0,
        stacks: (1..6)
            .map(|tid| {
                (
                    tid,
                    5,
                    vec![(1, "m".repeat(48), 1, "f".repeat(128), String::new()); 24],
                )
            })
            .collect(),
        frames: 0,
    };
    let mut object = Box::new(Line::<SIZE>::new());
    on_stage(&scene, |facts| json(&mut object, facts));
    let value: serde_json::Value = serde_json::from_str(object.as_str()).unwrap();
    assert_eq!(value["complete"], false);
    assert_eq!(value["tasks"].as_array().unwrap().len(), 64);
}

/// Two tasks that hang, the later one on thread 7, and one on thread 8 that is
/// over; threads 7, 8 and 9 are listed, of 12.
fn one_task_on_a_listed_thread() -> Scene {
    let task = |name: &str, started: u64, budget, tid, fate| Registered {
        name: name.to_owned(),
        phase: "flush".to_owned(),
        file: "src/main.rs".to_owned(),
        line: 1,
        started: started * 1_000_000_000,
        budget,
        tid,
        says: String::new(),
        fate,
    };
    let thread = |tid| {
        let (name, nothing) = ("t".to_owned(), String::new());
        (tid, name, b'S', nothing.clone(), 5, nothing, None, None)
    };
    Scene {
        dump: false,
        begun: Some(1_000_000_000),
        at: Some(20_000_000_000),
        cause: None,
        running: vec![
            task("with a thread", 3, Duration::from_millis(2500), 7, 0),
            task("without", 2, Duration::MAX, 0, 0),
            task("over", 4, Duration::MAX, 8, 2),
        ],
        waiting: Vec::new(),
        phases: Vec::new(),
        threads: [7, 8, 9].map(thread).to_vec(),
        total: 12,
        refused: 0,
        stacks: Vec::new(),
        frames: 0,
    }
}

#[test]
fn a_task_has_its_times_and_its_thread() {
    let scene = one_task_on_a_listed_thread();
    let mut object = Box::new(Line::<SIZE>::new());
    on_stage(&scene, |facts| json(&mut object, facts));
    let value: serde_json::Value = serde_json::from_str(object.as_str()).unwrap();
    let task = |name: &str| {
        let tasks = value["tasks"].as_array().unwrap();
        tasks.iter().find(|task| task["name"] == name).unwrap()
    };
    let with = task("with a thread");
    assert_eq!(with["start"], 2.0, "{with}");
    assert_eq!(with["took"], 12.0, "{with}");
    assert_eq!(with["budget"], 2.5, "{with}");
    assert_eq!(with["thread"], 7, "{with}");
    let without = task("without");
    assert!(without["budget"].is_null(), "{without}");
    assert!(without["thread"].is_null(), "{without}");
}

#[test]
fn a_thread_is_told_once_and_those_without_room_are_counted() {
    let scene = one_task_on_a_listed_thread();
    let report = HangReport::parse(&rendered(&scene)).unwrap();
    let others: Vec<_> = report.threads.iter().map(|thread| thread.id).collect();
    // The thread of a task that is over is anybody's.
    assert_eq!(others, [8, 9]);
    assert_eq!(report.unlisted.threads, 9);
}

#[test]
fn the_threads_of_tasks_are_in_the_order_of_the_report() {
    on_stage(&one_task_on_a_listed_thread(), |facts| {
        let mut threads = [0; 2];
        assert_eq!(facts.roster.hung_threads(&mut threads), 1);
        assert_eq!(threads, [7, 0]);
    });
}

#[test]
fn a_broken_line_is_named() {
    let text = "noise\n\
        deadstop: deadline in 0.5 s: no task is running, but the process has not ended\n\
        deadstop: 3.0 s left, says somebody else\n\
        deadstop: cause: SIGTERM, 9.5 s ago\n";
    let error = HangReport::parse(text).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 4 is not as in a hang report: \"deadstop: cause: SIGTERM, 9.5 s ago\""
    );
    assert_eq!(HangReport::parse("hello"), Err(ParseReportError::NoReport));
    let later = "deadstop: dump, no deadline: no task is running\n\
        deadstop: end of hang report 2\n";
    let version = HangReport::parse(later).unwrap_err();
    assert_eq!(version, ParseReportError::Version { version: 2 });
}

#[test]
fn of_several_reports_the_first_is_read() {
    let one = "deadstop: dump, no deadline: no task is running\n\
        deadstop: end of hang report 1\n";
    let two = "deadstop: deadline in 0.5 s: no task is running, but the process has not ended\n";
    let report = HangReport::parse(&format!("{one}{two}")).unwrap();
    assert_eq!(report.kind, ReportKind::Dump);
    assert_eq!(report.ending, Ending::Whole);
}

/// What no report of the library's says, but a text may.
#[test]
fn whatever_is_read_is_written_and_read_as_the_same() {
    let dump = "deadstop: dump, no deadline: no task is running\n";
    let head = format!("{dump}deadstop: cause: none, the shutdown has not begun\n");
    for lines in [
        // In another order than tasks are written in.
        "deadstop: task \"b\" flush waiting, a.rs:1\n\
         deadstop: task \"a\" flush 0.1 s of 0.2 s, a.rs:1\n",
        // An end that is no plain word.
        "deadstop: task \"a\" flush at 0.1 s, 0.1 s of 0.2 s, \"not, as such\", a.rs:1\n",
        // More than one carriage return.
        "deadstop: thread 1\r\r\ndeadstop:   no stack: none\r\r\n",
        // Looks like a line of a stack, and is none.
        "deadstop: thread 1\ndeadstop:   by itself\n",
    ] {
        let report = HangReport::parse(&format!("{head}{lines}")).expect(lines);
        let again = HangReport::parse(&report.to_string());
        assert_eq!(again, Ok(report), "{lines}");
    }
    for line in [
        "deadstop: thread 1\ndeadstop:   and 0 more frames\n",
        "deadstop: thread 1\ndeadstop:   and more frames\n",
    ] {
        let error = HangReport::parse(&format!("{head}{line}")).unwrap_err();
        let number = matches!(error, ParseReportError::Line { number: 4, .. });
        assert!(number, "{error}");
    }
    let none = "deadstop: dump, no deadline: 0 tasks have not returned: \"a\" (phase a, 0.1 s)\n";
    assert!(HangReport::parse(none).is_err());
}
