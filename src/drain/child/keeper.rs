//! The thread that spawns and reaps child processes.
//!
//! One thread does both, and it lives as long as the process: the kernel kills a child
//! that asked to die with its parent when the *thread* that spawned it ends.
//!
//! ```text
//! spawn request ──▶ keeper ──▶ kill list ──▶ child runs ──▶ end seen
//!                                                             │
//!        status ◀── reap ◀── off the kill list ◀── group empty┤
//!                                             group has others┴▶ looked at again
//! ```
//!
//! # Reused numbers
//!
//! The number of a group cannot be reused while its leader is not reaped. So the keeper
//! looks at the end of a child without reaping it, takes it off the kill list, and reaps
//! it then, under the lock that [`Running::signal`](super::running::Running::signal)
//! holds. A leader that has left others in its group is not reaped while they live.
//!
//! # Closed descriptors
//!
//! A program may close all descriptors, and give their numbers to other files. The keeper
//! then looks at its children from time to time, and the next request starts another keeper.

use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded, unbounded};
use deadstop_core::kill_path::KillSlot;

use super::cgroup::Cgroup;
use super::running::{Running, proc_is_own};
use crate::error::InstallError;
use crate::lock::Mutex;
use crate::process::{PerProcess, WATCH};
use crate::sys::checked_descriptor::{Checked, Identity};
use crate::sys::child::{
    announce, children_get_another_pid_namespace, die_with_thread, pidfd_open,
};
use crate::sys::command::unblock_signals;
#[cfg(target_os = "linux")]
use crate::sys::spawn::check_start_is_reported;
use crate::sys::spawn::{Exit, exit_of, signal_group, wait_readable};
use crate::threads;

const THREAD: &str = "deadstop-child";

/// The time between two checks of what no descriptor reports: groups whose leader has ended,
/// and children without a pidfd. Also the pause after a descriptor that was ready for nothing.
const CHECK_EVERY: Duration = Duration::from_millis(100);

/// The keeper of this process, once it has a child.
static KEEPER: PerProcess<Mutex<Option<Keeper>>> = PerProcess::nothing();

struct Keeper {
    requests: Sender<Request>,
    /// The end of the wake-up socket to which a caller writes.
    wake: Checked<UnixStream>,
    /// The other end, which the keeper's thread reads.
    woken: Identity,
}

struct Request {
    command: process::Command,
    name: Box<str>,
    cgroup: Option<Cgroup>,
    answer: Sender<io::Result<Spawned>>,
}

/// A child that was spawned, and its ends of pipes.
pub(super) struct Spawned {
    pub(super) running: Arc<Running>,
    pub(super) stdin: Option<process::ChildStdin>,
    pub(super) stdout: Option<process::ChildStdout>,
    pub(super) stderr: Option<process::ChildStderr>,
}

/// Spawns `command` on the keeper's thread, as the leader of a process group of its own,
/// in `cgroup` if there is one.
pub(super) fn spawn(
    name: &str,
    command: process::Command,
    cgroup: Option<Cgroup>,
) -> io::Result<Spawned> {
    let (answer, answered) = bounded(1);
    let request = Request {
        command,
        name: name.into(),
        cgroup,
        answer,
    };
    {
        let mut keeper = KEEPER.get(|| Mutex::new(None)).lock();
        let keeper = match keeper.take().filter(Keeper::can_be_woken) {
            Some(usable) => keeper.insert(usable),
            None => keeper.insert(Keeper::start()?),
        };
        keeper.requests.send(request).map_err(|_| ended())?;
        keeper.wake()?;
    }
    answered.recv().map_err(|_| ended())?
}

fn ended() -> io::Error {
    io::Error::other("the thread for child processes has ended")
}

impl Keeper {
    fn start() -> io::Result<Self> {
        WATCH.newborn().prepare();
        let (requests, received) = unbounded();
        let (woken, wake) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        let (woken, wake) = (Checked::new(woken), Checked::new(wake));
        let identity = woken.identity();
        let life = move || Children::new(woken).keep(&received);
        threads::spawn_deep(THREAD, life).map_err(no_thread)?;
        Ok(Self {
            requests,
            wake,
            woken: identity,
        })
    }

    /// Returns `false` if the program has closed an end of the wake-up socket.
    fn can_be_woken(&self) -> bool {
        self.wake.get().is_some() && self.woken.is_kept()
    }

    fn wake(&self) -> io::Result<()> {
        match self.wake.get() {
            Some(mut wake) => wake.write_all(&[1]),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// Says why the keeper could not be started.
fn no_thread(error: InstallError) -> io::Error {
    if children_get_another_pid_namespace() {
        return io::Error::other(
            "the calling thread has left its PID namespace (unshare with CLONE_NEWPID, or \
             setns), and the kernel starts no other thread for it; spawn the first child \
             before that, or on another thread",
        );
    }
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    io::Error::other(format!("{error}: {cause}"))
}

/// The children that are not reaped.
struct Children {
    /// Has one byte for each request; `None` once no more requests can come.
    woken: Option<Checked<UnixStream>>,
    kept: Vec<Kept>,
}

struct Kept {
    running: Arc<Running>,
    child: process::Child,
    pidfd: Option<Checked<OwnedFd>>,
    listed: Option<KillSlot>,
    /// Set if the child has ended, and others of its group live.
    has_ended: bool,
}

impl Children {
    fn new(woken: Checked<UnixStream>) -> Self {
        let (woken, kept) = (Some(woken), Vec::new());
        Self { woken, kept }
    }

    /// Runs the thread, until another keeper has taken its place and its own children are gone.
    fn keep(mut self, requests: &Receiver<Request>) {
        while self.woken.is_some() || !self.kept.is_empty() {
            let is_ready = self.wait();
            let mut has_acted = self.take_wakes();
            loop {
                match requests.try_recv() {
                    Ok(request) => self.answer(request),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        self.woken = None;
                        break;
                    }
                }
                has_acted = true;
            }
            let before = self.living();
            self.kept.retain_mut(|kept| !kept.is_reaped());
            has_acted |= before != self.living();
            if is_ready && !has_acted {
                // A descriptor that another file has, or that cannot be read.
                thread::sleep(CHECK_EVERY);
            }
        }
    }

    /// Waits for a wake-up or the end of a child. Returns `true` if a descriptor is ready.
    fn wait(&self) -> bool {
        let woken = self.woken.as_ref().and_then(Checked::get);
        let running = self.kept.iter().filter(|kept| !kept.has_ended);
        let ends = running.filter_map(Kept::end).map(AsFd::as_fd);
        let readable: Vec<_> = woken.map(AsFd::as_fd).into_iter().chain(ends).collect();
        wait_readable(&readable, self.must_check().then_some(CHECK_EVERY))
    }

    /// Returns `true` if something happens that no descriptor reports: the program has closed
    /// the wake-up socket or a pidfd, or a group outlives its leader.
    fn must_check(&self) -> bool {
        let socket_is_closed = self
            .woken
            .as_ref()
            .is_some_and(|woken| woken.get().is_none());
        let is_unreported = |kept: &Kept| kept.has_ended || kept.end().is_none();
        socket_is_closed || self.kept.iter().any(is_unreported)
    }

    /// A request is sent before its byte: a byte that is taken here has its request there.
    fn take_wakes(&self) -> bool {
        let woken = self.woken.as_ref().and_then(Checked::get);
        woken.is_some_and(|mut woken| matches!(woken.read(&mut [0; 64]), Ok(1..)))
    }

    fn living(&self) -> usize {
        self.kept.iter().filter(|kept| !kept.has_ended).count()
    }

    fn answer(&mut self, request: Request) {
        let Request {
            mut command,
            name,
            cgroup,
            answer,
        } = request;
        let spawned = match start(&mut command, cgroup.as_ref()) {
            Ok(child) => Ok(self.keep_child(child, name, cgroup)),
            Err(error) => {
                WATCH.newborn().clear();
                Err(error)
            }
        };
        // Fails if the caller is gone.
        let _ = answer.send(spawned);
    }

    /// Lists the child, which was announced, for the watchdog, and keeps it until it is reaped.
    fn keep_child(
        &mut self,
        mut child: process::Child,
        name: Box<str>,
        cgroup: Option<Cgroup>,
    ) -> Spawned {
        let pid = child.id() as i32;
        let pidfd = pidfd_open(pid);
        let raw = pidfd.as_ref().map(AsRawFd::as_raw_fd);
        let listed = WATCH.kill_list().add(pid, raw, true);
        if listed.is_none() && WATCH.kill_list().is_closed() {
            // This process is about to end. The child stays announced, and must not wait for
            // this thread to be killed.
            let _ = signal_group(pid, libc::SIGKILL);
        } else {
            WATCH.newborn().clear();
        }
        let running = Arc::new(Running::new(name, pid, listed.is_some(), cgroup));
        let spawned = Spawned {
            running: Arc::clone(&running),
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
        };
        self.kept.push(Kept {
            running,
            child,
            pidfd: pidfd.map(Checked::new),
            listed,
            has_ended: false,
        });
        spawned
    }
}

/// Starts `command` as the leader of a process group, in `cgroup` if there is one. The child is
/// announced to the watchdog before it exists.
fn start(command: &mut process::Command, cgroup: Option<&Cgroup>) -> io::Result<process::Child> {
    #[cfg(target_os = "linux")]
    check_start_is_reported()?;
    die_with_thread(command);
    unblock_signals(command).process_group(0);
    announce(command, WATCH.newborn().announcer());
    if let Some(cgroup) = cgroup {
        cgroup.enter(command)?;
    }
    // The keeper's own thread blocks all signals, and a child inherits that.
    threads::with_program_mask(|| command.spawn())
}

impl Kept {
    /// Returns the descriptor that becomes readable when the child ends.
    fn end(&self) -> Option<&OwnedFd> {
        self.pidfd.as_ref().and_then(Checked::get)
    }

    /// Looks at the child. Returns whether it is reaped.
    fn is_reaped(&mut self) -> bool {
        let pid = self.running.pid();
        let status = match exit_of(pid) {
            Exit::Running => return false,
            Exit::Ended(status) => Some(status),
            Exit::Reaped => None,
        };
        self.has_ended = true;
        if status.is_some() && self.running.has_cgroup_members() {
            // The child's task still has to end the members of the cgroup.
            self.running.note_status(status);
            return false;
        }
        if status.is_some() && group_has_others(pid) {
            self.running.note_end(status);
            return false;
        }
        self.running.reap(status, || {
            if let Some(listed) = self.listed.take() {
                listed.remove();
            }
            let _ = self.child.wait();
        });
        if let Some(cgroup) = &self.running.cgroup {
            cgroup.remove();
        }
        true
    }
}

/// Returns `true` if the process group `group` has a living member besides its leader. Not known
/// where `/proc` is not there, or of another PID namespace: other groups have the same numbers
/// in that.
fn group_has_others(group: i32) -> bool {
    if !proc_is_own() {
        return false;
    }
    let Ok(processes) = fs::read_dir("/proc") else {
        return false;
    };
    let others = processes.flatten().filter_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // After the name, which may contain anything: state, parent, group.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let state = fields.next()?;
        let its_group: i32 = fields.nth(1)?.parse().ok()?;
        Some(pid != group && its_group == group && !matches!(state, "Z" | "X"))
    });
    others.into_iter().any(|is_other| is_other)
}
