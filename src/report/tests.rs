//! Reports as text and as data.

use std::time::Duration;

use super::*;
use crate::cause::Cause;

/// A task that began at 0, took so many milliseconds, and was allowed so many.
fn task(name: &str, outcome: Outcome, took: u64, of: u64) -> TaskReport {
    let ending = Ending {
        outcome,
        start: 0,
        took: took * 1_000_000,
        budget: of * 1_000_000,
    };
    let site = Site::of(std::panic::Location::caller());
    TaskReport::new(name.into(), site, ending)
}

fn phase(name: &str, took: u64, tasks: Vec<TaskReport>) -> PhaseReport {
    PhaseReport {
        name: name.into(),
        start: 0,
        took: took * 1_000_000,
        budget: 10_000_000_000,
        tasks: tasks.into(),
    }
}

fn report(phases: Vec<PhaseReport>) -> ShutdownReport {
    ShutdownReport {
        cause: Cause::Finished,
        phases,
        refused: Vec::new(),
        took: Duration::from_millis(4310),
        status: 1,
        threads_refused: false,
        #[cfg(feature = "fault")]
        missed_faults: Vec::new(),
    }
}

fn summary(phases: Vec<PhaseReport>) -> String {
    report(phases).brief().to_string()
}

#[test]
fn summary_names_phases_and_the_tasks_that_took_long() {
    let tasks = vec![
        task("quick", Outcome::Done, 999, 10_000),
        task("long", Outcome::Done, 1000, 10_000),
        task("half its time", Outcome::Done, 51, 100),
    ];
    let phases = vec![phase("drain", 3110, tasks), phase("close", 0, vec![])];
    assert_eq!(
        summary(phases),
        "shutdown is over after 4.31 s: drain 3.11 s, close 0.00 s\n\
         \"long\" of drain took 1.00 s of 10.00 s: done\n\
         \"half its time\" of drain took 0.05 s of 0.10 s: done\n"
    );
}

#[test]
fn summary_names_failed_tasks_with_control_characters_escaped() {
    let failed = Outcome::Failed("no\n\x1b[2J".into());
    let tasks = vec![
        task("a\nb", failed, 0, 10_000),
        task("late", Outcome::OverBudget, 1, 10_000),
        task("on purpose", Outcome::Skipped(Skip::Disabled), 0, 10_000),
    ];
    assert_eq!(
        summary(vec![phase("a\tphase", 0, tasks)]),
        "shutdown is over after 4.31 s, with something left undone: a\\tphase 0.00 s\n\
         \"a\\nb\" of a\\tphase took 0.00 s of 10.00 s: failed: no\\n\\u{1b}[2J\n\
         \"late\" of a\\tphase took 0.00 s of 10.00 s: over budget, abandoned\n"
    );
}

#[test]
fn summary_of_many_shows_longest_phases_and_first_tasks() {
    let long = |n| task(&format!("task {n}"), Outcome::Done, 2000, 10_000);
    let phases = (0..25).map(|n| {
        let tasks = if n == 0 {
            (0..25).map(long).collect()
        } else {
            vec![]
        };
        phase(&format!("p{n}"), n * 100, tasks)
    });
    let brief = summary(phases.collect());
    let lines: Vec<_> = brief.lines().collect();
    assert!(lines[0].contains(" s: p5 0.50 s, p6 0.60 s"), "{brief}");
    assert!(
        lines[0].ends_with("p24 2.40 s, and 5 that took less"),
        "{brief}"
    );
    assert_eq!(lines.len(), 22, "{brief}");
    assert!(lines[20].starts_with("\"task 19\" of p0"), "{brief}");
    assert_eq!(lines[21], "and 5 more that took long or failed");
}

#[test]
fn table_escapes_control_characters() {
    let failed = Outcome::Failed("a\nERROR b\x1b]0;c".into());
    let text = report(vec![phase("p", 1, vec![task("n\nn", failed, 1, 2)])]).to_string();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.contains("n\\nn"), "{text}");
    assert!(text.contains("failed: a\\nERROR b\\u{1b}]0;c"), "{text}");
}

#[test]
fn table_and_summary_escape_characters_that_reorder_a_line() {
    let failed = Outcome::Failed("\u{202e}evil".into());
    let report = report(vec![phase("p\u{200b}", 1, vec![task("t", failed, 1, 2)])]);
    for text in [report.to_string(), report.brief().to_string()] {
        assert!(text.contains(r"failed: \u{202e}evil"), "{text}");
        assert!(text.contains(r"p\u{200b}"), "{text}");
    }
}

#[cfg(feature = "serde")]
mod serde_forms {
    use serde_json::{Value, json};

    use super::*;
    use crate::cause::Sender;
    use crate::signal::Signal;

    fn sample() -> ShutdownReport {
        let tasks = vec![
            task("a", Outcome::Failed("disk full".to_owned()), 250, 2000),
            task("b", Outcome::Skipped(Skip::NoTime), 250, 2000),
        ];
        ShutdownReport {
            cause: Cause::requested("a test"),
            took: Duration::from_millis(2500),
            ..report(vec![phase("flush", 1000, tasks)])
        }
    }

    #[test]
    fn report_is_written_as_names_and_numbers_of_seconds() {
        let report = sample();
        let site = report.tasks().next().unwrap().site().to_owned();
        assert_eq!(
            serde_json::to_value(&report).unwrap(),
            json!({
                "cause": {"text": "request: \"a test\"", "kind": "requested", "by": "a test"},
                "phases": [{
                    "name": "flush", "start": 0.0, "took": 1.0, "budget": 10.0,
                    "tasks": [
                        {
                            "name": "a", "outcome": {"failed": "disk full"},
                            "start": 0.0, "took": 0.25, "budget": 2.0, "site": site,
                        },
                        {
                            "name": "b", "outcome": {"skipped": "no_time"},
                            "start": 0.0, "took": 0.25, "budget": 2.0, "site": site,
                        },
                    ],
                }],
                "refused": [],
                "took": 2.5,
                "status": 1,
                "threads_refused": false,
            })
        );
    }

    #[test]
    fn report_that_is_read_back_is_the_same() {
        let causes = [
            Cause::Finished,
            Cause::requested("\"quoted\"\n"),
            Cause::Panicked {
                thread: None,
                message: "m".into(),
                location: "a.rs:1:2".into(),
            },
            Cause::Signaled {
                signal: Signal::from(15),
                sender: Some(Sender::new(7, 8)),
            },
            Cause::Signaled {
                signal: Signal::from(2),
                sender: None,
            },
            Cause::Signaled {
                signal: Signal::from(15),
                sender: Some(Sender::claimed(1, 0)),
            },
        ];
        for cause in causes {
            let report = ShutdownReport { cause, ..sample() };
            let written: Value = serde_json::to_value(&report).unwrap();
            let read: ShutdownReport = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(read.cause(), report.cause());
            assert_eq!(read.to_string(), report.to_string());
            assert_eq!(serde_json::to_value(&read).unwrap(), written);
        }
    }
}
