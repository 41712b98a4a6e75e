//! Tests of the progress line.

use super::{entry, nanos, render_progress, roster};
use crate::Nanos;
use crate::roster::Entry;

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
    let slot = roster.running.add(&flush).unwrap();
    slot.set_progress("segment 12 of 40");
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
    // Between two phases, and after the last.
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
        let slot = roster.running.add(&entry(&"\u{1}".repeat(100))).unwrap();
        slot.set_progress(&"\u{1}".repeat(200));
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
