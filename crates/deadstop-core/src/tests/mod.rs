//! Unit tests of the crate, which allocate and panic.

#![expect(
    clippy::exit,
    clippy::print_stdout,
    clippy::zombie_processes,
    reason = "a test runs itself again as its victim, and the deadline ends the child"
)]

mod backup_timer;
mod duration;
mod escape;
mod files;
mod isolated;
mod kill_list;
mod search;
mod signals;
mod terminal;
mod threads;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{iter, thread};

use crate::buffer::TextBuffer;

use crate::kill_path::{Look, Watchdog, next_look, next_wakeup};
use crate::render::frames::{Owner, owner};
use crate::render::{Facts, Kind, Layout, progress, text};
use crate::roster::{Entry, Roster, Text, words};
use crate::stack::{Captured, Source, Stack};
use crate::threads::{Activity, Thread, ThreadTable};
use crate::{Nanos, now};

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
    let mut line = TextBuffer::<4096>::new();
    let facts = Facts {
        kind: Kind::Deadline,
        pid: 1,
        roster,
        threads: &ThreadTable::empty(),
        stacks: &[],
        cause: Some("SIGTERM from pid 1, uid 0"),
        begun: Some(nanos(100)),
        now: Nanos(109_500_000_000),
        at: Some(nanos(110)),
        exit_status: Some(124),
        still: &[],
        number: 1,
        replaced: "",
        repeats: None,
    };
    text(&mut line, &facts, 8);
    line.as_str().to_owned()
}

#[test]
fn report_names_the_stuck_task_first() {
    let roster = roster();
    let place = roster.running.add(&entry("flush the log")).unwrap();
    place.set_thread(4242);
    place.set_progress("segment 12 of 40");
    place.mark_abandoned();
    let waiting = Entry {
        phase: "close",
        ..entry("close pool")
    };
    roster.pending.add(&waiting);
    assert_eq!(
        render(roster),
        "deadstop: deadline in 0.5 s: 1 task has not returned: \"flush the log\" (phase flush, 9.5 s of 3.0 s, abandoned)\n\
         deadstop:   it says \"segment 12 of 40\"\n\
         deadstop:   not begun: \"close pool\" (close)\n\
         deadstop:   cause: SIGTERM from pid 1, uid 0, 9.5 s ago; grace 10.0 s\n\
         deadstop:   at the deadline the process ends with status 124\n\
         deadstop: details:\n\
         deadstop: task \"flush the log\" flush 9.5 s of 3.0 s, abandoned, src/main.rs:41, thread 4242; says \"segment 12 of 40\"\n\
         deadstop: task \"close pool\" close waiting, src/main.rs:41\n\
         deadstop: end of hang report 1\n"
    );
}

#[test]
fn report_without_tasks_says_so() {
    assert_eq!(
        render(roster()),
        "deadstop: deadline in 0.5 s: no task is running, but the process has not ended\n\
         deadstop:   cause: SIGTERM from pid 1, uid 0, 9.5 s ago; grace 10.0 s\n\
         deadstop:   at the deadline the process ends with status 124\n\
         deadstop: details:\n\
         deadstop: end of hang report 1\n"
    );
}

#[test]
fn report_of_1000_tasks_counts_them_and_fits_into_a_pipe() {
    let roster = roster();
    for n in 0..1000 {
        roster
            .running
            .add(&entry(&format!("task {n} {}", "x".repeat(100))));
        roster.pending.add(&entry("waits"));
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
fn report_omits_tasks_that_were_removed() {
    let roster = roster();
    let a = roster.running.add(&entry("a"));
    let b = roster.running.add(&entry("b")).unwrap();
    roster.running.remove(a);
    let report = render(roster);
    assert!(!report.contains("\"a\""), "{report}");
    roster.running.remove(Some(b));
    // The places are others' by now.
    roster.running.add(&entry("c"));
    a.unwrap().mark_abandoned();
    b.mark_abandoned();
    let report = render(roster);
    assert!(report.contains("\"c\" flush"), "{report}");
    assert!(!report.contains("abandoned"), "{report}");
}

#[test]
fn roster_after_fork_is_empty_and_has_every_slot_free() {
    let roster = roster();
    let fill = || {
        for n in 0..64 {
            let place = roster.running.add(&entry(&format!("runs {n}")));
            place.expect("there is room").set_progress("half done");
        }
        assert!(roster.running.add(&entry("beyond")).is_none());
        for n in 0..40 {
            roster.pending.add(&entry(&format!("waits {n}")));
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
    assert!(full.1.contains("40 pending"), "{full:?}");

    roster.reset_after_fork();
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
fn finished_tasks_are_kept_unless_they_were_brief_and_succeeded() {
    let roster = roster();
    for (name, took, failed) in [
        ("brief", 999_999, false),
        ("failed", 999_999, true),
        ("took", 1_000_000, false),
        ("both", 1_000_000, true),
    ] {
        let place = roster.running.add(&entry(name));
        let at = nanos(100).saturating_add(Duration::from_nanos(took));
        roster.running.finish(place, at, failed);
    }
    let late = roster.running.add(&entry("late"));
    late.unwrap().mark_abandoned();
    roster.running.finish(late, nanos(101), true);
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
fn finished_task_gives_up_its_slot_when_the_table_is_full() {
    let roster = roster();
    let places = [(); 64].map(|()| roster.running.add(&entry("over")));
    for place in places {
        roster.running.finish(place, nanos(103), false);
    }
    assert!(roster.running.add(&entry("next")).is_some());
    places[0].unwrap().mark_abandoned();
    let report = render(roster);
    let hangs = "1 task has not returned: \"next\"";
    assert!(report.contains(hangs), "{report}");
    assert!(!report.contains("abandoned"), "{report}");
}

#[test]
fn unlisted_tasks_leave_the_count_when_they_end() {
    let roster = roster();
    let line = || render_progress(roster, nanos(104), nanos(110));
    roster.pending.count_unlisted(3);
    assert_eq!(line(), "6.0 s left: no task is running; 3 pending");
    roster.pending.uncount_unlisted(2);
    assert_eq!(line(), "6.0 s left: no task is running; 1 pending");
    roster.pending.remove(None);
    assert_eq!(line(), "6.0 s left: no task is running");
    roster.running.count_unlisted(1);
    roster.running.finish(None, nanos(103), false);
    assert_eq!(line(), "6.0 s left: no task is running");
}

#[test]
fn table_holds_as_many_tasks_as_its_capacity() {
    let table = &roster().pending;
    for _ in 0..table.capacity() {
        assert!(table.add(&entry("waits")).is_some());
    }
    assert!(table.add(&entry("beyond")).is_none());
}

#[test]
fn name_with_control_characters_stays_within_its_line() {
    let roster = roster();
    roster.running.add(&entry("a\nb\"c\\d\u{1b}[2J\u{7f}é"));
    let report = render(roster);
    assert!(
        report.contains(r#""a\nb\"c\\d\u{1b}[2J\u{7f}é" (phase"#),
        "{report}"
    );
    let plain = roster_with_plain_name();
    assert_eq!(report.lines().count(), render(plain).lines().count());
}

/// Returns a roster with one running task whose name needs no escape.
fn roster_with_plain_name() -> &'static Roster {
    let roster = roster();
    roster.running.add(&entry("a name"));
    roster
}

#[test]
fn cleared_buffer_is_empty_and_accepts_text() {
    let mut line = TextBuffer::<4>::new();
    line.text("12345");
    assert!(line.is_full());
    line.clear();
    assert_eq!((line.as_str(), line.is_full()), ("", false));
    line.text("6");
    assert_eq!(line.as_str(), "6");
}

/// With line tables only, the source decides, not the name.
#[test]
fn inlined_frame_of_std_without_a_path_in_its_name_is_of_std() {
    let owner_of = |function, source| {
        let mut stack = Box::new(Stack::empty());
        let frame = stack.push(1).expect("there is room");
        frame.function.text(function);
        frame.source = source;
        owner(frame)
    };
    for name in ["wait_until", "{closure}<core::option::Option<u8>>"] {
        assert_eq!(owner_of(name, Source::Std), Owner::Std);
        assert_eq!(owner_of(name, Source::Application), Owner::Application);
    }
    assert_eq!(owner_of("app::run<u8>", Source::Std), Owner::Application);
}

#[test]
fn cleared_stack_has_no_frames() {
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
fn decimal_seconds_have_three_digits_after_the_point() {
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
        let mut line = TextBuffer::<16>::new();
        line.decimal_seconds(Duration::from_millis(millis));
        assert_eq!(line.as_str(), says);
    }
}

#[test]
fn json_escapes_control_characters_with_four_digits() {
    for c in ('\0'..='\u{9f}').filter(|c| c.is_control()) {
        let mut line = TextBuffer::<16>::new();
        line.json(&c.to_string());
        assert_eq!(line.as_str(), format!("\"\\u{:04x}\"", c as u32));
    }
}

#[test]
fn json_keeps_printable_characters() {
    let mut line = TextBuffer::<16>::new();
    line.json("a é \u{1f6d1}");
    assert_eq!(line.as_str(), "\"a é \u{1f6d1}\"");
}

#[test]
fn word_with_special_characters_is_quoted() {
    for plain in ["flush", "a-b_c.d/e:f", "%&'*"] {
        let mut line = TextBuffer::<32>::new();
        line.word(plain);
        assert_eq!(line.as_str(), plain);
    }
    for other in ["", "a b", "a,b", "a;b", "(a", "a)", "é"] {
        let mut line = TextBuffer::<32>::new();
        line.word(other);
        assert_eq!(line.as_str(), format!("\"{other}\""));
    }
    let mut line = TextBuffer::<32>::new();
    line.word("a\"b\\c");
    assert_eq!(line.as_str(), r#""a\"b\\c""#);
}

#[test]
fn text_that_is_too_long_is_cut_between_characters() {
    let text = Text::<{ words(16) }>::empty();
    let mut buffer = [0; 16];
    for (written, kept) in [
        ("1234567aéü34567b", "1234567aéü3456"),
        ("123456aéü3456b", "123456aéü3456b"),
        ("äöüäöüäöü", "äöüäöüäö"),
        ("1äöüäöüäö", "1äöüäöüä"),
        ("12345678", "12345678"),
        ("", ""),
    ] {
        text.write(written);
        assert_eq!(text.read(&mut buffer), Some(kept));
    }
}

#[test]
fn text_read_during_writes_is_never_torn() {
    static TEXT: Text<{ words(64) }> = Text::empty();
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
    // The number of reads of each text.
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
fn addition_beyond_the_clock_saturates_at_its_last_point() {
    assert!(nanos(5).saturating_add(Duration::MAX) == Nanos::LAST);
    assert!(Nanos::LAST.saturating_add(Duration::from_nanos(1)) == Nanos::LAST);
    assert!(nanos(5).saturating_add(Duration::from_secs(2)) == nanos(7));
    assert!(nanos(5).saturating_sub(Duration::from_secs(2)) == nanos(3));
    assert!(nanos(5).saturating_sub(Duration::MAX) == Nanos(0));
    assert_eq!(nanos(5).since(nanos(7)), Duration::ZERO);
}

/// A watchdog of its own, without a thread.
fn armed(grace: Duration, lead: Duration) -> Watchdog {
    let watch = Watchdog::new();
    assert!(!watch.arm(grace), "it is not enabled");
    watch.enable();
    watch.exit_early_by(lead);
    assert!(watch.deadline().exit_at().is_none(), "it is not armed");
    assert!(watch.arm(grace));
    watch
}

#[test]
fn exit_is_early_by_the_estimate_but_not_before_arming() {
    let grace = Duration::from_secs(3600);
    for lead in [0, 1, 3599] {
        let lead = Duration::from_secs(lead);
        let watch = armed(grace, lead);
        let (begun, at) = (watch.deadline().begun().unwrap(), watch.deadline().get());
        assert!(at == Some(begun.saturating_add(grace)));
        let exit = begun.saturating_add(grace - lead);
        assert!(watch.deadline().exit_at() == Some(exit));
    }
    for lead in [
        Duration::from_secs(3600),
        Duration::from_secs(3601),
        Duration::MAX,
    ] {
        let watch = armed(grace, lead);
        assert!(watch.deadline().exit_at() == watch.deadline().begun());
    }
}

#[test]
fn estimate_may_shrink_and_deadline_only_moves_earlier() {
    let hour = Duration::from_secs(3600);
    let watch = armed(2 * hour, hour);
    let (begun, at) = (watch.deadline().begun(), watch.deadline().get());
    watch.exit_early_by(Duration::ZERO);
    assert!(watch.deadline().exit_at() == at);
    assert!(watch.arm(3 * hour));
    assert!((watch.deadline().begun(), watch.deadline().get()) == (begun, at));
    assert!(watch.arm(hour));
    assert!(watch.deadline().begun() == begun);
    assert!(watch.deadline().get() < at);
    watch.reset_after_fork();
    assert!(watch.deadline().begun().is_none() && watch.deadline().get().is_none());
    assert!(!watch.arm(hour));
}

/// Arms a watchdog that runs, and returns whether a thread that waits for the deadline to
/// change hears of that.
fn follower_hears_of(graces: &[u64]) -> bool {
    let watch: &'static Watchdog = Box::leak(Box::new(Watchdog::new()));
    thread::spawn(move || watch.run());
    watch.wait_started(0);
    watch.enable();
    graces.iter().all(|grace| {
        let seen = watch.deadline().change_count();
        assert!(watch.arm(Duration::from_secs(*grace)));
        // A minute, but the test does not depend on it.
        let until = now().saturating_add(Duration::from_secs(60));
        while watch.deadline().change_count() == seen && now() < until {
            watch.deadline().wait_for_change(seen, Some(until));
        }
        watch.deadline().change_count() != seen
    })
}

/// Fails if the watchdog does not wake the threads that follow the deadline, after the
/// first arm and after one for an earlier deadline.
#[test]
fn watchdog_wakes_the_threads_that_follow_the_deadline() {
    assert!(follower_hears_of(&[4000, 3000]));
}

/// Fails if an arm for a short grace leaves that to the watchdog, which may be late.
#[test]
fn arm_for_a_short_grace_wakes_the_followers_itself() {
    let short = armed(Duration::from_millis(999), Duration::ZERO);
    let long = armed(Duration::from_secs(1), Duration::ZERO);
    let woken = [&short, &long].map(|watch| watch.deadline().change_count());
    // `armed` sets an estimate before, which counts as well.
    assert_eq!(woken, [2, 1]);
    let earlier = Duration::from_millis(500);
    assert!(long.arm(earlier));
    assert_eq!(long.deadline().change_count(), 2);
}

/// Fails if the watchdog wakes them for an estimate: the thread that estimates is one of
/// them, and would go on for ever.
#[test]
fn estimate_wakes_the_followers_once() {
    let watch: &'static Watchdog = Box::leak(Box::new(Watchdog::new()));
    thread::spawn(move || watch.run());
    watch.wait_started(0);
    watch.enable();
    assert!(watch.arm(Duration::from_secs(3600)));
    while watch.deadline().change_count() == 0 {
        watch.deadline().wait_for_change(0, None);
    }
    for estimates in 1..=10 {
        watch.exit_early_by(Duration::from_secs(estimates));
        // More than the watchdog's delay: where it is slow, the test sees less.
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(watch.deadline().change_count(), 11);
}

/// One long sleep, and naps of 5 ms in the last 250 ms.
#[test]
fn watchdog_sleeps_once_and_naps_only_before_the_deadline() {
    let at = nanos(100);
    let before = |millis| at.saturating_sub(Duration::from_millis(millis));
    let naps = before(250);
    for now in [nanos(0), nanos(99), before(251)] {
        assert!(next_wakeup(now, at) == naps);
    }
    for (now, next) in [(250, 245), (249, 244), (6, 1), (5, 0), (3, 0), (0, 0)] {
        assert!(next_wakeup(before(now), at) == before(next), "{now}");
    }
}

/// In the last 80 µs it does not sleep, unless the clock stands still.
#[test]
fn watchdog_looks_at_the_clock_without_a_sleep_in_the_last_moment() {
    let at = nanos(100);
    let before = |micros| at.saturating_sub(Duration::from_micros(micros));
    let wakes = [(300_000, 250_080), (250_080, 245_080), (500, 80), (81, 80)];
    for (now, next) in wakes {
        assert_eq!(next_look(before(now), at, 0), Look::At(before(next)));
    }
    for now in [80, 40, 1] {
        assert_eq!(next_look(before(now), at, 0), Look::AtOnce);
    }
    let looks = iter::successors(Some(0), |looks| {
        let is_at_once = next_look(before(40), at, *looks) == Look::AtOnce;
        is_at_once.then_some(looks + 1)
    });
    let last = looks.last().expect("it has looked");
    assert_eq!(next_look(before(40), at, last), Look::At(at));
}

fn render_progress(roster: &'static Roster, now: Nanos, at: Nanos) -> String {
    let mut line = TextBuffer::<2048>::new();
    progress(&mut line, roster, now, at, &Layout::ONE_LINE);
    line.as_str().to_owned()
}

#[test]
fn progress_names_running_tasks_and_counts_pending_ones() {
    let roster = roster();
    let close = Entry {
        started: nanos(99),
        ..entry("close pool")
    };
    roster.running.add(&close).unwrap().mark_abandoned();
    let flush = Entry {
        started: nanos(100),
        ..entry("flush the log")
    };
    let place = roster.running.add(&flush).unwrap();
    place.set_progress("segment 12 of 40");
    for _ in 0..3 {
        roster.pending.add(&entry("waits"));
    }
    roster.phases.begin("flush", nanos(100), nanos(110));
    // A task that is waited for comes first.
    assert_eq!(
        render_progress(roster, Nanos(103_100_000_000), nanos(115)),
        "11.9 s left, phase flush: 2 tasks are running: \
         \"flush the log\" 3.1 s, says \"segment 12 of 40\"; \
         \"close pool\" 4.1 s, abandoned; 3 pending"
    );
}

#[test]
fn progress_names_the_phase_that_began_last() {
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
    // The table has no room for these phases.
    for n in 0..20 {
        roster.phases.begin(&format!("{n}"), nanos(101), nanos(110));
    }
    assert_eq!(line(), "6.0 s left: no task is running");
}

#[test]
fn progress_omits_tasks_that_returned() {
    let roster = roster();
    let [done, late] = ["done", "late"].map(|name| roster.running.add(&entry(name)));
    let abandoned = roster.running.add(&entry("abandoned"));
    late.unwrap().mark_abandoned();
    abandoned.unwrap().mark_abandoned();
    roster.running.finish(done, nanos(103), false);
    roster.running.finish(late, nanos(103), false);
    assert_eq!(
        render_progress(roster, nanos(104), nanos(110)),
        "6.0 s left: 1 task is running: \"abandoned\" 4.0 s, abandoned"
    );
}

#[test]
fn progress_without_tasks_says_so() {
    assert_eq!(
        render_progress(roster(), nanos(100), nanos(110)),
        "10.0 s left: no task is running"
    );
}

#[test]
fn progress_counts_tasks_beyond_the_first_five() {
    let roster = roster();
    for n in 0..100 {
        let started = nanos(100 + n);
        let name = format!("{n}");
        roster.running.add(&Entry {
            started,
            ..entry(&name)
        });
        roster.pending.add(&entry("waits"));
    }
    assert_eq!(
        render_progress(roster, nanos(200), nanos(300)),
        "100.0 s left: 100 tasks are running: \
         \"0\" 100.0 s; \"1\" 99.0 s; \"2\" 98.0 s; \"3\" 97.0 s; \"4\" 96.0 s; \
         95 more; 100 pending"
    );
}

#[test]
fn progress_of_the_longest_texts_is_cut() {
    let roster = roster();
    for _ in 0..64 {
        let place = roster.running.add(&entry(&"\u{1}".repeat(100))).unwrap();
        place.set_progress(&"\u{1}".repeat(200));
    }
    let line = render_progress(roster, nanos(200), nanos(300));
    assert!(line.len() > 2000, "{}", line.len());
    assert!(!line.contains('\u{1}'), "{line}");
}

#[test]
fn time_left_is_rounded_down() {
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
    assert!(endless.starts_with("no deadline: "), "{endless}");
    let nearly = render_progress(roster(), nanos(100), nanos(1_000_099));
    assert!(nearly.starts_with("999999.0 s left: "), "{nearly}");
    let endless = render_progress(roster(), nanos(100), nanos(1_000_100));
    assert!(endless.starts_with("no deadline: "), "{endless}");
    // The deadline has passed.
    let late = render_progress(roster(), nanos(100), nanos(99));
    assert!(late.starts_with("0.0 s left"), "{late}");
}

#[test]
fn suspicious_threads_in_the_same_function_are_listed_once() {
    let mut threads = Box::new(ThreadTable::empty());
    let mut stacks = Vec::new();
    for (tid, function) in [(2, "app::serve"), (3, "app::serve"), (4, "app::read")] {
        let mut thread = Thread::empty();
        thread.tid = tid;
        thread.state = b'S';
        thread.name.text("worker-").number(tid as u64);
        thread.activity = Activity::WaitsForLock;
        threads.list_for_test(thread);
        let mut stack = Stack::empty();
        stack.tid = tid;
        stack.captured = Captured::Yes;
        stack.push(1).unwrap().function.text(function);
        stacks.push(stack);
    }
    let facts = Facts {
        kind: Kind::Status,
        pid: 1,
        roster: roster(),
        threads: &threads,
        stacks: &stacks,
        cause: None,
        begun: None,
        now: nanos(100),
        at: None,
        exit_status: None,
        still: &[],
        number: 1,
        replaced: "",
        repeats: None,
    };
    let mut line = TextBuffer::<4096>::new();
    text(&mut line, &facts, 8);
    let report = line.as_str();
    assert_eq!(report.matches("suspicious: thread").count(), 2, "{report}");
    assert_eq!(report.matches("deadstop: thread ").count(), 2, "{report}");
    let more = "deadstop:   and 1 more thread \"worker\" in the same function\n";
    assert_eq!(report.matches(more).count(), 1, "{report}");
}
