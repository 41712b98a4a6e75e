//! Real threads that wait for the other end of a pipe or a local socket.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::pipe::pipe;

use super::{collect, waits::start};
use crate::sys::ThreadSource;
use crate::tests::isolated::isolated;
use crate::threads::{Blocker, Hold};

/// Only keeps a failing run from hanging.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes tables until `is_it` says so of what holds up `tid`.
#[track_caller]
fn wait_until(tids: &[i32], is_it: impl Fn(&Blocker) -> bool) {
    let proc = ThreadSource::open();
    let patience = Instant::now() + PATIENCE;
    loop {
        let table = collect(&proc, tids);
        let blocker = &table.find(tids[0]).expect("it is listed").blocker;
        if is_it(blocker) {
            return;
        }
        assert!(Instant::now() < patience, "{blocker:?}");
    }
}

#[track_caller]
fn is_held_up_by(child: &Child, life: impl FnOnce() + Send + 'static) {
    let tid = start(life);
    let id = i32::try_from(child.id()).expect("an id");
    wait_until(&[tid], |blocker| {
        matches!(blocker, Blocker::Process { pid, name, state: b'S', others: 0 }
            if *pid == id && name.as_str() == "sleep")
    });
}

/// A process that sleeps for longer than any test, and ends with it.
struct Sleeper(Child);

impl Sleeper {
    fn start(change: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new("sleep");
        command.arg("60");
        change(&mut command);
        let child = command.spawn().expect("it starts");
        let name = format!("/proc/{}/comm", child.id());
        let patience = Instant::now() + PATIENCE;
        // Between fork and exec the child has each descriptor of its parent.
        while std::fs::read_to_string(&name).is_ok_and(|name| name != "sleep\n") {
            assert!(Instant::now() < patience, "it does not start");
        }
        Self(child)
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn reader_of_a_pipe_is_held_up_by_the_process_that_can_write() {
    let name = "threads::other_ends::reader_of_a_pipe_is_held_up_by_the_process_that_can_write";
    isolated(name, || {
        let mut child = Sleeper::start(|command| {
            command.stdout(Stdio::piped());
        });
        let mut pipe = child.0.stdout.take().expect("it is piped");
        is_held_up_by(&child.0, move || drop(pipe.read(&mut [0])));
    });
}

#[test]
fn writer_of_a_full_pipe_is_held_up_by_the_process_that_can_read() {
    let name = "threads::other_ends::writer_of_a_full_pipe_is_held_up_by_the_process_that_can_read";
    isolated(name, || {
        let mut child = Sleeper::start(|command| {
            command.stdin(Stdio::piped());
        });
        let mut pipe = child.0.stdin.take().expect("it is piped");
        is_held_up_by(&child.0, move || drop(pipe.write_all(&[0; 1 << 20])));
    });
}

/// For a socket pair, `SO_PEERCRED` names the process that made it.
#[test]
fn reader_of_a_socket_pair_is_held_up_by_the_child_that_has_the_other_socket() {
    let name = "threads::other_ends::\
                reader_of_a_socket_pair_is_held_up_by_the_child_that_has_the_other_socket";
    isolated(name, || {
        if File::open("/proc/modules").is_ok() && File::open("/sys/module/unix_diag").is_err() {
            return;
        }
        let (mut own, other) = UnixStream::pair().expect("a pair");
        let child = Sleeper::start(|command| {
            command.stdin(Stdio::from(OwnedFd::from(other)));
        });
        is_held_up_by(&child.0, move || drop(own.read(&mut [0])));
    });
}

#[test]
fn thread_that_polls_the_output_of_a_child_is_held_up_by_the_child() {
    let name = "threads::other_ends::\
                thread_that_polls_the_output_of_a_child_is_held_up_by_the_child";
    isolated(name, || {
        let child = Command::new("sleep")
            .arg("60")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let id = i32::try_from(child.id()).expect("an id");
        // The thread reads two pipes at a time.
        let tid = start(move || drop(child.wait_with_output()));
        wait_until(
            &[tid],
            |blocker| matches!(blocker, Blocker::Process { pid, .. } if *pid == id),
        );
        let killed = Command::new("kill").arg(id.to_string()).status();
        assert!(killed.expect("it runs").success());
    });
}

#[test]
fn reader_of_a_pipe_that_its_own_process_can_write_names_the_descriptor() {
    let name = "threads::other_ends::\
                reader_of_a_pipe_that_its_own_process_can_write_names_the_descriptor";
    isolated(name, || {
        let (reader, writer) = pipe().expect("a pipe");
        let tid = start(move || drop(File::from(reader).read(&mut [0])));
        let other = writer.as_raw_fd();
        wait_until(
            &[tid],
            |blocker| matches!(blocker, Blocker::OwnDescriptor { number } if *number == other),
        );
    });
}

#[test]
fn threads_that_read_from_both_sockets_of_a_pair_are_held_up_by_each_other() {
    let name = "threads::other_ends::\
                threads_that_read_from_both_sockets_of_a_pair_are_held_up_by_each_other";
    isolated(name, || {
        if File::open("/proc/modules").is_ok() && File::open("/sys/module/unix_diag").is_err() {
            return;
        }
        let (mut one, mut other) = UnixStream::pair().expect("a pair");
        let [first, second] = [
            start(move || drop(one.read(&mut [0]))),
            start(move || drop(other.read(&mut [0]))),
        ];
        for (waiter, holder) in [(first, second), (second, first)] {
            wait_until(
                &[waiter, holder],
                |blocker| matches!(blocker, Blocker::Thread { tid, hold: Hold::OtherEnd } if *tid == holder),
            );
        }
    });
}

/// The report names no process for a connection that its peer has not accepted.
#[test]
fn reader_of_a_connection_that_is_not_accepted_has_no_process() {
    let name = "threads::other_ends::reader_of_a_connection_that_is_not_accepted_has_no_process";
    isolated(name, || {
        let path = std::env::temp_dir().join(format!("deadstop-ends-{}", crate::pid()));
        let listener = UnixListener::bind(&path).expect("it can be bound");
        let mut stream = UnixStream::connect(&path).expect("it listens");
        let tid = start(move || drop(stream.read(&mut [0])));
        let proc = ThreadSource::open();
        let patience = Instant::now() + PATIENCE;
        while !super::said(&collect(&proc, &[tid]), tid).contains("reads from") {
            assert!(Instant::now() < patience, "it does not read");
        }
        let table = collect(&proc, &[tid]);
        let blocker = &table.find(tid).expect("it is listed").blocker;
        assert!(matches!(blocker, Blocker::Unknown), "{blocker:?}");
        drop(listener);
        std::fs::remove_file(path).expect("it is ours");
    });
}
