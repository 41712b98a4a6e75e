//! Status reports, which are written on request while the process goes on.

use deadstop::report::ReportKind;

use crate::REPORTED;
use crate::files::Files;
use crate::harness::{Death, End, Victim};
use crate::read::{ended, text, thread};

/// The last line of a report, without its number.
const LAST_LINE: &str = "deadstop: end of hang report ";

/// Returns the status reports on standard error, each with the text up to the next one.
fn reports(death: &Death) -> Vec<&str> {
    let pieces = death.stderr.split("deadstop: status report, ");
    pieces.skip(1).collect()
}

/// Runs `fault`, which requests status reports while it hangs, to its deadline.
fn hung(fault: &str, files: &Files) -> Death {
    ended(files.victim(fault, REPORTED), REPORTED)
}

fn assert_in_files(death: &Death, files: &Files) {
    let message = files.message();
    assert!(message.starts_with("deadstop: deadline in "), "{death:?}");
    let mut lines = message.lines();
    let names_task = |line: &str| line.contains("\"hold the gate\"");
    assert!(lines.next().is_some_and(names_task), "{death:?}");
    let report = files.report();
    assert_eq!(report.kind, ReportKind::Deadline, "{death:?}");
    assert_eq!(report.tasks[0].name, "hold the gate", "{death:?}");
}

/// Requests three status reports by `signal` while no task runs, and then a shutdown, which
/// must succeed.
fn healthy(fault: &str, signal: i32) -> (Death, Files) {
    let files = Files::new();
    let mut victim = files.victim(fault, REPORTED);
    for _ in 0..3 {
        victim.send(signal);
        victim.overhear(LAST_LINE);
    }
    victim.trigger(libc::SIGTERM);
    let death = victim.wait();
    assert_eq!(death.end, End::Status(0), "{death:?}");
    assert!(death.stdout.contains("ran close"), "{death:?}");
    let reports = reports(&death);
    assert_eq!(reports.len(), 3, "{death:?}");
    for report in reports {
        assert!(
            report.starts_with("no deadline: no task is running\n"),
            "{death:?}"
        );
        assert!(report.contains(LAST_LINE), "{death:?}");
    }
    assert_eq!(files.message(), "", "a status report writes no message");
    let report = files.report();
    assert_eq!(report.kind, ReportKind::Status, "{death:?}");
    assert_eq!(report.hung(), 0, "{death:?}");
    let main = report.thread(report.pid).expect("main is listed");
    assert_eq!(main.name, "victim", "{death:?}");
    (death, files)
}

#[test]
fn signal_requests_a_status_report_and_calls_the_other_handler() {
    let (death, _) = healthy("dump_by_signal", libc::SIGQUIT);
    assert!(death.stdout.contains("other handler"), "{death:?}");
}

#[test]
fn signal_handler_can_request_a_status_report() {
    healthy("dump_from_handler", libc::SIGUSR1);
}

#[test]
fn hang_report_is_written_after_a_status_report_during_the_shutdown() {
    let files = Files::new();
    let death = hung("dump_of_a_hang", &files);
    let reports = reports(&death);
    assert_eq!(reports.len(), 1, "{death:?}");
    let head = reports[0].lines().next().expect("a line");
    assert!(
        head.starts_with("deadline in ") && head.contains("\"hold the gate\""),
        "{death:?}"
    );
    assert!(text(&death).contains("\"hold the gate\""), "{death:?}");
    assert_in_files(&death, &files);
}

#[test]
fn hundred_requested_status_reports_are_each_complete() {
    let files = Files::new();
    let death = hung("dump_hundred", &files);
    let reports = reports(&death);
    assert!((1..=100).contains(&reports.len()), "{death:?}");
    let whole = reports.iter().filter(|report| report.contains(LAST_LINE));
    assert_eq!(whole.count(), reports.len(), "{death:?}");
    text(&death);
    assert_in_files(&death, &files);
}

/// Runs `fault`, whose standard error no process reads, so that the report is in files only.
fn assert_hang_report_in_files(fault: &str) {
    let files = Files::new();
    let death = hung(fault, &files);
    assert_in_files(&death, &files);
}

#[test]
fn hang_report_is_written_after_a_status_report_into_a_full_pipe() {
    assert_hang_report_in_files("dump_with_stderr_full");
}

#[test]
fn hang_report_is_written_after_a_late_status_report_into_a_full_pipe() {
    assert_hang_report_in_files("dump_late_with_stderr_full");
}

#[test]
fn hang_report_is_written_after_a_status_report_into_a_full_terminal() {
    assert_hang_report_in_files("dump_with_terminal_full");
}

#[test]
fn hang_report_is_written_if_descriptors_are_used_up_after_a_status_report() {
    let files = Files::new();
    let death = hung("dump_then_descriptors_used_up", &files);
    assert_in_files(&death, &files);
    let report = files.report();
    let thread = thread(&report, "hold the gate");
    assert_eq!(thread.doing, "waits for a signal", "{death:?}");
}

#[test]
fn hang_report_is_written_after_a_status_report_without_an_allocator() {
    let files = Files::new();
    let mut victim = files.victim("dump_by_signal_with_dead_allocator", REPORTED);
    victim.send(libc::SIGQUIT);
    victim.overhear(LAST_LINE);
    victim.trigger(libc::SIGTERM);
    let death = ended(victim, REPORTED);
    assert_eq!(reports(&death).len(), 1, "{death:?}");
    // Without an allocator no task begins, and the report names none.
    text(&death);
    assert!(
        files.message().starts_with("deadstop: deadline in "),
        "{death:?}"
    );
    assert_eq!(files.report().kind, ReportKind::Deadline, "{death:?}");
}

#[test]
fn child_of_fork_writes_no_report() {
    let files = Files::new();
    let death = files.victim("dump_in_a_child", REPORTED).wait();
    assert_eq!(death.end, End::Status(0), "{death:?}");
    assert!(death.stdout.contains("child 42"), "{death:?}");
    assert!(reports(&death).is_empty(), "{death:?}");
    assert_eq!(files.text("json"), "", "a child has no reporter");
}

#[test]
fn signal_for_both_the_shutdown_and_status_reports_is_refused() {
    let death = Victim::watched("dump_signal_twice", REPORTED).wait();
    assert_eq!(death.end, End::Status(97), "{death:?}");
    let refusal = "refusal SIGQUIT would both begin a shutdown and request a status report";
    assert!(death.stdout.contains(refusal), "{death:?}");
}
