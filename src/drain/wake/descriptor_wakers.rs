//! Wakers for threads that are blocked in a call on a descriptor.

use std::fs::File;
use std::io::{self, Write};
use std::net::{Shutdown as Direction, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use super::wakers::Wake;
use crate::process::shared_sockets::{Identity, note_woken};
use crate::sys::quiet_write;

/// The first descriptor that socket activation passes, by `sd_listen_fds(3)`.
const FIRST_PASSED: i32 = 3;

/// Returns a waker that calls `shutdown(2)` on a socket: blocked and later calls of `accept`
/// fail, reads return end of file, and writes fail with `EPIPE`. It holds a duplicate of the
/// descriptor.
///
/// It works on Linux only: on other systems a listener does not wake.
///
/// # Errors
///
/// Fails with [`io::ErrorKind::PermissionDenied`] for a socket that this process got by socket
/// activation (`LISTEN_FDS`), or that it got or passed in a hand-over. Another process may
/// accept on the same socket, and would stop too. Use `poll` and [`eventfd`] for such a socket.
/// Also fails if the descriptor cannot be duplicated.
///
/// While the waker is registered, the socket cannot be handed over.
pub fn socket(socket: &impl AsFd) -> io::Result<Wake> {
    let fd = socket.as_fd();
    let is_passed = is_passed(fd.try_clone_to_owned()?, fd.as_raw_fd(), passed())?;
    let woken = match is_passed {
        true => None,
        false => note_woken(Identity::of(fd)?),
    };
    let Some(woken) = woken else {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "another process has the socket too (socket activation, a hand-over): shutdown(2) \
             would stop it in every process; wake the thread with poll and an eventfd",
        ));
    };
    // The type is not looked at: its method is the system call.
    let socket = TcpStream::from(fd.try_clone_to_owned()?);
    Ok(Box::new(move || {
        let _noted = &woken;
        // UDP answers ENOTCONN, and wakes all the same.
        let _ = socket.shutdown(Direction::Both);
    }))
}

/// Returns the number of descriptors that socket activation passed to this process.
fn passed() -> i32 {
    let variable = |name| std::env::var(name).ok()?.parse::<i32>().ok();
    match (variable("LISTEN_PID"), variable("LISTEN_FDS")) {
        (Some(pid), Some(count)) if pid == deadstop_core::pid() => count,
        _ => 0,
    }
}

/// Returns whether `socket`, which has the number `number`, is one of the `count` sockets
/// that were passed, or a duplicate of one.
fn is_passed(socket: OwnedFd, number: i32, count: i32) -> io::Result<bool> {
    let passed = FIRST_PASSED..FIRST_PASSED.saturating_add(count);
    if passed.contains(&number) {
        return Ok(true);
    }
    let inode = File::from(socket).metadata()?.ino();
    let inode_of = |fd| std::fs::metadata(format!("/proc/self/fd/{fd}")).map(|data| data.ino());
    Ok(passed
        .into_iter()
        .any(|fd| inode_of(fd).is_ok_and(|other| other == inode)))
}

/// Returns a waker that writes one byte to a pipe or a socket pair. It holds the write end.
///
/// Use the pipe for wake-ups only: if it is full, the waker blocks.
pub fn pipe(write_end: impl Into<OwnedFd>) -> impl Fn() + Send + Sync {
    let pipe = File::from(write_end.into());
    move || {
        // Without SIGPIPE where the reader is gone.
        let write = || quiet_write::write(pipe.as_fd(), &[1]);
        while write() == Err(libc::EINTR) {}
    }
}

/// Returns a waker that adds one to an eventfd(2). It holds a duplicate of the descriptor.
///
/// # Errors
///
/// Fails if the descriptor cannot be duplicated.
pub fn eventfd(eventfd: &impl AsFd) -> io::Result<Wake> {
    let eventfd = File::from(eventfd.as_fd().try_clone_to_owned()?);
    Ok(Box::new(move || {
        let _ = (&eventfd).write_all(&1_u64.to_ne_bytes());
    }))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{TcpListener, UdpSocket};
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use std::sync::{Arc, Condvar, Mutex};

    use super::super::wakers::{condvar, dropping, parked};
    use super::*;

    /// Blocks a thread in `wait`, sees that it stays, wakes it, and waits for its end, with
    /// a bound.
    fn wakes(wait: impl FnOnce() + Send + 'static, wake: impl Fn()) {
        let (ended, is_ended) = channel();
        thread::spawn(move || {
            wait();
            ended.send(()).expect("the test waits");
        });
        // Usually enough for it to block; if not, the wake-up is sticky.
        let stays = is_ended.recv_timeout(Duration::from_millis(50));
        stays.expect_err("it waits until it is woken");
        wake();
        let patience = Duration::from_secs(30);
        is_ended.recv_timeout(patience).expect("it was woken");
    }

    #[test]
    fn socket_wakes_accept_of_tcp_and_unix_listeners() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let wake = socket(&listener).expect("it is our own");
        wakes(
            move || drop(listener.accept().expect_err("shut down")),
            wake,
        );
        let name = format!("deadstop-wakers-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name).expect("it is short");
        let listener = UnixListener::bind_addr(&address).expect("it is free");
        let wake = socket(&listener).expect("it is our own");
        wakes(
            move || drop(listener.accept().expect_err("shut down")),
            wake,
        );
    }

    #[test]
    fn socket_wakes_reads_of_streams_and_datagrams() {
        let (mut ours, _theirs) = UnixStream::pair().expect("descriptors");
        let wake = socket(&ours).expect("it is our own");
        wakes(
            move || assert_eq!(ours.read(&mut [0]).expect("the end"), 0),
            wake,
        );
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
        let wake = socket(&udp).expect("it is our own");
        wakes(move || drop(udp.recv(&mut [0])), wake);
    }

    #[test]
    fn socket_wakes_a_write_to_a_peer_that_never_reads() {
        let (mut ours, _theirs) = UnixStream::pair().expect("descriptors");
        let wake = socket(&ours).expect("it is our own");
        let fill = move || while ours.write(&[0; 4096]).is_ok() {};
        wakes(fill, wake);
    }

    #[test]
    fn pipe_channel_condvar_and_unpark_wake() {
        let (mut read, write) = UnixStream::pair().expect("descriptors");
        let reads = move || {
            read.read_exact(&mut [0]).expect("a byte");
        };
        wakes(reads, pipe(OwnedFd::from(write)));
        let (sender, receiver) = channel::<()>();
        wakes(
            move || {
                receiver.recv().expect_err("disconnected");
            },
            dropping(sender),
        );
        let pair = Arc::new((Mutex::new(false), Condvar::new()));
        let waits = Arc::clone(&pair);
        let wait = move || {
            let (flag, waiters) = &*waits;
            let guard = flag.lock().expect("not poisoned");
            drop(waiters.wait_while(guard, |woken| !*woken));
        };
        wakes(wait, condvar(pair));
        let (sender, receiver) = channel();
        let parks = thread::spawn(move || {
            sender.send(thread::current()).expect("the test waits");
            thread::park();
        });
        parked(receiver.recv().expect("it says"))();
        parks.join().expect("it was woken");
    }

    #[test]
    fn eventfd_wakes_poll_and_epoll() {
        use rustix::event::{EventfdFlags, PollFd, PollFlags, epoll, poll};
        let new = || rustix::event::eventfd(0, EventfdFlags::CLOEXEC).expect("a descriptor");
        let polled = new();
        let wake = eventfd(&polled).expect("a descriptor");
        wakes(
            move || {
                let mut fds = [PollFd::new(&polled, PollFlags::IN)];
                assert_eq!(poll(&mut fds, None), Ok(1));
            },
            wake,
        );
        let (member, set) = (new(), epoll::create(epoll::CreateFlags::CLOEXEC));
        let set = set.expect("a descriptor");
        let data = epoll::EventData::new_u64(7);
        epoll::add(&set, &member, data, epoll::EventFlags::IN).expect("it is added");
        let wake = eventfd(&member).expect("a descriptor");
        wakes(
            move || {
                let mut events = Vec::with_capacity(4);
                let space = rustix::buffer::spare_capacity(&mut events);
                assert_eq!(epoll::wait(&set, space, None), Ok(1));
            },
            wake,
        );
    }

    #[test]
    fn socket_that_was_passed_or_duplicates_one_is_recognized() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let clone = || OwnedFd::from(listener.try_clone().expect("a descriptor"));
        let number = listener.as_raw_fd();
        let up_to = number - FIRST_PASSED + 1;
        assert!(is_passed(clone(), number, up_to).expect("it is there"));
        let duplicate = clone();
        let other = duplicate.as_raw_fd();
        assert!(is_passed(duplicate, other.max(1_000), up_to).expect("it is there"));
        assert!(!is_passed(clone(), number, 0).expect("it is there"));
    }
}
