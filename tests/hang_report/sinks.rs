//! Contents of each sink, and the permissions of its file.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use deadstop::report::{HangReport, ReportKind, TaskState};

use crate::REPORTED;
use crate::files::Files;
use crate::harness::{Death, End, GRACE, Victim};
use crate::read::{ended, screen, text};

#[test]
fn abandoned_task_is_reported_although_the_process_ends_before_the_deadline() {
    let files = Files::new();
    let death = files.victim("abandoned_in_time", REPORTED).wait();
    assert_eq!(death.end, End::Status(1), "{death:?}");
    assert!(death.after < REPORTED, "{death:?}");
    let report = files.report();
    assert_eq!(report.kind, ReportKind::Abandoned, "{death:?}");
    let task = report.task("drain http").expect("the report lists it");
    assert_eq!(task.state, TaskState::Abandoned, "{death:?}");
    let message = files.message();
    for text in [&message, &death.stderr] {
        let head = text.find("deadstop: task abandoned, deadline in ");
        let head = &text[head.unwrap_or_else(|| panic!("{death:?}"))..];
        let line = head.lines().next().expect("a line");
        assert!(
            line.contains("1 task has not returned: \"drain http\" (phase drain, "),
            "{line}"
        );
        assert!(line.contains(", abandoned)"), "{line}");
    }
    if cfg!(feature = "stacks") {
        // The process may end before the function names are read.
        let stack = &report.thread_of(task).expect("the report lists it").stack;
        let mut modules = stack.iter().map(|frame| frame.module.as_deref());
        assert!(modules.any(|module| module == Some("victim")), "{death:?}");
    }
}

#[test]
fn abandoned_in_time_is_stuck_without_a_watchdog() {
    assert!(Victim::unwatched("abandoned_in_time", GRACE).lives_for(3 * GRACE));
}

#[test]
fn json_line_on_standard_error_is_one_complete_report() {
    let death = ended(Victim::watched("sink_json_line", REPORTED), REPORTED);
    let lines = death.stderr.lines().filter(|line| line.starts_with('{'));
    let reports: Vec<HangReport> = lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert_eq!(reports.len(), 1, "{death:?}");
    assert_eq!(reports[0].tasks[0].name, "hold the gate", "{death:?}");
    assert!(!death.stderr.contains("deadstop: deadline in"), "{death:?}");
}

/// Returns the reports that the victim's logger got as records.
fn records(death: &Death) -> Vec<&str> {
    let lines = death.stdout.lines();
    let records = lines.filter_map(|line| line.strip_prefix("RECORD ERROR "));
    records
        .filter(|record| record.contains("deadline in"))
        .collect()
}

#[test]
fn logger_gets_the_first_screen_as_one_record_if_standard_error_gets_the_report() {
    let death = ended(
        Victim::watched("sink_log_beside_stderr", REPORTED),
        REPORTED,
    );
    let records = records(&death);
    assert_eq!(records.len(), 1, "{death:?}");
    let lines: Vec<_> = records[0].split("\\n").collect();
    let screen = screen(&death);
    let screen: Vec<_> = screen
        .lines()
        .map(|line| line.strip_prefix("deadstop: ").expect("a report"))
        .collect();
    assert_eq!(lines, screen, "{death:?}");
    assert_eq!(
        death.stderr.matches("end of hang report").count(),
        1,
        "{death:?}"
    );
}

#[test]
fn logger_gets_the_whole_report_as_one_record_if_it_is_the_only_sink() {
    let death = ended(Victim::watched("sink_log_alone", REPORTED), REPORTED);
    let records = records(&death);
    assert_eq!(records.len(), 1, "{death:?}");
    assert!(records[0].contains("end of hang report 1"), "{death:?}");
    assert!(!death.stderr.contains("deadline in"), "{death:?}");
}

#[test]
fn logger_gets_the_record_although_standard_error_is_full() {
    let death = ended(
        Victim::watched("sink_log_beside_full_stderr", REPORTED),
        REPORTED,
    );
    assert_eq!(records(&death).len(), 1, "{death:?}");
    assert!(!death.stderr.contains("deadline in"), "{death:?}");
}

#[test]
fn standard_error_and_files_get_the_report_although_the_logger_hangs() {
    let files = Files::new();
    let death = ended(files.victim("sink_logger_hangs", REPORTED), REPORTED);
    assert!(text(&death).contains("end of hang report"), "{death:?}");
    assert_eq!(files.report().kind, ReportKind::Deadline, "{death:?}");
    assert!(files.message().contains("\"hold the gate\""), "{death:?}");
}

#[test]
fn logger_that_hangs_is_stuck_without_a_watchdog() {
    for fault in ["sink_log_beside_full_stderr", "sink_logger_hangs"] {
        assert!(Victim::unwatched(fault, GRACE).lives_for(3 * GRACE));
    }
}

/// The logger panics at the report of an abandoned task. It must still get the summary, which
/// is logged later.
#[test]
fn logger_gets_later_records_after_it_panicked() {
    let files = Files::new();
    let mut command = files.command("sink_logger_panics", REPORTED);
    // A backtrace would take longer than the library waits for a logger at the end.
    command.env("RUST_BACKTRACE", "0");
    let death = Victim::start(command, "sink_logger_panics", REPORTED).wait();
    assert_eq!(death.end, End::Status(1), "{death:?}");
    assert!(death.stderr.contains("a logger that panics"), "{death:?}");
    let summary = "RECORD WARN shutdown is over after";
    assert!(death.stdout.contains(summary), "{death:?}");
}

/// The victim requests a status report every 5 ms, and its logger hangs. The hang report must
/// still be written.
#[test]
fn status_reports_are_limited_to_one_per_second() {
    let files = Files::new();
    let death = ended(files.victim("sink_flood", REPORTED), REPORTED);
    let reports = death.stderr.matches("deadstop: status report, ").count();
    let most = REPORTED.as_secs() as usize + 1;
    assert!((1..=most).contains(&reports), "{reports}: {death:?}");
    assert_eq!(files.report().kind, ReportKind::Deadline, "{death:?}");
}

#[test]
fn new_report_files_are_accessible_to_their_owner_only() {
    let files = Files::new();
    ended(files.victim("out_in_peace", REPORTED), REPORTED);
    for name in ["message", "json"] {
        let mode = fs::metadata(files.at(name))
            .expect("the file exists")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn report_path_that_is_a_symbolic_link_is_refused() {
    let files = Files::new();
    fs::write(files.at("precious"), "keep me").expect("a file");
    symlink(files.at("precious"), files.at("json")).expect("a link");
    let death = files.victim("out_sink_refused", REPORTED).wait();
    assert_eq!(death.end, End::Status(97), "{death:?}");
    assert!(
        death
            .stdout
            .contains("it is a symbolic link; refusing to follow it"),
        "{death:?}"
    );
    assert_eq!(files.text("precious"), "keep me");
}

/// A frame with a module has the offset in it. An absolute address as well would reveal where
/// the module is loaded.
#[test]
fn json_frames_have_no_absolute_addresses() {
    let files = Files::new();
    ended(files.victim("out_in_peace", REPORTED), REPORTED);
    for thread in &files.report().threads {
        for frame in thread.stack.iter().filter(|frame| frame.module.is_some()) {
            assert!(frame.offset < 1 << 40, "{frame:?}");
        }
    }
}
