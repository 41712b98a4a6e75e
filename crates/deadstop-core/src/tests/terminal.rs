//! The terminal's attributes at the end of a process.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use super::isolated::run;
use crate::kill_path::Watchdog;
use crate::sys::SignalMask;

static WATCHDOG: Watchdog = Watchdog::new();

/// Puts the terminal into raw mode, and ends by the watchdog.
fn end_in_raw_mode(saves: bool) {
    WATCHDOG.set_status(77);
    thread::spawn(|| {
        SignalMask::block_all();
        WATCHDOG.run()
    });
    WATCHDOG.wait_started(0);
    assert!(!saves || WATCHDOG.terminal().save(), "it has a terminal");
    WATCHDOG.enable();
    let raw = Command::new("stty").args(["raw", "-echo"]).status();
    assert!(raw.expect("stty runs").success());
    println!("\nraw");
    assert!(WATCHDOG.arm(Duration::ZERO));
    thread::sleep(Duration::from_secs(10));
}

/// Runs the test on a terminal of its own. Returns whether that echoes at the
/// end.
#[track_caller]
fn echoes_at_the_end(shell: &str, test: &str, body: fn()) -> bool {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let main = openpt(flags).expect("there are terminals");
    grantpt(&main).expect("it is ours");
    unlockpt(&main).expect("it is ours");
    let path = ptsname(&main, Vec::new()).expect("it has a path");
    let terminal = File::options()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOCTTY)
        .open(path.to_str().expect("it is ASCII"))
        .expect("it opens");
    let copy = terminal.try_clone().expect("there is room");
    let (status, output) = run(shell, Stdio::from(copy), test, body).expect("it ends in time");
    assert_eq!(status.code(), Some(77), "{output}");
    assert!(output.contains("raw"), "{output}");
    let attributes = tcgetattr(&terminal).expect("it is a terminal");
    attributes.local_modes.contains(LocalModes::ECHO)
}

const IN_FOREGROUND: &str = "exec setsid --ctty --wait \"$0\" \"$@\"";
/// The test is a background job: the terminal's foreground group is the
/// shell's.
const IN_BACKGROUND: &str =
    "exec setsid --ctty --wait sh -mc '\"$0\" \"$@\" <&0 & wait $!' \"$0\" \"$@\"";

#[test]
fn terminal_left_in_raw_mode_is_restored_at_the_deadline() {
    let test = "terminal::terminal_left_in_raw_mode_is_restored_at_the_deadline";
    assert!(echoes_at_the_end(IN_FOREGROUND, test, || end_in_raw_mode(
        true
    )));
}

#[test]
fn terminal_that_was_not_saved_stays_raw() {
    let test = "terminal::terminal_that_was_not_saved_stays_raw";
    assert!(!echoes_at_the_end(IN_FOREGROUND, test, || end_in_raw_mode(
        false
    )));
}

/// A background process would be stopped when it changed the terminal with
/// `stty`, so this one only saves and arms, and the raw mode is the parent's.
#[test]
fn process_in_the_background_leaves_the_terminal_alone() {
    let test = "terminal::process_in_the_background_leaves_the_terminal_alone";
    let body = || {
        WATCHDOG.set_status(77);
        thread::spawn(|| {
            SignalMask::block_all();
            WATCHDOG.run()
        });
        WATCHDOG.wait_started(0);
        assert!(WATCHDOG.terminal().save(), "it has a terminal");
        WATCHDOG.enable();
        let ignoring = "trap '' TTOU; stty raw -echo";
        let raw = Command::new("sh").args(["-c", ignoring]).status();
        assert!(raw.expect("stty runs").success());
        println!("\nraw");
        assert!(WATCHDOG.arm(Duration::ZERO));
        thread::sleep(Duration::from_secs(10));
    };
    assert!(!echoes_at_the_end(IN_BACKGROUND, test, body));
}
