//! What is told of a shutdown when it is over.

use super::sees;

/// TG21, TG22, SM1: and not before it is over.
#[test]
fn a_report_has_what_ran_when_and_where_it_came_from() {
    sees("report_contents");
}

#[test]
fn a_report_is_a_short_table() {
    sees("report_as_a_table");
}

/// SM1: many hooks.
#[test]
fn a_report_of_many_tasks_is_still_short() {
    sees("report_of_many_tasks");
}

/// PK7: to the caller it is an error, and in the report a line.
#[test]
fn a_report_has_who_came_too_late() {
    sees("report_of_refusals");
}
