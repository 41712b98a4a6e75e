//! The order of tasks in a report, and its data on tasks and phases.

use std::time::Duration;

use deadstop::report::{PhaseState, TaskState};

use crate::REPORTED;
use crate::read::{hung, running, text};

#[test]
fn abandoned_task_is_listed_first() {
    let (death, report) = hung("order_abandoned_first", REPORTED);
    let names: Vec<_> = report.hung_tasks().map(|task| &task.name).collect();
    assert_eq!(names, ["overruns", "begins first"], "{death:?}");

    let first = running(&report, "overruns");
    let second = running(&report, "begins first");
    assert_eq!(first.state, TaskState::Abandoned, "{death:?}");
    assert_eq!(second.state, TaskState::Running, "{death:?}");
    assert_eq!(first.says, "box 3 of 7", "{death:?}");
    assert_eq!(second.says, "", "{death:?}");
    assert_eq!(first.budget, Some(REPORTED / 10), "{death:?}");
    for task in [first, second] {
        assert!(task.took >= Some(REPORTED / 2), "{death:?}");
        assert!(task.file.ends_with("order.rs"), "{death:?}");
    }
}

#[test]
fn tasks_of_later_phases_are_listed_as_waiting() {
    let (death, report) = hung("order_waiting", REPORTED);
    let names: Vec<_> = report.hung_tasks().map(|task| &task.name).collect();
    assert_eq!(names, ["in the door"], "{death:?}");
    for name in ["behind it", "last in the queue"] {
        let task = report.task(name).unwrap_or_else(|| panic!("{death:?}"));
        assert_eq!(task.state, TaskState::Waiting, "{death:?}");
        assert!(task.file.ends_with("order.rs"), "{death:?}");
    }
}

/// More tasks wait than the report can list. The report must list 31 and count the other 10.
#[test]
fn started_tasks_are_not_listed_as_waiting() {
    let (death, report) = hung("order_turns", REPORTED);
    assert_eq!(
        running(&report, "overruns").state,
        TaskState::Abandoned,
        "{death:?}"
    );
    assert_eq!(
        running(&report, "hangs").state,
        TaskState::Running,
        "{death:?}"
    );
    let tasks = report.tasks.iter();
    let waiting = tasks.filter(|task| task.state == TaskState::Waiting);
    let waiting: Vec<_> = waiting.map(|task| task.name.as_str()).collect();
    let queued: Vec<_> = (0..31).map(|n| format!("queued {n}")).collect();
    // The hung task keeps its entry, so that 31 entries are left.
    assert_eq!(waiting, queued, "{death:?}");
    // Nine tasks of the same phase, and one of the last phase.
    assert_eq!(report.unlisted.waiting, 10, "{death:?}");
}

#[test]
fn ended_tasks_and_phases_have_start_and_duration() {
    const MILLI: Duration = Duration::from_millis(1);
    let (death, report) = hung("order_over", REPORTED);
    let ended = |name: &str| {
        let task = report.task(name).unwrap_or_else(|| panic!("{death:?}"));
        let times = task.start.zip(task.took).expect("the task has begun");
        (times.0, times.1, task.state)
    };
    let (start, took, state) = ended("finish requests");
    assert_eq!(state, TaskState::Done, "{death:?}");
    assert!(took >= 300 * MILLI, "{death:?}");
    let (next, took_next, state) = ended("write the index");
    assert_eq!(state, TaskState::Failed, "{death:?}");
    assert!(took_next >= 200 * MILLI, "{death:?}");
    // Each time is rounded down to a millisecond.
    assert!(next + MILLI >= start + took, "{death:?}");

    let phase = |name: &str| {
        let phase = report.phases.iter().find(|phase| phase.name == name);
        phase.unwrap_or_else(|| panic!("{death:?}"))
    };
    let (drain, flush, close) = (phase("drain"), phase("flush"), phase("close"));
    let states = [drain.state, flush.state, close.state];
    assert_eq!(
        states,
        [PhaseState::Over, PhaseState::Over, PhaseState::Running],
        "{death:?}"
    );
    assert!(
        drain.took >= 300 * MILLI && flush.took >= 200 * MILLI,
        "{death:?}"
    );
    assert!(flush.start >= drain.start + 300 * MILLI, "{death:?}");
    assert!(close.start >= flush.start + 200 * MILLI, "{death:?}");
    // All times count from the start of the shutdown.
    let now = report.now.expect("the shutdown has begun");
    assert!(now + MILLI >= close.start + close.took, "{death:?}");
    assert_eq!(report.grace, Some(REPORTED), "{death:?}");
    assert!(report.complete, "{death:?}");
}

/// After a task returns, its thread waits for more work, and is renamed.
#[test]
fn idle_threads_are_not_listed_under_the_names_of_returned_tasks() {
    let (death, report) = hung("order_idle", REPORTED);
    let names: Vec<_> = report.threads.iter().map(|thread| &*thread.name).collect();
    // The kernel keeps 15 bytes of a thread's name.
    for name in ["flush the ledge", "drain sockets", "count the rest"] {
        assert!(!names.contains(&name), "{names:?} {death:?}");
    }
    assert!(names.contains(&"hangs"), "{names:?} {death:?}");
}

/// Two tasks change their texts in a loop while the report is written. The report must have one
/// of the texts, and no mixture of two.
#[test]
fn task_texts_that_change_constantly_are_read_whole() {
    let (death, report) = hung("order_torn", REPORTED);
    for name in ["tear", "rip"] {
        let says = running(&report, name).says.as_str();
        let texts = [
            "\"",
            "; says \"box\"",
            "\n",
            "deadstop: end of hang report 1",
            "",
        ];
        assert!(texts.contains(&says), "{death:?}");
    }
    let lines = text(&death).lines();
    let ends = lines.filter(|line| *line == "deadstop: end of hang report 1");
    assert_eq!(ends.count(), 1, "{death:?}");
}

#[test]
fn task_names_are_escaped_in_text_and_unchanged_in_json() {
    let (death, report) = hung("order_wild_names", REPORTED);
    let names: Vec<_> = report.tasks.iter().map(|task| task.name.as_str()).collect();
    for name in [
        "say \"cheese\", (phase close, 0.1 s)",
        "two\nlines\r\n\tand \\ a tab",
        "\u{1b}[2J\u{7}\u{0}\u{7f}bell",
        "deadstop: end of hang report 1",
        "🦀🔥 crabs on fire 🔥🦀",
        &"x".repeat(64),
    ] {
        assert!(names.contains(&name), "{name:?}: {names:?}");
    }
    let harmful = |c: char| c.is_control() && c != '\n';
    assert!(!death.stderr.contains(harmful), "{death:?}");
}
