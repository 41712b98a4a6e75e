//! What is told of whom, and in which order.

use std::time::Duration;

use deadstop::{Ending, TaskState};

use crate::REPORTED;
use crate::read::{hung, running};

#[test]
fn one_that_was_abandoned_comes_first() {
    let (death, report) = hung("told_abandoned_first", REPORTED);
    let names: Vec<_> = report
        .culprits
        .iter()
        .map(|culprit| &culprit.name)
        .collect();
    assert_eq!(names, ["overruns", "begins first"], "{death:?}");
    let tasks: Vec<_> = report.tasks.iter().map(|task| &task.name).collect();
    assert_eq!(tasks, names, "{death:?}");

    let (first, second) = (
        running(&report, "overruns"),
        running(&report, "begins first"),
    );
    assert!(first.abandoned && !second.abandoned, "{death:?}");
    assert_eq!(first.says, "box 3 of 7", "{death:?}");
    assert_eq!(second.says, "", "{death:?}");
    assert_eq!(first.budget, REPORTED / 10, "{death:?}");
    assert!(
        first.ran >= REPORTED / 2 && second.ran >= REPORTED / 2,
        "{death:?}"
    );
    assert!(
        death.stderr.contains("told.rs:"),
        "where it was registered: {death:?}"
    );
}

#[test]
fn those_whose_turn_has_not_come_wait() {
    let (death, report) = hung("told_waiting", REPORTED);
    assert_eq!(report.hung, 1, "{death:?}");
    assert_eq!(report.culprits[0].name, "in the door", "{death:?}");
    for name in ["behind it", "last in the queue"] {
        let task = report.task(name).unwrap_or_else(|| panic!("{death:?}"));
        assert_eq!(task.state, TaskState::Waiting, "{death:?}");
        assert!(task.file.ends_with("told.rs"), "{death:?}");
    }
}

/// Also where there are more of them than are listed.
#[test]
fn those_who_had_their_turn_do_not_wait() {
    let (death, report) = hung("told_turns", REPORTED);
    assert!(running(&report, "overruns").abandoned, "{death:?}");
    assert!(!running(&report, "hangs").abandoned, "{death:?}");
    let tasks = report.tasks.iter();
    let waiting = tasks.filter(|task| task.state == TaskState::Waiting);
    let waiting: Vec<_> = waiting.map(|task| task.name.as_str()).collect();
    let queued: Vec<_> = (0..31).map(|n| format!("queued {n}")).collect();
    // Its own place is not given to another.
    assert_eq!(waiting, queued, "{death:?}");
    // Nine of those behind it, and one of the last phase.
    assert_eq!(report.unlisted.waiting, 10, "{death:?}");
}

/// Times are to the nearest tenth, so that each may be half of one less than
/// what it must be at least.
#[test]
fn what_is_over_has_its_time() {
    const TENTH: Duration = Duration::from_millis(100);
    let (death, report) = hung("told_over", REPORTED);
    let over = |name: &str| match &report.task(name).expect("it is kept").state {
        TaskState::Over {
            start, took, how, ..
        } => (*start, *took, how.clone()),
        other => panic!("{name} is {other:?}: {death:?}"),
    };
    let (start, took, how) = over("finish requests");
    assert_eq!(how, "done", "{death:?}");
    assert!(took >= 3 * TENTH, "{death:?}");
    let (next, took_next, how) = over("write the index");
    assert_eq!(how, "failed", "{death:?}");
    assert!(took_next >= 2 * TENTH, "{death:?}");
    assert!(next + TENTH >= start + took, "{death:?}");

    let phase = |name: &str| {
        let phase = report.phases.iter().find(|phase| phase.name == name);
        phase.unwrap_or_else(|| panic!("{death:?}"))
    };
    let (drain, flush, close) = (phase("drain"), phase("flush"), phase("close"));
    assert!(drain.over && flush.over && !close.over, "{death:?}");
    assert!(
        drain.took >= 3 * TENTH && flush.took >= 2 * TENTH,
        "{death:?}"
    );
    assert!(flush.start >= drain.start + 3 * TENTH, "{death:?}");
    assert!(close.start >= flush.start + 2 * TENTH, "{death:?}");
    // Counted from the same instant, up to the report.
    let begun = report.begun.as_ref().expect("it has begun");
    assert!(begun.ago + TENTH >= close.start + close.took, "{death:?}");
    assert_eq!(begun.grace, REPORTED, "{death:?}");
    assert_eq!(report.ending, Ending::Whole, "{death:?}");
}

#[test]
fn one_that_changes_all_the_time_does_not_break_a_line() {
    let (death, report) = hung("told_torn", REPORTED);
    assert_eq!(report.ending, Ending::Whole, "{death:?}");
    for name in ["tear", "rip"] {
        let says = running(&report, name).says;
        let texts = [
            "\"",
            "; says \"box\"",
            "\n",
            "deadstop: end of hang report 1",
            "",
        ];
        assert!(texts.contains(&says), "{death:?}");
    }
    // Nothing of a line is lost or doubled. Lines of progress, before it, quote
    // the same texts.
    let begin = death.stderr.find("\ndeadstop: deadline in ");
    let text = &death.stderr[begin.expect("it has a beginning")..];
    let end = text.find("\ndeadstop: end of hang report");
    let text = &text[..end.expect("it has an end")];
    let again = report.to_string();
    for line in text
        .lines()
        .filter(|line| !line.starts_with("deadstop:   "))
    {
        assert!(again.contains(line), "{line:?} is not in {again}");
    }
}

#[test]
fn names_are_made_harmless_and_read_back() {
    let (death, report) = hung("told_wild_names", REPORTED);
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
