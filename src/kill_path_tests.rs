//! Unit tests of the room, kept outside it: they allocate, and they panic.

mod census;
mod signals;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::kill_path::report::{Facts, Kind, text};
use crate::kill_path::{
    self, Captured, Census, Entry, Layout, Line, Nanos, Roster, Stack, Text, Watch,
};

fn nanos(seconds: u64) -> Nanos {
    Nanos(seconds * 1_000_000_000)
}

/// A roster of its own for each test; tables hand out places for good.
fn roster() -> &'static Roster {
    Box::leak(Box::new(Roster::empty()))
}

fn entry(name: &str) -> Entry<'_> {
    Entry {
        name,
        phase: "flush",
        file: "src/main.rs",
        line: 41,
        started: nanos(100),
        budget: Duration::from_secs(3),
    }
}

fn render(roster: &'static Roster) -> String {
    let mut line = Line::<4096>::new();
    let facts = Facts {
        kind: Kind::Deadline,
        pid: 1,
        roster,
        census: &Census::empty(),
        stacks: &[],
        cause: Some("SIGTERM from pid 1, uid 0"),
        begun: Some(nanos(100)),
        now: Nanos(109_500_000_000),
        at: Some(nanos(110)),
    };
    text(&mut line, &facts, 8);
    line.as_str().to_owned()
}

#[test]
fn a_report_names_the_culprit_first() {
    let roster = roster();
    let place = roster.running.enter(&entry("flush the log")).unwrap();
    place.runs_on(4242);
    place.says("segment 12 of 40");
    place.abandon();
    let waiting = Entry {
        phase: "close",
        ..entry("close pool")
    };
    roster.waiting.enter(&waiting);
    assert_eq!(
        render(roster),
        "deadstop: deadline in 0.5 s: 1 task has not returned: \"flush the log\" (phase flush, 9.5 s)\n\
         deadstop: cause: SIGTERM from pid 1, uid 0, 9.5 s ago; grace 10.0 s\n\
         deadstop: task \"flush the log\" flush 9.5 s of 3.0 s, abandoned, src/main.rs:41, thread 4242; says \"segment 12 of 40\"\n\
         deadstop: task \"close pool\" close waiting, src/main.rs:41\n\
         deadstop: end of hang report 1\n"
    );
}

#[test]
fn a_report_without_tasks_says_so() {
    assert_eq!(
        render(roster()),
        "deadstop: deadline in 0.5 s: no task is running, but the process has not ended\n\
         deadstop: cause: SIGTERM from pid 1, uid 0, 9.5 s ago; grace 10.0 s\n\
         deadstop: end of hang report 1\n"
    );
}

#[test]
fn a_crowd_is_counted_and_the_list_stays_within_a_pipe() {
    let roster = roster();
    for n in 0..1000 {
        roster
            .running
            .enter(&entry(&format!("task {n} {}", "x".repeat(100))));
        roster.waiting.enter(&entry("waits"));
    }
    let report = render(roster);
    assert!(
        report
            .starts_with("deadstop: deadline in 0.5 s: 1000 tasks have not returned: \"task 0 xxx")
    );
    assert!(report.len() <= 4096, "{}", report.len());
    assert!(report.ends_with("\ndeadstop: cut short\n"), "{report}");
}

#[test]
fn who_has_left_is_not_named() {
    let roster = roster();
    let a = roster.running.enter(&entry("a"));
    let b = roster.running.enter(&entry("b")).unwrap();
    roster.running.leave(a);
    let report = render(roster);
    assert!(!report.contains("\"a\""), "{report}");
    roster.running.leave(Some(b));
    // The places are others' by now.
    roster.running.enter(&entry("c"));
    a.unwrap().abandon();
    b.abandon();
    let report = render(roster);
    assert!(report.contains("\"c\" flush"), "{report}");
    assert!(!report.contains("abandoned"), "{report}");
}

#[test]
fn a_roster_that_forgets_is_empty_and_has_room_for_all() {
    let roster = roster();
    let fill = || {
        for n in 0..64 {
            let place = roster.running.enter(&entry(&format!("runs {n}")));
            place.expect("there is room").says("half done");
        }
        assert!(roster.running.enter(&entry("beyond")).is_none());
        for n in 0..40 {
            roster.waiting.enter(&entry(&format!("waits {n}")));
            roster.phases.begin("flush", nanos(100), nanos(110));
        }
        roster.cause.write("SIGTERM");
        (
            render(roster),
            render_progress(roster, nanos(104), nanos(110)),
        )
    };
    let full = fill();
    assert!(full.0.contains("65 tasks have not returned"), "{full:?}");
    assert!(full.1.contains("40 wait"), "{full:?}");

    roster.forget();
    let none = self::roster();
    assert_eq!(render(roster), render(none));
    assert_eq!(
        render_progress(roster, nanos(104), nanos(110)),
        render_progress(none, nanos(104), nanos(110))
    );
    assert_eq!(roster.cause.read(&mut [0; 256]), Some(""));
    assert_eq!(fill(), full);
}

#[test]
fn of_what_is_over_only_the_brief_and_good_is_forgotten() {
    let roster = roster();
    for (name, took, failed) in [
        ("brief", 999_999, false),
        ("failed", 999_999, true),
        ("took", 1_000_000, false),
        ("both", 1_000_000, true),
    ] {
        let place = roster.running.enter(&entry(name));
        let at = nanos(100).saturating_add(Duration::from_nanos(took));
        roster.running.end(place, at, failed);
    }
    let late = roster.running.enter(&entry("late"));
    late.unwrap().abandon();
    roster.running.end(late, nanos(101), true);
    let report = render(roster);
    let listed = report
        .lines()
        .filter_map(|line| line.strip_prefix("deadstop: task "));
    let words = listed.map(|line| {
        let outcome = ["done", "failed", "late"].map(|word| line.contains(&format!(", {word},")));
        (line.split('"').nth(1).unwrap_or_default(), outcome)
    });
    assert_eq!(
        words.collect::<Vec<_>>(),
        [
            ("failed", [false, true, false]),
            ("took", [true, false, false]),
            ("both", [false, true, false]),
            ("late", [false, false, true]),
        ],
        "{report}"
    );
}

#[test]
fn what_is_over_makes_room_if_there_is_no_other() {
    let roster = roster();
    let places = [(); 64].map(|()| roster.running.enter(&entry("over")));
    for place in places {
        roster.running.end(place, nanos(103), false);
    }
    assert!(roster.running.enter(&entry("next")).is_some());
    places[0].unwrap().abandon();
    let report = render(roster);
    let hangs = "1 task has not returned: \"next\"";
    assert!(report.contains(hangs), "{report}");
    assert!(!report.contains("abandoned"), "{report}");
}

#[test]
fn whoever_is_only_counted_is_counted_out_too() {
    let roster = roster();
    let line = || render_progress(roster, nanos(104), nanos(110));
    roster.waiting.crowd(3);
    assert_eq!(line(), "6.0 s left: no task is running; 3 wait");
    roster.waiting.uncrowd(2);
    assert_eq!(line(), "6.0 s left: no task is running; 1 waits");
    roster.waiting.leave(None);
    assert_eq!(line(), "6.0 s left: no task is running");
    roster.running.crowd(1);
    roster.running.end(None, nanos(103), false);
    assert_eq!(line(), "6.0 s left: no task is running");
}

#[test]
fn a_table_has_the_room_that_it_says() {
    let table = &roster().waiting;
    for _ in 0..table.room() {
        assert!(table.enter(&entry("waits")).is_some());
    }
    assert!(table.enter(&entry("beyond")).is_none());
}

#[test]
fn no_name_can_break_a_line() {
    let roster = roster();
    roster.running.enter(&entry("a\nb\"c\\d\u{1b}[2J\u{7f}é"));
    let report = render(roster);
    assert!(
        report.contains(r#""a\nb\"c\\d\u{1b}[2J\u{7f}é" (phase"#),
        "{report}"
    );
    assert_eq!(report.lines().count(), 4);
}

#[test]
fn a_line_that_is_cleared_is_as_new() {
    let mut line = Line::<4>::new();
    line.text("12345");
    assert!(line.is_full());
    line.clear();
    assert_eq!((line.as_str(), line.is_full()), ("", false));
    line.text("6");
    assert_eq!(line.as_str(), "6");
}

#[test]
fn a_stack_that_is_cleared_is_as_new() {
    let mut stack = Box::new(Stack::empty());
    stack.clear(1);
    stack.captured = Captured::Yes;
    while let Some(frame) = stack.push(0x1000) {
        frame.is_call = true;
        frame.function.text("main");
    }
    assert!(stack.frames().count() > 0 && stack.left_out == 1);
    stack.clear(2);
    assert_eq!((stack.tid, stack.captured), (2, Captured::NotAsked));
    assert_eq!((stack.frames().count(), stack.left_out), (0, 0));
    let frame = stack.push(0x2000).expect("there is room");
    assert_eq!((frame.address, frame.is_call), (0x2000, false));
    assert_eq!(frame.function.as_str(), "");
    assert_eq!(stack.frames().count(), 1);
}

#[test]
fn a_length_as_a_number_has_all_its_digits() {
    for (millis, says) in [
        (0, "0.000"),
        (1, "0.001"),
        (9, "0.009"),
        (10, "0.010"),
        (99, "0.099"),
        (100, "0.100"),
        (999, "0.999"),
        (12_034, "12.034"),
    ] {
        let mut line = Line::<16>::new();
        line.decimal_seconds(Duration::from_millis(millis));
        assert_eq!(line.as_str(), says);
    }
}

#[test]
fn every_control_character_is_four_digits_of_json() {
    for c in ('\0'..='\u{9f}').filter(|c| c.is_control()) {
        let mut line = Line::<16>::new();
        line.json(&c.to_string());
        assert_eq!(line.as_str(), format!("\"\\u{:04x}\"", c as u32));
    }
}

#[test]
fn every_other_character_is_itself_in_json() {
    let mut line = Line::<16>::new();
    line.json("a é \u{1f6d1}");
    assert_eq!(line.as_str(), "\"a é \u{1f6d1}\"");
}

#[test]
fn a_word_that_is_not_plain_is_quoted() {
    for plain in ["flush", "a-b_c.d/e:f", "%&'*"] {
        let mut line = Line::<32>::new();
        line.word(plain);
        assert_eq!(line.as_str(), plain);
    }
    for other in ["", "a b", "a,b", "a;b", "(a", "a)", "é"] {
        let mut line = Line::<32>::new();
        line.word(other);
        assert_eq!(line.as_str(), format!("\"{other}\""));
    }
    let mut line = Line::<32>::new();
    line.word("a\"b\\c");
    assert_eq!(line.as_str(), r#""a\"b\\c""#);
}

#[test]
fn a_text_is_cut_between_characters() {
    let text = Text::<5>::empty();
    let mut buffer = [0; 5];
    text.write("aéüb");
    assert_eq!(text.read(&mut buffer), Some("aéü"));
    text.write("äöü");
    assert_eq!(text.read(&mut buffer), Some("äö"));
    text.write("");
    assert_eq!(text.read(&mut buffer), Some(""));
}

#[test]
fn a_text_is_read_whole_or_not_at_all() {
    static TEXT: Text<64> = Text::empty();
    static IS_READ: AtomicBool = AtomicBool::new(false);
    let texts = ["a".repeat(60), "b".repeat(60)];
    TEXT.write(&texts[0]);
    let writers = texts.clone().map(|text| {
        thread::spawn(move || {
            while !IS_READ.load(Ordering::Relaxed) {
                TEXT.write(&text);
            }
        })
    });
    let patience = Instant::now() + Duration::from_secs(20);
    // How often each was read.
    let mut read = [0; 2];
    while read.iter().any(|times| *times < 1_000) && Instant::now() < patience {
        let mut buffer = [0; 64];
        if let Some(text) = TEXT.read(&mut buffer) {
            let which = texts.iter().position(|whole| whole == text);
            IS_READ.fetch_or(which.is_none(), Ordering::Relaxed);
            read[which.unwrap_or_else(|| panic!("torn: {text}"))] += 1;
        }
    }
    IS_READ.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.join().expect("it writes");
    }
    assert!(read.iter().all(|times| *times > 0), "{read:?}");
}

#[test]
fn a_length_too_long_ends_at_the_last_point_there_is() {
    assert!(nanos(5).saturating_add(Duration::MAX) == Nanos::LAST);
    assert!(Nanos::LAST.saturating_add(Duration::from_nanos(1)) == Nanos::LAST);
    assert!(nanos(5).saturating_add(Duration::from_secs(2)) == nanos(7));
    assert!(nanos(5).saturating_sub(Duration::from_secs(2)) == nanos(3));
    assert!(nanos(5).saturating_sub(Duration::MAX) == Nanos(0));
    assert_eq!(nanos(5).since(nanos(7)), Duration::ZERO);
}

/// A watch of its own, that nobody watches.
fn armed(grace: Duration, lead: Duration) -> Watch {
    let watch = Watch::new();
    assert!(!watch.arm(grace), "nobody has opened it");
    watch.open();
    watch.lead(lead);
    assert!(watch.deadline().exit().is_none(), "nobody has armed it");
    assert!(watch.arm(grace));
    watch
}

#[test]
fn the_end_begins_before_the_deadline_but_not_before_it_was_asked_for() {
    let grace = Duration::from_secs(3600);
    for lead in [0, 1, 3599] {
        let lead = Duration::from_secs(lead);
        let watch = armed(grace, lead);
        let (begun, at) = (watch.deadline().begun().unwrap(), watch.deadline().get());
        assert!(at == Some(begun.saturating_add(grace)));
        let exit = begun.saturating_add(grace - lead);
        assert!(watch.deadline().exit() == Some(exit));
    }
    for lead in [
        Duration::from_secs(3600),
        Duration::from_secs(3601),
        Duration::MAX,
    ] {
        let watch = armed(grace, lead);
        assert!(watch.deadline().exit() == watch.deadline().begun());
    }
}

#[test]
fn an_estimate_goes_both_ways_and_an_arm_only_one() {
    let hour = Duration::from_secs(3600);
    let watch = armed(2 * hour, hour);
    let (begun, at) = (watch.deadline().begun(), watch.deadline().get());
    watch.lead(Duration::ZERO);
    assert!(watch.deadline().exit() == at);
    assert!(watch.arm(3 * hour));
    assert!((watch.deadline().begun(), watch.deadline().get()) == (begun, at));
    assert!(watch.arm(hour));
    assert!(watch.deadline().begun() == begun);
    assert!(watch.deadline().get() < at);
    watch.forget();
    assert!(watch.deadline().begun().is_none() && watch.deadline().get().is_none());
    assert!(!watch.arm(hour));
}

/// One long sleep, and naps of 5 ms in the last 250 ms.
#[test]
fn a_wait_naps_only_at_its_end() {
    let at = nanos(100);
    let before = |millis| at.saturating_sub(Duration::from_millis(millis));
    let naps = before(250);
    for now in [nanos(0), nanos(99), before(251)] {
        assert!(kill_path::next_look(now, at) == naps);
    }
    for (now, next) in [(250, 245), (249, 244), (6, 1), (5, 0), (3, 0), (0, 0)] {
        assert!(
            kill_path::next_look(before(now), at) == before(next),
            "{now}"
        );
    }
}

fn render_progress(roster: &'static Roster, now: Nanos, at: Nanos) -> String {
    let mut line = Line::<2048>::new();
    kill_path::progress(&mut line, roster, now, at, &Layout::ONE_LINE);
    line.as_str().to_owned()
}

#[test]
fn a_line_of_progress_says_who_runs_and_who_waits() {
    let roster = roster();
    let close = Entry {
        started: nanos(99),
        ..entry("close pool")
    };
    roster.running.enter(&close).unwrap().abandon();
    let flush = Entry {
        started: nanos(100),
        ..entry("flush the log")
    };
    let place = roster.running.enter(&flush).unwrap();
    place.says("segment 12 of 40");
    for _ in 0..3 {
        roster.waiting.enter(&entry("waits"));
    }
    roster.phases.begin("flush", nanos(100), nanos(110));
    // Whoever is waited for comes first.
    assert_eq!(
        render_progress(roster, Nanos(103_100_000_000), nanos(115)),
        "11.9 s left, phase flush: 2 tasks are running: \
         \"flush the log\" 3.1 s, says \"segment 12 of 40\"; \
         \"close pool\" 4.1 s, abandoned; 3 wait"
    );
}

#[test]
fn a_line_of_progress_has_the_phase_that_began_last() {
    let roster = roster();
    for phase in ["drain", "fl\nush"] {
        roster.phases.end(nanos(101));
        roster.phases.begin(phase, nanos(101), nanos(110));
    }
    let line = || render_progress(roster, nanos(104), nanos(110));
    let says = "6.0 s left, phase fl\\nush: no task is running";
    assert_eq!(line(), says);
    // Between two phases, and behind the last.
    roster.phases.end(nanos(103));
    assert_eq!(line(), "6.0 s left: no task is running");
    // Where there is no room to note them.
    for n in 0..20 {
        roster.phases.begin(&format!("{n}"), nanos(101), nanos(110));
    }
    assert_eq!(line(), "6.0 s left: no task is running");
}

#[test]
fn a_line_of_progress_leaves_out_who_has_returned() {
    let roster = roster();
    let [done, late] = ["done", "late"].map(|name| roster.running.enter(&entry(name)));
    let abandoned = roster.running.enter(&entry("abandoned"));
    late.unwrap().abandon();
    abandoned.unwrap().abandon();
    roster.running.end(done, nanos(103), false);
    roster.running.end(late, nanos(103), false);
    assert_eq!(
        render_progress(roster, nanos(104), nanos(110)),
        "6.0 s left: 1 task is running: \"abandoned\" 4.0 s, abandoned"
    );
}

#[test]
fn a_line_of_progress_without_tasks_says_so() {
    assert_eq!(
        render_progress(roster(), nanos(100), nanos(110)),
        "10.0 s left: no task is running"
    );
}

#[test]
fn a_line_of_progress_counts_a_crowd() {
    let roster = roster();
    for n in 0..100 {
        let started = nanos(100 + n);
        let name = format!("{n}");
        roster.running.enter(&Entry {
            started,
            ..entry(&name)
        });
        roster.waiting.enter(&entry("waits"));
    }
    assert_eq!(
        render_progress(roster, nanos(200), nanos(300)),
        "100.0 s left: 100 tasks are running: \
         \"0\" 100.0 s; \"1\" 99.0 s; \"2\" 98.0 s; \"3\" 97.0 s; \"4\" 96.0 s; \
         95 more; 100 wait"
    );
}

#[test]
fn a_line_of_progress_of_the_longest_texts_is_cut() {
    let roster = roster();
    for _ in 0..64 {
        let place = roster.running.enter(&entry(&"\u{1}".repeat(100))).unwrap();
        place.says(&"\u{1}".repeat(200));
    }
    let line = render_progress(roster, nanos(200), nanos(300));
    assert!(line.len() > 2000, "{}", line.len());
    assert!(!line.contains('\u{1}'), "{line}");
}

#[test]
fn the_time_left_is_never_more_than_there_is() {
    for (left, says) in [
        (0, "0.0 s left"),
        (1, "0.0 s left"),
        (99_999_999, "0.0 s left"),
        (100_000_000, "0.1 s left"),
        (1_999_999_999, "1.9 s left"),
        (2_000_000_000, "2.0 s left"),
    ] {
        let line = render_progress(roster(), nanos(100), Nanos(100_000_000_000 + left));
        assert!(line.starts_with(says), "{left}: {line}");
    }
    let endless = render_progress(roster(), nanos(100), Nanos::LAST);
    assert!(endless.starts_with("no end in sight: "), "{endless}");
    let nearly = render_progress(roster(), nanos(100), nanos(1_000_099));
    assert!(nearly.starts_with("999999.0 s left: "), "{nearly}");
    let endless = render_progress(roster(), nanos(100), nanos(1_000_100));
    assert!(endless.starts_with("no end in sight: "), "{endless}");
    // The deadline has passed.
    let late = render_progress(roster(), nanos(100), nanos(99));
    assert!(late.starts_with("0.0 s left"), "{late}");
}
