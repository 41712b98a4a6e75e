//! A terminal in raw mode, which the end of the process restores.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use deadstop::Shutdown;

use super::self_victim::{PATIENCE, finish, park, say, victim};
use super::{LONG, ok};

/// The end of a victim in raw mode.
#[derive(Clone, Copy)]
enum End {
    Deadline,
    SecondInterrupt,
    Clean,
}

fn attributes(terminal: &OwnedFd) -> libc::termios {
    let mut attributes = std::mem::MaybeUninit::<libc::termios>::zeroed();
    // SAFETY: a descriptor, and a pointer that is valid for writes.
    let read = unsafe { libc::tcgetattr(terminal.as_raw_fd(), attributes.as_mut_ptr()) };
    assert_eq!(read, 0, "tcgetattr");
    // SAFETY: zeroed, and now written.
    unsafe { attributes.assume_init() }
}

/// A pseudo-terminal: the test's end and the victim's end.
fn pair() -> (OwnedFd, OwnedFd) {
    let (mut ours, mut theirs) = (0, 0);
    let (name, attributes, size) = (std::ptr::null_mut(), std::ptr::null(), std::ptr::null());
    // SAFETY: two pointers valid for writes, and three that may be null.
    let opened = unsafe { libc::openpty(&raw mut ours, &raw mut theirs, name, attributes, size) };
    assert_eq!(opened, 0, "openpty");
    for number in [ours, theirs] {
        // SAFETY: two integers. The victim gets a copy without this.
        unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    // SAFETY: open, and owned by nothing else.
    let ours = unsafe { OwnedFd::from_raw_fd(ours) };
    // SAFETY: as above.
    let theirs = unsafe { OwnedFd::from_raw_fd(theirs) };
    (ours, theirs)
}

/// Runs a program that switches its terminal to raw mode, and returns whether
/// the terminal echoes after its end, and how it ended.
fn echoes_after(test: &str, end: End, restores: bool) -> (bool, Output) {
    let mut command = victim(test, || {
        let builder = Shutdown::builder().grace(match end {
            End::Deadline => Duration::from_millis(600),
            _ => LONG,
        });
        let shutdown = ok(builder.install());
        if restores {
            assert!(shutdown.keep_terminal());
        }
        let mut raw = attributes(&ok(
            std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned()
        ));
        // SAFETY: initialized attributes.
        unsafe { libc::cfmakeraw(&raw mut raw) };
        // The key for SIGINT still works.
        raw.c_lflag |= libc::ISIG;
        // SAFETY: a descriptor, and a pointer that is valid for reads.
        unsafe { libc::tcsetattr(0, libc::TCSANOW, &raw const raw) };
        let hangs = !matches!(end, End::Clean);
        ok(shutdown.task("restore the terminal").on_shutdown(move |_| {
            if hangs {
                park();
            }
        }));
        say("ready");
        let _ = shutdown.wait();
        std::process::exit(0);
    });
    let (ours, theirs) = pair();
    let before = attributes(&theirs);
    assert!(before.c_lflag & libc::ECHO != 0);
    command.stdin(theirs.try_clone().expect("a descriptor"));
    let lead = || {
        // SAFETY: without arguments; the child leads no group yet.
        unsafe { libc::setsid() };
        // SAFETY: descriptor 0 is the terminal; the last argument is an integer.
        unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) };
        Ok(())
    };
    // SAFETY: the closure makes two async-signal-safe calls in the child.
    unsafe { command.pre_exec(lead) };
    let mut child = command.spawn().expect("it starts");
    let mut stdout = child.stdout.take().expect("piped");
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"ready\n") && stdout.read(&mut byte).expect("readable") == 1 {
        text.push(byte[0]);
    }
    assert!(text.ends_with(b"ready\n"), "{:?}", finish(child));
    assert!(attributes(&theirs).c_lflag & libc::ECHO == 0, "not raw");
    let mut keyboard = File::from(ours);
    keyboard
        .write_all(b"\x03")
        .expect("the terminal takes a key");
    if let End::SecondInterrupt = end {
        // A second one counts 200 ms after the first was acted upon, so it is
        // repeated until the process is gone.
        let begun = Instant::now();
        while child.try_wait().expect("its own child").is_none() && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(250));
            let _ = keyboard.write_all(b"\x03");
        }
    }
    let output = finish(child);
    (attributes(&theirs).c_lflag & libc::ECHO != 0, output)
}

#[test]
fn in_raw_mode_is_restored_by_the_deadline() {
    let test = "terminal::in_raw_mode_is_restored_by_the_deadline";
    let (echoes, output) = echoes_after(test, End::Deadline, true);
    assert_eq!(output.status.code(), Some(124), "{output:?}");
    assert!(echoes);
}

#[test]
fn in_raw_mode_is_restored_by_a_second_interrupt() {
    let test = "terminal::in_raw_mode_is_restored_by_a_second_interrupt";
    let (echoes, output) = echoes_after(test, End::SecondInterrupt, true);
    assert_eq!(output.status.signal(), Some(libc::SIGINT), "{output:?}");
    assert!(echoes);
}

#[test]
fn in_raw_mode_is_restored_by_a_clean_end() {
    let test = "terminal::in_raw_mode_is_restored_by_a_clean_end";
    let (echoes, output) = echoes_after(test, End::Clean, true);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(echoes);
}

/// The control.
#[test]
fn in_raw_mode_stays_raw_without_the_setting() {
    let test = "terminal::in_raw_mode_stays_raw_without_the_setting";
    let (echoes, output) = echoes_after(test, End::Deadline, false);
    assert_eq!(output.status.code(), Some(124), "{output:?}");
    assert!(!echoes);
}
