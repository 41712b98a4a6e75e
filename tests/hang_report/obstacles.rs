//! Whatever is in the way, the report comes out where it can.

use std::fs;
use std::os::unix::fs::MetadataExt;

use deadstop::report::HangReport;

use crate::REPORTED;
use crate::files::Files;
use crate::harness::{Death, GRACE, Victim, command, skip};
use crate::read::{ended, running, text, thread};

/// The task that each of these plants.
const NAME: &str = "hold the gate";

/// Runs `fault` to its end; `None` if the system does not let it be tried.
fn run(fault: &str, files: &Files) -> Option<Death> {
    let victim = files.victim(fault, REPORTED);
    (!victim.is_refused()).then(|| ended(victim, REPORTED))
}

fn assert_named(text: &str, death: &Death) {
    let head = text.lines().next().expect("a line");
    assert!(head.contains(&format!("{NAME:?}")), "{death:?}");
}

/// On standard error, in the message, and in JSON.
fn assert_everywhere(death: &Death, files: &Files) -> HangReport {
    assert_named(text(death), death);
    assert_in_files(death, files)
}

fn assert_in_files(death: &Death, files: &Files) -> HangReport {
    assert_named(&files.message(), death);
    let report = files.report();
    assert_eq!(report.tasks[0].name, NAME, "{death:?}");
    report
}

fn is_stuck_without_a_watchdog(fault: &str) {
    let files = Files::new();
    let mut command = command(fault, GRACE, "unwatched");
    command.env("FOLDER", files.at(""));
    for n in 0..100 {
        fs::write(files.at(&n.to_string()), "").expect("a file");
    }
    let victim = Victim::start(command, fault, GRACE);
    assert!(victim.is_refused() || victim.lives_for(3 * GRACE));
}

macro_rules! stuck {
    ($($fault:ident)*) => {
        mod is_stuck_without_a_watchdog {
            $(#[test]
            fn $fault() {
                super::is_stuck_without_a_watchdog(stringify!($fault));
            })*
        }
    };
}

stuck! {
    out_chrooted
    out_dead_allocator
    out_descriptors_reused
    out_descriptors_reused_by_heirs
    out_descriptors_standard
    out_descriptors_used_up
    out_file_size_zero
    out_hundred_tasks
    out_in_peace
    out_locks_held
    out_no_proc
    out_no_room
    out_stderr_full
    out_stderr_terminal_full
    out_thousand_threads
    out_unprivileged
    out_unprivileged_later
}

#[test]
fn report_comes_without_an_allocator() {
    let files = Files::new();
    let death = run("out_dead_allocator", &files).expect("not refused");
    let report = assert_everywhere(&death, &files);
    let thread = thread(&report, NAME);
    assert_eq!(thread.doing, "waits for a signal", "{death:?}");
    if cfg!(feature = "stacks") {
        // The stack has addresses, without names.
        let mut modules = thread.stack.iter().map(|frame| frame.module.as_deref());
        assert!(modules.any(|module| module == Some("victim")), "{death:?}");
    }
}

#[test]
fn report_comes_with_standard_streams_and_logger_locked() {
    let files = Files::new();
    let death = run("out_locks_held", &files).expect("not refused");
    assert_everywhere(&death, &files);
}

#[test]
fn report_is_in_files_if_standard_error_is_a_full_pipe() {
    let files = Files::new();
    let death = run("out_stderr_full", &files).expect("not refused");
    assert_in_files(&death, &files);
}

#[test]
fn report_is_in_files_if_standard_error_is_a_full_terminal() {
    let files = Files::new();
    let death = run("out_stderr_terminal_full", &files).expect("not refused");
    assert_in_files(&death, &files);
}

/// A program that closes all it has, and opens files under the same numbers:
/// there is nowhere to write to, and nothing may be written there.
#[test]
fn file_that_got_our_descriptors_number_is_not_touched() {
    let files = Files::new();
    let content = |n: u32| format!("record {n}, and not a byte of it is ours\n").repeat(200);
    for n in 0..100 {
        fs::write(files.at(&n.to_string()), content(n)).expect("a file");
    }
    let death = run("out_descriptors_reused", &files).expect("not refused");
    for n in 0..100 {
        assert_eq!(files.text(&n.to_string()), content(n), "{n}: {death:?}");
    }
    assert_eq!(
        (files.text("message"), files.text("json")),
        (String::new(), String::new())
    );
    assert_eq!(death.stderr, "", "it was closed");
}

/// The same where each of the report's files is removed just before, so that the file system
/// gives its number to the new file, which gets its descriptor's number too.
#[test]
fn file_that_got_our_files_number_as_well_is_not_touched() {
    let files = Files::new();
    let inode = |name: &str| fs::metadata(files.at(name)).expect("it is there").ino();
    let ours = ["message", "json"].map(|name| {
        fs::write(files.at(name), "").expect("a file");
        inode(name)
    });
    let death = run("out_descriptors_reused_by_heirs", &files).expect("not refused");
    let mut heirs = 0;
    for n in (0..100).map(|n| n.to_string()) {
        heirs += u32::from(ours.contains(&inode(&n)));
        assert_eq!(files.text(&n), "a record", "{n}: {death:?}");
    }
    if heirs == 0 {
        skip("this file system gives no number twice");
    }
}

#[test]
fn report_is_in_files_if_the_standard_streams_were_closed() {
    let files = Files::new();
    let death = run("out_descriptors_standard", &files).expect("not refused");
    assert_in_files(&death, &files);
}

#[test]
fn report_of_a_thousand_threads_counts_those_that_it_does_not_list() {
    let files = Files::new();
    let death = run("out_thousand_threads", &files).expect("not refused");
    let report = assert_everywhere(&death, &files);
    assert_eq!(report.hung(), 1, "{death:?}");
    thread(&report, NAME);
    let listed = report.threads.len() as u64;
    assert!(report.unlisted.threads + listed >= 1000, "{death:?}");
    assert!(report.unlisted.threads > 0, "{death:?}");
}

#[test]
fn report_comes_from_a_user_without_privileges() {
    for fault in ["out_unprivileged_later", "out_unprivileged"] {
        let files = Files::new();
        // Whatever thread it is by then.
        for name in ["message", "json"] {
            fs::write(files.at(name), "").expect("a file");
            let all: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
            fs::set_permissions(files.at(name), all).expect("they are ours");
        }
        let Some(death) = run(fault, &files) else {
            continue;
        };
        let report = assert_everywhere(&death, &files);
        let thread = thread(&report, NAME);
        assert_eq!(
            (thread.state, thread.name.as_str()),
            ('S', NAME),
            "{death:?}"
        );
    }
}

#[test]
fn report_comes_after_a_change_of_root() {
    let files = Files::new();
    let Some(death) = run("out_chrooted", &files) else {
        return;
    };
    let report = assert_everywhere(&death, &files);
    assert_eq!(
        thread(&report, NAME).doing,
        "waits for a signal",
        "{death:?}"
    );
}

#[test]
fn report_without_proc_says_so() {
    let files = Files::new();
    let Some(death) = run("out_no_proc", &files) else {
        return;
    };
    let report = assert_everywhere(&death, &files);
    assert_eq!(
        report.threads_refused,
        Some(libc::ENOENT as u32),
        "{death:?}"
    );
    assert!(running(&report, NAME).thread.is_some(), "{death:?}");
}

/// The report is rendered on a thread's stack, and no variable makes that too small.
#[test]
fn report_comes_where_threads_have_small_stacks() {
    let files = Files::new();
    let mut command = files.command("out_in_peace", REPORTED);
    command.env("RUST_MIN_STACK", "65536");
    let death = ended(Victim::start(command, "out_in_peace", REPORTED), REPORTED);
    assert_everywhere(&death, &files);
}

#[test]
fn report_comes_with_all_descriptors_used_up() {
    let files = Files::new();
    let death = run("out_descriptors_used_up", &files).expect("not refused");
    let report = assert_everywhere(&death, &files);
    assert_eq!(
        thread(&report, NAME).doing,
        "waits for a signal",
        "{death:?}"
    );
}

/// Standard error is a pipe, which has no size.
#[test]
fn report_is_on_standard_error_where_no_file_may_grow() {
    let files = Files::new();
    let death = run("out_file_size_zero", &files).expect("not refused");
    assert_named(text(&death), &death);
    assert_eq!(files.text("message"), "", "{death:?}");
    for what in ["the termination message", "the JSON file"] {
        let line = format!("deadstop: could not write the report to {what} (system error 27)");
        assert!(text(&death).contains(&line), "{what}: {death:?}");
    }
}

#[test]
fn report_is_on_standard_error_where_the_message_has_no_room() {
    let files = Files::new();
    let Some(death) = run("out_no_room", &files) else {
        return;
    };
    assert_named(text(&death), &death);
}
