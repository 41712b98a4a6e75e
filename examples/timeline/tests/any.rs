//! Reports, of all kinds.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Generates a report of either kind, with unusual numbers and names.
pub(super) fn report() -> impl Strategy<Value = Value> {
    prop_oneof![3 => any_hang(), 1 => any_ended()]
}

/// Returns the number of culprits in `report`.
pub(super) fn hung(report: &Value) -> usize {
    let list = |of: &Value, key: &str| of[key].as_array().cloned().unwrap_or_default();
    if report["format"].is_null() {
        let phases = list(report, "phases");
        let tasks = phases.iter().flat_map(|phase| list(phase, "tasks"));
        return tasks
            .filter(|task| task["outcome"] == "over_budget")
            .count();
    }
    let is_hung = |task: &Value| {
        let took = task["took"].as_f64().unwrap_or(0.0);
        let is_over = task["budget"]
            .as_f64()
            .is_some_and(|budget| took > budget.max(0.0));
        match task["state"].as_str() {
            Some("abandoned") => true,
            Some("running") => report["kind"] == "deadline" || is_over,
            _ => false,
        }
    };
    list(report, "tasks")
        .iter()
        .filter(|task| is_hung(task))
        .count()
}

/// A hang report of which only this is set.
pub(super) fn hang(set: Value) -> Value {
    let mut report = json!({
        "format": "deadstop hang report", "version": 1, "kind": "deadline",
        "pid": 4242, "cause": "SIGTERM", "now": 29.5, "grace": 30.0, "deadline_in": 0.5,
        "exit_status": 124, "complete": true, "phases": [], "tasks": [], "threads": [],
        "unlisted": {"running": 0, "waiting": 0, "phases": 0, "threads": 0},
        "threads_refused": null,
    });
    for (key, value) in set.as_object().into_iter().flatten() {
        report[key] = value.clone();
    }
    report
}

/// A task that runs, with a budget of ten seconds.
pub(super) fn hung_task(name: &str, took: f64) -> Value {
    json!({
        "name": name, "phase": "flush", "state": "running", "file": "src/main.rs", "line": 1,
        "start": 0.0, "took": took, "budget": 10.0, "thread": null, "says": "",
    })
}

/// A shutdown report as the feature `serde` writes it.
pub(super) fn ended() -> Value {
    let task = |name: &str, outcome: Value| {
        json!({
            "name": name, "outcome": outcome,
            "start": 1.5, "took": 0.25, "budget": 2.0, "site": "src/main.rs:1",
        })
    };
    json!({
        "cause": {
            "text": "SIGTERM from pid 1, uid 0",
            "kind": "signaled", "signal": 15, "pid": 1, "uid": 0,
        },
        "phases": [{
            "name": "flush", "start": 1.0, "took": 1.0, "budget": 4.0,
            "tasks": [
                task("a", json!({"failed": "disk full"})),
                task("b", json!({"skipped": "disabled"})),
                task("c", json!("done")),
            ],
        }],
        "refused": [task("d", json!("refused"))],
        "took": 2.5,
        "status": 1,
        "threads_refused": false,
    })
}

fn any_hang() -> impl Strategy<Value = Value> {
    let times = (
        option::of(seconds()),
        option::of(seconds()),
        option::of(seconds()),
    );
    let lists = (vec(phase(), 0..5), vec(task(), 0..70), vec(thread(), 0..4));
    (prop::bool::ANY, name(), times, lists, 0..3_u64).prop_map(
        |(is_status, cause, (now, grace, left), (phases, tasks, threads), more)| {
            hang(json!({
                "kind": if is_status { "status" } else { "deadline" },
                "cause": cause, "now": now, "grace": grace, "deadline_in": left,
                "phases": phases, "tasks": tasks, "threads": threads,
                "unlisted": {"running": more, "waiting": more, "phases": more, "threads": more},
            }))
        },
    )
}

fn any_ended() -> impl Strategy<Value = Value> {
    let outcome = prop_oneof![
        Just(json!("done")),
        Just(json!("over_budget")),
        Just(json!("cancelled")),
        name().prop_map(|why| json!({"failed": why})),
        name().prop_map(|why| json!({"panicked": why})),
        Just(json!({"skipped": "no_time"})),
    ];
    let task = (name(), outcome, seconds(), seconds(), seconds()).prop_map(
        |(name, outcome, start, took, budget)| {
            json!({
                "name": name, "outcome": outcome, "site": "src/main.rs:1",
                "start": start, "took": took, "budget": budget,
            })
        },
    );
    let phase = (phase(), vec(task, 0..20)).prop_map(|(mut phase, tasks)| {
        phase["tasks"] = tasks.into();
        phase
    });
    (vec(phase, 0..5), seconds()).prop_map(|(phases, took)| {
        json!({
            "cause": {"text": "SIGTERM", "kind": "signaled", "signal": 15},
            "phases": phases, "refused": [], "status": 1,
            "took": took, "threads_refused": false,
        })
    })
}

/// Lengths as programs have them, and some that none has.
fn seconds() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (0..40_000_u32).prop_map(|millis| f64::from(millis) / 1e3),
        2 => (0..100_u32).prop_map(|millis| f64::from(millis) / 1e3),
        1 => Just(0.0),
        1 => Just(1e11),
        1 => Just(0.001),
    ]
}

/// Names: of a few, so that phases are met again; and of any letters.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "(drain|flush|close)",
        1 => "\\PC{0,80}",
        1 => vec(any::<char>(), 0..40).prop_map(String::from_iter),
        1 => Just("<&>\"']]>\u{0}\u{ffff}\u{202e}\r\n\t".to_owned()),
    ]
}

fn phase() -> impl Strategy<Value = Value> {
    let times = (seconds(), seconds(), option::of(seconds()));
    (name(), times).prop_map(|(name, (start, took, budget))| {
        json!({
            "name": name, "state": "over",
            // Fields of the other kind are always numbers.
            "start": start, "took": took, "budget": budget.unwrap_or(1e11),
        })
    })
}

fn task() -> impl Strategy<Value = Value> {
    let states = [
        "running",
        "abandoned",
        "done",
        "failed",
        "late",
        "waiting",
        "new",
    ];
    let state = prop::sample::select(states.to_vec());
    let times = (seconds(), seconds(), option::of(seconds()));
    (name(), name(), state, times, 0..5_u64, name()).prop_map(
        |(name, phase, state, (start, took, budget), thread, says)| {
            let mut task = json!({
                "name": name, "phase": phase, "state": state, "file": "src/main.rs", "line": 7,
            });
            let has_begun = state != "waiting";
            task["start"] = has_begun.then_some(start).into();
            task["took"] = has_begun.then_some(took).into();
            task["budget"] = budget.filter(|_| has_begun).into();
            let hangs = matches!(state, "running" | "abandoned");
            task["thread"] = hangs.then_some(thread).into();
            task["says"] = says.into();
            task
        },
    )
}

fn thread() -> impl Strategy<Value = Value> {
    (0..5_u64, name(), name(), option::of(0..=100_u8)).prop_map(|(id, name, doing, busy)| {
        json!({
            "id": id, "name": name, "state": "S", "place": "futex_do_wait",
            "doing": doing, "cpu": 0.0, "busy": busy, "still_for": null, "waits_for": null,
            "stack": [], "frames_left_out": 0, "no_stack": null,
        })
    })
}
