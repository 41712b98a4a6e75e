//! What is no report, and how that is said.

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
    for other in ["{}", "[]", "7", "{\"format\": \"another\", \"version\": 1}"] {
        assert_eq!(refusal(other), "it is JSON, but of no report of deadstop's");
    }
}

#[test]
fn another_version_is_refused() {
    let report = any::hang(json!({"version": 2, "tasks": "elsewhere"}));
    assert_eq!(
        refusal(&report.to_string()),
        "it is a hang report of version 2, and this reads version 1"
    );
}

#[test]
fn a_report_without_a_field_is_refused_with_its_name() {
    let mut report = any::hang(json!({}));
    report.as_object_mut().unwrap().remove("tasks");
    let refusal = refusal(&report.to_string());
    assert!(refusal.contains("missing field `tasks`"), "{refusal}");
}

#[test]
fn the_kinds_are_told_apart_by_their_keys() {
    let read = |report: &serde_json::Value| Report::read(&report.to_string()).unwrap();
    assert!(matches!(read(&any::hang(json!({}))), Report::Hang(_)));
    assert!(matches!(read(&any::ended()), Report::Shutdown(_)));
}

#[test]
fn keys_that_are_not_known_are_let_be() {
    let report = any::hang(json!({"weather": "fine"}));
    assert!(Report::read(&report.to_string()).is_ok());
}
