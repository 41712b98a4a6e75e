//! A machine so busy that the report comes when the program has been killed.

use std::fs;
use std::process::Stdio;
use std::ptr;

use crate::run::{self, Run, until};

/// Says its process id, computes without end, and ignores SIGTERM.
const SPINS: &str = "trap '' TERM; echo $$; while :; do :; done";

/// Returns the thread of the process that waits and has this name.
fn waiting_thread(pid: u32, name: &str) -> Option<i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let stats = threads.flatten().map(|thread| thread.path().join("stat"));
    let mut stats = stats.filter_map(|stat| fs::read_to_string(stat).ok());
    let stat = stats.find(|stat| stat.contains(&format!("({name}) S ")))?;
    stat.split(' ').next()?.parse().ok()
}

/// Stops one thread of another process, as a debugger does.
fn hold(tid: i32) {
    let none = ptr::null_mut::<libc::c_void>();
    // SAFETY: two integers and two null pointers.
    let seized = unsafe { libc::ptrace(libc::PTRACE_SEIZE, tid, none, none) };
    assert_eq!(seized, 0, "PTRACE_SEIZE");
    // SAFETY: as above.
    unsafe { libc::ptrace(libc::PTRACE_INTERRUPT, tid, none, none) };
    // SAFETY: two integers; a null pointer is allowed.
    let waited = unsafe { libc::waitpid(tid, ptr::null_mut(), libc::__WALL) };
    assert_eq!(waited, tid, "waitpid");
}

fn release(tid: i32) {
    let none = ptr::null_mut::<libc::c_void>();
    // SAFETY: two integers and two null pointers.
    unsafe { libc::ptrace(libc::PTRACE_DETACH, tid, none, none) };
}

/// The reporter gets no processor from the first inspection to the end of the program.
#[test]
fn late_report_is_of_an_earlier_inspection() {
    let mut command = run::deadstop(&["--grace", "1"], SPINS);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut deadstop = Run::start(&mut command);
    let line = deadstop.first_line();
    let program = line.trim();
    deadstop.send(libc::SIGTERM);
    let pid = deadstop.0.id();
    let reporter = until(|| waiting_thread(pid, "deadstop-report"));
    let reporter = reporter.expect("the program is inspected at once");
    hold(reporter);
    let program = format!("/proc/{program}/stat");
    let is_gone = until(|| fs::read_to_string(&program).is_err().then_some(()));
    release(reporter);
    assert!(is_gone.is_some(), "the program is killed");
    let status = deadstop.wait().expect("it ends").code();
    let text = deadstop.errors();
    assert_eq!(status, Some(124), "{text}");
    assert!(text.contains("has not ended: main runs"), "{text}");
}
