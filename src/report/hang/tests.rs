//! The library's JSON, the serde model and the JSON Schema describe one format.

mod scene;
mod text;

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::{Value, json};

use self::scene::{
    CapturedStack, Fate, ListedThread, Registered, SLEEPS, Scene, frame,
    one_task_on_a_listed_thread, rendered, scene, with_facts,
};
use super::*;

const EXAMPLE: &str = include_str!("example.json");

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}:\n{json}"))
}

fn schema() -> jsonschema::Validator {
    jsonschema::validator_for(&value(HangReport::JSON_SCHEMA)).expect("a JSON Schema")
}

fn assert_valid(schema: &jsonschema::Validator, report: &Value) {
    if let Err(error) = schema.validate(report) {
        panic!("{error} at {}:\n{report:#}", error.instance_path());
    }
}

/// The example without the key at `path`, or with `instead` there.
fn changed(path: &str, instead: Option<Value>) -> Value {
    let mut report = value(EXAMPLE);
    let (parent, key) = path.rsplit_once('/').expect("a path");
    let parent = report.pointer_mut(parent).expect("it is there");
    match instead {
        Some(instead) => parent[key] = instead,
        None => drop(parent.as_object_mut().expect("an object").remove(key)),
    }
    report
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn rendered_report_is_equal_after_it_was_read_and_written(scene in scene()) {
        let json = rendered(&scene);
        let report: HangReport = serde_json::from_str(&json)
            .map_err(|error| TestCaseError::fail(format!("{error}\n{json}")))?;
        prop_assert_eq!(serde_json::to_value(&report).unwrap(), value(&json));
    }

    #[test]
    fn written_report_is_equal_after_it_was_read(scene in scene()) {
        let report: HangReport = serde_json::from_str(&rendered(&scene)).unwrap();
        let again = serde_json::to_string(&report).unwrap();
        prop_assert_eq!(serde_json::from_str::<HangReport>(&again).unwrap(), report);
    }
}

#[test]
fn rendered_reports_are_valid_under_the_schema() {
    let schema = schema();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..100 {
        let scene = scene().new_tree(&mut runner).expect("a scene").current();
        assert_valid(&schema, &value(&rendered(&scene)));
    }
    assert_valid(&schema, &value(EXAMPLE));
}

#[test]
fn schema_refuses_missing_keys_and_wrong_values() {
    let schema = schema();
    for path in [
        "/format",
        "/version",
        "/tasks",
        "/tasks/0/name",
        "/tasks/1/start",
        "/threads/0/stack/0/offset",
        "/stalls",
        "/stalls/0/policy",
        "/unlisted/threads",
        "/phases/0/budget",
    ] {
        assert!(!schema.is_valid(&changed(path, None)), "{path}");
    }
    for (path, instead) in [
        ("/version", json!(2)),
        ("/kind", json!("dump")),
        ("/now", json!(-1)),
        ("/tasks/0/state", json!("asleep")),
        ("/stalls/0/policy", json!("panic")),
        ("/threads/0/busy", json!(101)),
        ("/threads/0/stack/0/offset", json!(17)),
    ] {
        assert!(!schema.is_valid(&changed(path, Some(instead))), "{path}");
    }
}

/// Every key of the model has a description in the schema, and the reverse.
#[test]
fn schema_has_the_keys_that_the_library_writes() {
    let schema = value(HangReport::JSON_SCHEMA);
    let keys = |value: &Value| -> Vec<String> {
        value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect()
    };
    let report = value(EXAMPLE);
    for (in_schema, in_report) in [
        ("", ""),
        ("/properties/unlisted", "/unlisted"),
        ("/$defs/phase", "/phases/0"),
        ("/$defs/task", "/tasks/0"),
        ("/$defs/stall", "/stalls/0"),
        ("/$defs/thread", "/threads/0"),
        ("/$defs/waits_for", "/threads/0/waits_for"),
        ("/$defs/thread/properties/samples", "/threads/0/samples"),
        ("/$defs/frame", "/threads/0/stack/0"),
    ] {
        let described = schema.pointer(&format!("{in_schema}/properties")).unwrap();
        let written = report.pointer(in_report).unwrap();
        assert_eq!(keys(described), keys(written), "{in_schema}");
        let mut required: Vec<_> = schema
            .pointer(&format!("{in_schema}/required"))
            .and_then(Value::as_array)
            .unwrap()
            .iter()
            .map(|key| key.as_str().unwrap().to_owned())
            .collect();
        required.sort();
        let mut written = keys(written);
        written.sort();
        assert_eq!(required, written, "{in_schema}");
    }
}

#[test]
fn other_formats_and_later_versions_are_refused_by_name() {
    let refusal = |path, instead| {
        let changed = changed(path, Some(instead));
        serde_json::from_value::<HangReport>(changed)
            .expect_err("refused")
            .to_string()
    };
    let other = refusal("/format", json!("core dump"));
    assert!(
        other.contains("core dump") && other.contains("deadstop hang report"),
        "{other}"
    );
    assert_eq!(
        refusal("/version", json!(2)),
        "hang report has version 2; this library reads versions 1 to 1"
    );
    assert!(refusal("/version", json!(0)).contains("has version 0"));
    assert!(refusal("/now", json!(-0.5)).contains("from 0 to 1e12"));
    assert!(refusal("/threads/0/stack/0/offset", json!("17")).contains("begins with 0x"));
}

#[test]
fn unknown_keys_are_skipped_and_unknown_words_are_unknown() {
    let mut report = changed("/tasks/0/state", Some(json!("asleep")));
    report["kind"] = json!("whim");
    report["weather"] = json!("fine");
    let report: HangReport = serde_json::from_value(report).unwrap();
    assert_eq!(
        (report.kind, report.tasks[0].state),
        (ReportKind::Unknown, TaskState::Unknown)
    );
}

#[test]
fn example_is_read() {
    let report: HangReport = serde_json::from_str(EXAMPLE).unwrap();
    assert_eq!(report.hung(), 1);
    let task = report.task("flush the log").unwrap();
    let thread = report.thread_of(task).unwrap();
    assert!(thread.functions().eq(["write", "server::log::flush"]));
    assert_eq!(task.took, Some(Duration::from_millis(9200)));
    let [stall] = &report.stalls[..] else {
        panic!("{:?}", report.stalls);
    };
    assert_eq!(
        (stall.name.as_str(), stall.thread, stall.policy),
        ("consumer loop", Some(4240), StallPolicy::NotAlive)
    );
    assert_eq!(stall.limit, Some(Duration::from_secs(5)));
}

#[test]
fn stalled_heartbeats_beyond_the_table_are_counted() {
    let mut scene = one_task_on_a_listed_thread();
    let beat = Registered {
        phase: "shutdown".into(),
        budget: Duration::from_secs(5),
        ..scene.running[0].clone()
    };
    scene.stalls = vec![beat; deadstop_core::MAX_STALLS + 3];
    let report: HangReport = serde_json::from_str(&rendered(&scene)).unwrap();
    assert_eq!(report.stalls.len(), deadstop_core::MAX_STALLS);
    assert_eq!(report.unlisted.stalls, 3);
    let stall = &report.stalls[0];
    // The last tick was at 3 s, and the report is of 15 s.
    assert_eq!(stall.age, Duration::from_secs(12));
    assert_eq!(
        (stall.limit, stall.thread, stall.policy),
        (Some(Duration::from_secs(5)), Some(7), StallPolicy::Shutdown)
    );
}

#[test]
fn report_of_an_earlier_release_without_stalls_is_read() {
    let report = serde_json::from_value::<HangReport>(changed("/stalls", None)).unwrap();
    assert!(report.stalls.is_empty());
    let report = serde_json::from_value::<HangReport>(changed("/unlisted/stalls", None)).unwrap();
    assert_eq!(report.unlisted.stalls, 0);
}

#[test]
fn report_that_does_not_fit_has_no_frames() {
    let scene = Scene {
        begun: Some(0),
        at: Some(20_000_000_000),
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
                fate: Fate::Runs,
            })
            .collect(),
        threads: (1..6)
            .map(|tid| ListedThread::asleep(tid, "t", SLEEPS))
            .collect(),
        total: 5,
        stacks: (1..6)
            .map(|tid| {
                CapturedStack::of(tid, vec![frame(&"m".repeat(48), &"f".repeat(128), ""); 24])
            })
            .collect(),
        ..Scene::empty()
    };
    let report: HangReport = serde_json::from_str(&rendered(&scene)).unwrap();
    assert!(!report.complete);
    assert_eq!(report.tasks.len(), 64);
    let left_out = report.threads.iter().map(|thread| thread.frames_left_out);
    assert!(left_out.eq([24; 5]), "{report:#?}");
    assert_valid(&schema(), &serde_json::to_value(&report).unwrap());
}

#[test]
fn task_has_its_times_and_its_thread() {
    let scene = one_task_on_a_listed_thread();
    let report: HangReport = serde_json::from_str(&rendered(&scene)).unwrap();
    let with = report.task("with a thread").unwrap();
    let seconds = |millis| Some(Duration::from_millis(millis));
    assert_eq!(
        (with.start, with.took, with.budget),
        (seconds(2000), seconds(12000), seconds(2500))
    );
    assert_eq!(with.thread, Some(7));
    let without = report.task("without").unwrap();
    assert_eq!((without.budget, without.thread), (None, None));
    assert_eq!(report.unlisted.threads, 9);
}

#[test]
fn address_is_written_only_without_a_module() {
    let mut scene = one_task_on_a_listed_thread();
    let frames = vec![frame("app", "f", ""), frame("", "f", "")];
    scene.stacks = vec![CapturedStack::of(7, frames)];
    let json = rendered(&scene);
    let report: HangReport = serde_json::from_str(&json).unwrap();
    let offsets = report
        .thread(7)
        .unwrap()
        .stack
        .iter()
        .map(|frame| frame.offset);
    assert!(offsets.eq([0x1f, 0xabc]), "{json}");
    assert_eq!(json.matches("0xabc").count(), 1, "{json}");
}

#[test]
fn threads_of_tasks_are_in_the_order_of_the_report() {
    with_facts(&one_task_on_a_listed_thread(), |facts| {
        let mut threads = [0; 2];
        assert_eq!(facts.roster.hung_threads(&mut threads), 1);
        assert_eq!(threads, [7, 0]);
    });
}
