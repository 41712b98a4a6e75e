//! Errors for files that are no report.

use deadstop::{Cause, Shutdown};
use serde_json::json;

use super::any;
use crate::report::Report;

fn refusal(text: &str) -> String {
    Report::read(text).expect_err("not a report").to_string()
}

#[test]
fn what_is_no_report_is_refused_in_words() {
    assert!(refusal("").starts_with("it is cut short: "));
    assert!(refusal("{\"format\": \"dead").starts_with("it is cut short: "));
    assert!(refusal("deadstop: end").starts_with("it is not JSON: "));
    for other in ["{}", "[]", "7"] {
        assert_eq!(refusal(other), "it is JSON, but not a report of deadstop");
    }
}

#[test]
fn another_version_is_refused() {
    let report = any::hang(json!({"version": 2}));
    let refusal = refusal(&report.to_string());
    assert!(
        refusal.contains("hang report has version 2; this library reads"),
        "{refusal}"
    );
}

#[test]
fn report_without_a_field_is_refused_with_its_name() {
    let mut report = any::hang(json!({}));
    report.as_object_mut().unwrap().remove("tasks");
    let refusal = refusal(&report.to_string());
    assert!(refusal.contains("missing field `tasks`"), "{refusal}");
}

#[test]
fn report_kind_is_recognized_by_its_keys() {
    let read = |report: &serde_json::Value| Report::read(&report.to_string()).unwrap();
    assert!(matches!(read(&any::hang(json!({}))), Report::Hang(_)));
    assert!(matches!(read(&any::ended()), Report::Shutdown(_)));
}

#[test]
fn keys_that_are_not_known_are_let_be() {
    let report = any::hang(json!({"weather": "fine"}));
    assert!(Report::read(&report.to_string()).is_ok());
}

/// The report of a real shutdown, not one that a test made up.
#[test]
fn report_that_a_shutdown_has_made_is_read() {
    let shutdown = Shutdown::builder().detached().expect("threads start");
    let task = shutdown.task("flush").on_shutdown(|_| Err("disk full"));
    task.expect("it has not begun");
    shutdown.request(Cause::requested("a test"));
    shutdown.wait();
    let made = shutdown.report().expect("it is over");
    let json = serde_json::to_string(&made).expect("it can be written");
    let Report::Shutdown(read) = Report::read(&json).expect("a report") else {
        panic!("another kind: {json}");
    };
    assert_eq!(read.cause(), made.cause());
    assert_eq!(read.to_string(), made.to_string());
}
