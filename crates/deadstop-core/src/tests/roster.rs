//! Tests of the tables that tasks write.

use std::time::Duration;

use super::{entry, nanos, render, render_progress, roster};

#[test]
fn roster_after_fork_is_empty_and_has_every_slot_free() {
    let roster = roster();
    let fill = || {
        for n in 0..64 {
            let slot = roster.running.add(&entry(&format!("runs {n}")));
            slot.expect("there is room").set_progress("half done");
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
        let slot = roster.running.add(&entry(name));
        let at = nanos(100).saturating_add(Duration::from_nanos(took));
        roster.running.finish(slot, at, failed);
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
    let slots = [(); 64].map(|()| roster.running.add(&entry("over")));
    for slot in slots {
        roster.running.finish(slot, nanos(103), false);
    }
    assert!(roster.running.add(&entry("next")).is_some());
    slots[0].unwrap().mark_abandoned();
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
