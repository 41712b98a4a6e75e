//! How a program stands that is asked while it lives.

use deadstop::{Ending, HangReport, ReportKind};

use crate::REPORTED;
use crate::files::Files;
use crate::harness::{Death, End, Victim};
use crate::read::{ended, last, parsed};

const LAST_LINE: &str = "deadstop: end of hang report 1";

/// The dumps on standard error.
fn dumps(death: &Death) -> Vec<HangReport> {
    let begin = "deadstop: dump, ";
    let pieces = death.stderr.split(begin).skip(1);
    let dumps: Vec<_> = pieces
        .map(|piece| parsed(&format!("{begin}{piece}")))
        .collect();
    assert!(
        dumps.iter().all(|dump| dump.kind == ReportKind::Dump),
        "{death:?}"
    );
    dumps
}

/// Runs `fault`, which is asked while it hangs, up to its deadline.
fn hung(fault: &str, files: &Files) -> Death {
    ended(files.victim(fault, REPORTED), REPORTED)
}

fn is_in_files(death: &Death, files: &Files) {
    let message = files.message();
    assert_eq!(message.kind, ReportKind::Deadline, "{death:?}");
    assert_eq!(message.culprits[0].name, "hold the gate", "{death:?}");
    let json = files.json();
    assert_eq!(json["kind"], "deadline", "{death:?}");
    assert_eq!(json["tasks"][0]["name"], "hold the gate", "{death:?}");
}

/// Asks by `signal` while the program is healthy, and lets it end.
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
    let dumps = dumps(&death);
    assert_eq!(dumps.len(), 3, "{death:?}");
    for dump in &dumps {
        assert_eq!((dump.hung, dump.deadline_in), (0, None), "{death:?}");
        assert!(dump.begun.is_none(), "{death:?}");
        assert_eq!(dump.ending, Ending::Whole, "{death:?}");
        let main = dump.threads.first().expect("main is listed");
        assert_eq!(crate::read::details(main).name, "victim", "{death:?}");
    }
    assert_eq!(files.text("message"), "", "it is kept for the end");
    assert_eq!(files.json()["kind"], "dump", "{death:?}");
    (death, files)
}

#[test]
fn a_signal_asks_and_another_handler_hears_it_too() {
    let (death, _) = healthy("dump_by_signal", libc::SIGQUIT);
    assert!(death.stdout.contains("other handler"), "{death:?}");
}

#[test]
fn a_handler_may_ask() {
    healthy("dump_from_handler", libc::SIGUSR1);
}

#[test]
fn a_dump_during_the_shutdown_does_not_cost_the_report() {
    let files = Files::new();
    let death = hung("dump_of_a_hang", &files);
    let dumps = dumps(&death);
    assert_eq!(dumps.len(), 1, "{death:?}");
    assert_eq!(dumps[0].culprits[0].name, "hold the gate", "{death:?}");
    assert!(dumps[0].deadline_in.is_some(), "{death:?}");
    assert_eq!(last(&death).culprits[0].name, "hold the gate", "{death:?}");
    is_in_files(&death, &files);
}

#[test]
fn a_hundred_do_not_either() {
    let files = Files::new();
    let death = hung("dump_hundred", &files);
    let dumps = dumps(&death);
    assert!((1..=100).contains(&dumps.len()), "{death:?}");
    assert!(
        dumps.iter().all(|dump| dump.ending == Ending::Whole),
        "{death:?}"
    );
    last(&death);
    is_in_files(&death, &files);
}

/// Runs `fault`, whose dump nobody reads, so that the report is in files only.
fn is_read_by_nobody(fault: &str) {
    let files = Files::new();
    let death = hung(fault, &files);
    is_in_files(&death, &files);
}

#[test]
fn nor_does_one_into_a_full_pipe() {
    is_read_by_nobody("dump_with_stderr_full");
}

#[test]
fn nor_does_one_into_a_full_pipe_when_the_report_is_due() {
    is_read_by_nobody("dump_late_with_stderr_full");
}

#[test]
fn nor_does_one_into_a_full_terminal() {
    is_read_by_nobody("dump_with_terminal_full");
}

#[test]
fn nor_does_one_before_the_descriptors_are_used_up() {
    let files = Files::new();
    let death = hung("dump_then_descriptors_used_up", &files);
    is_in_files(&death, &files);
    let report = last(&death);
    let details = crate::read::running(&report, "hold the gate").details();
    assert_eq!(details.doing, "waits for a signal", "{death:?}");
}

#[test]
fn one_comes_without_an_allocator_and_does_not_cost_the_report() {
    let files = Files::new();
    let mut victim = files.victim("dump_by_signal_with_dead_allocator", REPORTED);
    victim.send(libc::SIGQUIT);
    victim.overhear(LAST_LINE);
    victim.trigger(libc::SIGTERM);
    let death = ended(victim, REPORTED);
    assert_eq!(dumps(&death).len(), 1, "{death:?}");
    // Without an allocator no task begins, and none is a culprit.
    last(&death);
    assert_eq!(files.message().kind, ReportKind::Deadline, "{death:?}");
    assert_eq!(files.json()["kind"], "deadline", "{death:?}");
}

#[test]
fn in_a_child_of_fork_there_is_nobody_to_ask() {
    let files = Files::new();
    let death = files.victim("dump_in_a_child", REPORTED).wait();
    assert_eq!(death.end, End::Status(0), "{death:?}");
    assert!(death.stdout.contains("child 42"), "{death:?}");
    assert!(dumps(&death).is_empty(), "{death:?}");
    assert_eq!(files.text("json"), "", "nobody has written");
}

#[test]
fn a_signal_cannot_both_ask_and_end() {
    let death = Victim::watched("dump_signal_twice", REPORTED).wait();
    assert_eq!(death.end, End::Status(97), "{death:?}");
    let refusal = "refusal SIGQUIT cannot both begin the shutdown and ask for a dump";
    assert!(death.stdout.contains(refusal), "{death:?}");
}
