//! Obstacles to the report, such as full pipes, held locks and missing permissions. The
//! report must be written to every sink that still works.

use std::fs;
use std::os::unix::fs::MetadataExt;

use deadstop::report::HangReport;

use crate::REPORTED;
use crate::files::Files;
use crate::harness::{Death, GRACE, Victim, command, skip};
use crate::read::{ended, is_in, running, text, thread};

/// The name of the task that hangs in each of these faults.
const NAME: &str = "hold the gate";

/// Runs `fault` to its end. Returns `None` if this system does not allow the fault.
fn run(fault: &str, files: &Files) -> Option<Death> {
    let victim = files.victim(fault, REPORTED);
    (!victim.is_refused()).then(|| ended(victim, REPORTED))
}

fn assert_named(text: &str, death: &Death) {
    let head = text.lines().next().expect("a line");
    assert!(head.contains(&format!("{NAME:?}")), "{death:?}");
}

/// Asserts that standard error, the termination message and the JSON file name the task.
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
fn report_is_written_without_an_allocator() {
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
fn report_is_written_while_standard_streams_and_logger_are_locked() {
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

/// The program closes all descriptors, and opens its own files, which get the same numbers. The
/// reporter must not write to these files.
#[test]
fn file_that_reuses_the_reporters_descriptor_is_not_written_to() {
    let files = Files::new();
    let content = |n: u32| format!("record {n}, written by the program\n").repeat(200);
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
    assert_eq!(death.stderr, "", "standard error was closed");
}

/// The program also removes the files of the report first. A new file may then get the inode
/// number of a removed file as well as its descriptor number. The reporter must not write to it.
#[test]
fn file_that_reuses_descriptor_and_inode_number_is_not_written_to() {
    let files = Files::new();
    let inode = |name: &str| fs::metadata(files.at(name)).expect("the file exists").ino();
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
        skip("this file system reuses no inode number");
    }
}

#[test]
fn report_is_in_files_if_the_standard_streams_were_closed() {
    let files = Files::new();
    let death = run("out_descriptors_standard", &files).expect("not refused");
    assert_in_files(&death, &files);
}

#[test]
fn report_of_a_thousand_threads_counts_the_unlisted_threads() {
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
fn report_is_written_by_an_unprivileged_user() {
    for fault in ["out_unprivileged_later", "out_unprivileged"] {
        let files = Files::new();
        // The victim may change its user before or after it opens the files.
        for name in ["message", "json"] {
            fs::write(files.at(name), "").expect("a file");
            let all: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
            fs::set_permissions(files.at(name), all).expect("the test owns the files");
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
fn report_is_written_after_chroot() {
    let files = Files::new();
    let Some(death) = run("out_chrooted", &files) else {
        return;
    };
    let report = assert_everywhere(&death, &files);
    let thread = thread(&report, NAME);
    assert_eq!(thread.doing, "waits for a signal", "{death:?}");
    // `install` has opened the files.
    assert!(is_in(thread, "victim::"), "{death:?}");
}

#[test]
fn report_without_proc_has_the_error_and_names_the_task() {
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

/// The reporter renders the report on its thread's stack. `RUST_MIN_STACK` must not make this
/// stack too small.
#[test]
fn report_is_written_with_a_small_rust_min_stack() {
    let files = Files::new();
    let mut command = files.command("out_in_peace", REPORTED);
    command.env("RUST_MIN_STACK", "65536");
    let death = ended(Victim::start(command, "out_in_peace", REPORTED), REPORTED);
    assert_everywhere(&death, &files);
}

#[test]
fn report_is_written_with_all_descriptors_used_up() {
    let files = Files::new();
    let death = run("out_descriptors_used_up", &files).expect("not refused");
    let report = assert_everywhere(&death, &files);
    assert_eq!(
        thread(&report, NAME).doing,
        "waits for a signal",
        "{death:?}"
    );
}

/// The limit applies to files and not to standard error, which is a pipe.
#[test]
fn report_is_on_standard_error_if_the_file_size_limit_is_zero() {
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
fn report_is_on_standard_error_if_the_file_system_is_full() {
    let files = Files::new();
    let Some(death) = run("out_no_room", &files) else {
        return;
    };
    assert_named(text(&death), &death);
}
