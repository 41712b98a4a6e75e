//! A program that starts another in its place after the trigger.

use std::ffi::{CString, c_int};
use std::ptr;
use std::time::Duration;

use libc::SIGTERM;

use crate::functions::{action, set, threads};
use crate::start::{Start, Test, VICTIM};
use crate::triggers::{pause, ready, spin};

pub(crate) const TESTS: &[Test] = &[
    ("exec_keeps_the_deadline", || {
        let mut watched = Start::new("execs").start();
        assert_eq!(watched.line(), "ready");
        let end = watched.ends_at_deadline();
        // From the first program's trigger on.
        end.says("cause: SIGTERM from pid");
        end.says("grace 1.0 s");
        end.says("has not ended: main runs");
        let mut control = Start::without_grace("execs").start();
        assert_eq!(control.line(), "ready");
        control.outlives_deadline();
    }),
    ("exec_of_a_child_does_not_get_the_deadline", || {
        // Time enough for the child on a busy machine.
        let mut victim = Start::without_grace("starts_a_child")
            .set("DEADSTOP_GRACE", "60s")
            .start();
        assert_eq!(victim.line(), "ready");
        victim.send(SIGTERM);
        assert_eq!(victim.line(), "child 0");
        victim.send(libc::SIGKILL);
        victim.end();
    }),
    ("exec_without_a_trigger_has_no_deadline", || {
        Start::new("execs_at_once").end().assert_silent_success();
    }),
];

pub(crate) const VICTIMS: &[Test] = &[
    ("execs", || handles(execs_later)),
    ("starts_a_child", || handles(starts_a_child)),
    ("execs_at_once", || become_victim("counts_threads")),
    ("loops", || spin()),
    ("has_one_thread", || assert_eq!(threads(), 1)),
];

fn handles(handler: extern "C" fn(c_int)) {
    set(SIGTERM, Some(action(handler as *const () as usize, 0)));
    ready();
    pause()
}

extern "C" fn execs_later(_: c_int) {
    std::thread::sleep(Duration::from_millis(300));
    become_victim("loops");
}

extern "C" fn starts_a_child(_: c_int) {
    // SAFETY: the process has one thread that the C library knows.
    let child = unsafe { libc::fork() };
    if child == 0 {
        become_victim("has_one_thread");
    }
    let mut status = 0;
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    let line = format!("child {status}\n");
    // The main thread may be inside `println`.
    // SAFETY: the pointer is valid for reads of the length given.
    unsafe { libc::write(1, line.as_ptr().cast(), line.len()) };
    spin()
}

/// Starts this program once more in its place, as another victim.
fn become_victim(name: &str) {
    let set = |name: &str| CString::new(name).expect("no zero");
    let (variable, value) = (set(VICTIM), set(name));
    // SAFETY: both texts end with zero; no other thread reads the environment.
    unsafe { libc::setenv(variable.as_ptr(), value.as_ptr(), 1) };
    let program = c"/proc/self/exe".as_ptr();
    let arguments = [program, ptr::null()];
    // SAFETY: the path ends with zero, and the list with a null pointer.
    unsafe { libc::execv(program, arguments.as_ptr()) };
    panic!("exec: {}", std::io::Error::last_os_error());
}
