//! A `/proc` of another PID namespace, and none.

use std::process::{Command, Stdio};

use crate::run::{self, IGNORES_TERM, Run};

/// Runs a program that ignores SIGTERM below `launcher`, a shell's words that end with the
/// start of another program, and returns what the report says.
fn report_below(launcher: &str) -> Option<String> {
    let ours = run::deadstop(&["--grace", "500ms"], IGNORES_TERM);
    let script = format!("{launcher} timeout -s TERM --preserve-status 1 \"$0\" \"$@\"");
    let mut command = Command::new("bash");
    command.args(["-c", &script]).arg(ours.get_program());
    command.args(ours.get_args()).env_remove("DEADSTOP_GRACE");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::piped());
    let mut deadstop = Run::start(&mut command);
    let text = deadstop.errors();
    let status = deadstop.wait().expect("it ends").code();
    if text.contains("unshare failed") {
        assert!(std::env::var_os("DEADSTOP_NO_SKIPS").is_none(), "{text}");
        return None;
    }
    assert_eq!(status, Some(124), "{text}");
    Some(text)
}

#[test]
fn processes_of_another_pid_namespace_are_not_reported() {
    let Some(text) = report_below("exec unshare -p -f") else {
        return;
    };
    assert!(text.contains("\"bash\" (pid "), "{text}");
    assert!(text.contains("cannot list the threads"), "{text}");
    assert!(!text.contains("deadstop: thread "), "{text}");
}

#[test]
fn report_comes_without_proc() {
    let Some(text) = report_below("exec unshare -m bash -c 'umount -l /proc; exec \"$0\" \"$@\"'")
    else {
        return;
    };
    assert!(text.contains("\"bash\" (pid "), "{text}");
    assert!(text.contains("cannot list the threads"), "{text}");
}

/// The control.
#[test]
fn own_processes_are_reported() {
    let text = report_below("exec").expect("nothing is in the way");
    assert!(text.contains("deadstop: thread "), "{text}");
}
