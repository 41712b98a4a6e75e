//! Triggers in programs with other signal handlers and hooks, second signals, children of
//! `fork`, and early exits.
//!
//! Each test has its scenario as a closure. The test executes its own binary again as the
//! victim, which runs the closure, and checks how that process ends.

#![cfg(feature = "shutdown")]
#![expect(unsafe_code, reason = "forks, and sends signals to its victims")]
#![expect(clippy::print_stderr, reason = "victims print what happened")]
#![expect(clippy::exit, reason = "how a program exits is part of a scenario")]

use std::fmt::Debug;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

mod exits;
mod forks;
mod forwarded;
mod panics;
mod replaced;
mod replaced_warning;
mod second_signal;
#[path = "../harness/self_victim.rs"]
mod self_victim;
mod senders;
mod watchdog_alone;

use deadstop::signals::Sender;
use deadstop::{Cause, Panics, Phase, SecondSignal, Shutdown, Signal, Watchdog};

use self_victim::{PATIENCE, finish, park, run, say, send, victim};

/// A grace that does not end during a test.
const LONG: Duration = Duration::from_secs(20);

/// A grace that ends during a test.
const SHORT: Duration = Duration::from_millis(400);

/// Reads the victim's standard output until a line ends with `line`.
fn wait_for(child: &mut Child, line: &str) {
    use std::io::Read;
    let stdout = child.stdout.as_mut().expect("piped");
    let mut said = Vec::new();
    let mut byte = [0];
    while stdout.read(&mut byte).expect("readable") == 1 {
        said.push(byte[0]);
        if String::from_utf8_lossy(&said)
            .lines()
            .any(|said| said.ends_with(line))
            && byte[0] == b'\n'
        {
            return;
        }
    }
    panic!(
        "the victim did not print {line:?}: {:?}",
        String::from_utf8_lossy(&said)
    );
}

/// Starts a victim, sends `signal` to it after it has printed `line`, and waits for its end.
fn send_after_line(mut victim: Command, line: &str, signal: i32) -> Output {
    let mut child = victim.spawn().expect("the victim starts");
    wait_for(&mut child, line);
    send(&child, signal);
    finish(child)
}

fn is_alive(child: &mut Child, after: Duration) -> bool {
    thread::sleep(after);
    child
        .try_wait()
        .expect("the victim is a child of the test")
        .is_none()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn assert_status(output: &Output, status: i32) {
    assert_eq!(output.status.code(), Some(status), "{output:?}");
}

fn ok<T, E: Debug>(result: Result<T, E>) -> T {
    result.expect("the call succeeds")
}

fn register_hanging_task(shutdown: &Shutdown) {
    let task = shutdown.task("hang").phase(Phase::FLUSH);
    ok(task.on_shutdown(|_| {
        say("begun");
        park();
    }));
}

/// Every thread of the program blocks SIGTERM, so that the program's handler runs on deadstop's
/// signal thread. Its frame of 200 KiB must fit on that thread's stack.
#[test]
fn program_handler_with_a_large_frame_runs_if_all_threads_block_the_signal() {
    extern "C" fn large(_: libc::c_int) {
        let frame = [1_u8; 200 * 1024];
        assert_eq!(std::hint::black_box(&frame)[1000], 1);
        write_in_handler(b"own handler\n");
    }
    let test = "program_handler_with_a_large_frame_runs_if_all_threads_block_the_signal";
    let mut command = victim(test, || {
        // SAFETY: the handler stays valid, and its calls are async-signal-safe.
        unsafe { libc::signal(libc::SIGTERM, large as *const () as libc::sighandler_t) };
        let shutdown = ok(Shutdown::builder().grace(LONG).install());
        say("ready");
        let _ = shutdown.wait();
        std::process::exit(5);
    });
    // Every thread of the victim inherits this mask, except `deadstop-signal`.
    // SAFETY: the closure makes three async-signal-safe calls in the child.
    unsafe { command.pre_exec(block_sigterm) };
    let mut child = command.spawn().expect("the victim starts");
    wait_for(&mut child, "ready");
    send(&child, libc::SIGTERM);
    let output = finish(child);
    assert_status(&output, 5);
    assert!(stdout(&output).contains("own handler"), "{output:?}");
}

/// Writes to standard output. Async-signal-safe, unlike `println!`, whose lock the interrupted
/// thread may hold.
fn write_in_handler(line: &[u8]) {
    // SAFETY: the pointer is valid for reads of the length.
    let written = unsafe { libc::write(1, line.as_ptr().cast(), line.len()) };
    assert_eq!(usize::try_from(written), Ok(line.len()));
}

/// Blocks SIGTERM in the calling thread. Async-signal-safe.
fn block_sigterm() -> std::io::Result<()> {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the pointer is valid for writes, and the call initializes the set.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the set is initialized.
    unsafe { libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM) };
    // SAFETY: the set is initialized; the old set may be null.
    unsafe { libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()) };
    Ok(())
}
