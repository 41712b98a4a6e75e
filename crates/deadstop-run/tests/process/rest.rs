//! Processes that the program leaves behind.

use std::process::{Command, Stdio};

use crate::run::{self, Run};

/// Runs until the end, with a SIGTERM after the first line if `is_signaled`. Returns the
/// status, and what standard error says.
fn says(options: &[&str], script: &str, is_signaled: bool) -> (Option<i32>, String) {
    let mut command = run::deadstop(options, script);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut deadstop = Run::start(&mut command);
    deadstop.first_line();
    if is_signaled {
        deadstop.send(libc::SIGTERM);
    }
    let status = deadstop.wait().expect("it ends").code();
    let text = deadstop.errors();
    (status, text)
}

#[test]
fn processes_that_were_killed_at_the_deadline_are_not_named() {
    // The child needs a while to die: its memory is freed first.
    let child = r#"b = b"x" * (128 << 20); print("up", flush=True); import time; time.sleep(600)"#;
    let script = format!("trap '' TERM; python3 -c '{child}' & wait");
    let (status, text) = says(&["--grace", "200ms"], &script, true);
    assert_eq!(status, Some(124), "{text}");
    assert!(!text.contains("leaves processes behind"), "{text}");
}

/// The control: one that goes on is named.
#[test]
fn process_that_goes_on_is_named() {
    let script = "setsid sleep 600 >/dev/null 2>&1 & echo $!; exit 3";
    let mut command = run::deadstop(&["--grace", "60"], script);
    let mut output = Command::output(&mut command).expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr);
    output.stdout.retain(u8::is_ascii_digit);
    let left = String::from_utf8_lossy(&output.stdout);
    let killed = Command::new("kill").args(["-9", &left]).status();
    assert!(killed.is_ok_and(|it| it.success()), "{left} goes on");
    assert!(
        text.contains(&format!("leaves processes behind: {left}")),
        "{text}"
    );
}

#[test]
fn processes_that_are_left_are_killed_on_request() {
    let script = "sleep 600 >/dev/null 2>&1 & echo up; exit 3";
    let (status, text) = says(&["--grace", "60", "--kill-rest"], script, false);
    assert_eq!(status, Some(3), "{text}");
    assert!(!text.contains("leaves processes behind"), "{text}");
}
