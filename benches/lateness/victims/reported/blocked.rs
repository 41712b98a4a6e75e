//! Outputs that take no report: three kinds of standard error, and a logger.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::ptr;
use std::thread;
use std::time::Duration;

use log::{LevelFilter, Log, Metadata, Record};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use crate::victims::die_with_parent;

/// The size of one write of the report.
const PIECE: usize = 4096;

/// The time between two reads of a reader, and the number of other writers. The last to call
/// write(2) waits longer than a report may take.
const READING: Duration = Duration::from_millis(10);
const WRITERS: usize = 3;

/// Makes standard error a full pipe that no process reads.
pub(super) fn stderr_is_full() {
    let [reader, writer] = pipe();
    fill(&writer);
    become_stderr(&writer);
    // The descriptor stays open. Without a reader a write would fail, and not block.
    let _ = reader.into_raw_fd();
}

/// Makes standard error a full pipe that a child process reads slowly and also writes to:
/// poll(2) may report room, and write(2) find none.
///
/// For a process with one thread.
pub(super) fn others_are_faster() {
    let [reader, writer] = pipe();
    fill(&writer);
    become_stderr(&writer);
    // SAFETY: there is one thread.
    let child = unsafe { libc::fork() };
    check(child);
    if child > 0 {
        return;
    }
    die_with_parent();
    for _ in 0..WRITERS {
        let mut writer = File::from(writer.try_clone().unwrap());
        thread::spawn(move || {
            loop {
                writer.write_all(&[b'.'; PIECE]).unwrap();
            }
        });
    }
    let (mut reader, mut piece) = (File::from(reader), [0; PIECE]);
    loop {
        thread::sleep(READING);
        reader.read_exact(&mut piece).unwrap();
    }
}

/// Makes standard error a terminal at which Ctrl-S was typed.
pub(super) fn terminal_is_stopped() {
    let (mut terminal, mut program) = (0, 0);
    // SAFETY: the first two pointers are valid for writes, and the others may be
    // null.
    let made = unsafe {
        libc::openpty(
            &raw mut terminal,
            &raw mut program,
            ptr::null_mut(),
            ptr::null(),
            ptr::null(),
        )
    };
    check(made);
    // SAFETY: takes two integers.
    check(unsafe { libc::tcflow(program, libc::TCOOFF) });
    // SAFETY: just opened, and not used elsewhere. The other end stays open: without
    // it a write would fail.
    become_stderr(&unsafe { OwnedFd::from_raw_fd(program) });
}

/// A logger like many others.
pub(super) fn logger_that_takes() {
    log_to(&Taking);
}

/// A logger that waits forever for its output.
pub(super) fn logger_that_never_returns() {
    let [reader, writer] = pipe();
    fill(&writer);
    let _ = reader.into_raw_fd();
    log_to(Box::leak(Box::new(Hanging(writer.into()))));
}

fn log_to(logger: &'static dyn Log) {
    log::set_logger(logger).unwrap();
    log::set_max_level(LevelFilter::Info);
}

struct Taking;
struct Hanging(File);

impl Log for Taking {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("{} {}\n", record.level(), record.args());
        // The bench reads the pipe after the victim's end.
        let _ = io::stderr().write_all(line.as_bytes());
    }

    fn flush(&self) {}
}

impl Log for Hanging {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("{} {}\n", record.level(), record.args());
        (&self.0).write_all(line.as_bytes()).unwrap();
    }

    fn flush(&self) {}
}

fn pipe() -> [OwnedFd; 2] {
    let mut ends = [0; 2];
    // SAFETY: the pointer is valid for writes of two descriptors.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) });
    // SAFETY: just opened, and not used elsewhere.
    ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) })
}

/// Writes until the pipe is full.
fn fill(writer: &OwnedFd) {
    let flags = fcntl_getfl(writer).unwrap();
    fcntl_setfl(writer, flags | OFlags::NONBLOCK).unwrap();
    let mut file = File::from(writer.try_clone().unwrap());
    while file.write(&[b'.'; PIECE]).is_ok() {}
    fcntl_setfl(writer, flags).unwrap();
}

fn become_stderr(descriptor: &OwnedFd) {
    // SAFETY: takes two descriptors; the second is replaced.
    check(unsafe { libc::dup2(descriptor.as_raw_fd(), libc::STDERR_FILENO) });
}

fn check(done: libc::c_int) {
    assert!(done >= 0, "{}", io::Error::last_os_error());
}
