//! Starts a successor, passes it the listeners, and waits until it is ready.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::attempt::{Attempt, Seen};
use super::error::HandOverError;
use super::passed::is_name;
use crate::Shutdown;
use crate::notify::READY_VARIABLE;
use crate::process::shared_sockets::{Identity, note_handed_over, note_shared};
use crate::process::{Claim, NOTIFY, TRIGGERED};
use crate::sys::command::unblock_signals;
use crate::sys::handover::{FIRST, Passing, reserve};

/// The right to hand over. It is kept once a successor has taken over.
static HANDING_OVER: Claim = Claim::free();

/// Variables that are about the process itself.
const OWN: [&str; 6] = [
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "WATCHDOG_PID",
    "SYSTEMD_EXEC_PID",
    READY_VARIABLE,
];

impl Shutdown {
    /// Starts describing a successor: a process that runs `program`, gets the listeners of
    /// this one, and replaces it.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::net::TcpListener;
    /// use deadstop::Cause;
    ///
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// let inherited = deadstop::handover::inherited()?;
    /// let listener = match inherited.tcp("http")? {
    ///     Some(listener) => listener,
    ///     None => TcpListener::bind("0.0.0.0:8080")?,
    /// };
    /// // ... accept connections ...
    /// shutdown.set_ready();
    ///
    /// // Upon SIGUSR2, or a request of the administrator:
    /// let successor = shutdown
    ///     .hand_over("/usr/bin/app")
    ///     .args(std::env::args_os().skip(1))
    ///     .listener("http", &listener)
    ///     .start()?;
    /// shutdown.request(Cause::requested(format!("process {} took over", successor.pid())));
    /// shutdown.wait_and_exit();
    /// # #[expect(unreachable_code, reason = "the type of the example")]
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hand_over(&self, program: impl Into<PathBuf>) -> HandOver {
        HandOver {
            shutdown: self.clone(),
            program: program.into(),
            arguments: Vec::new(),
            variables: Vec::new(),
            listeners: Vec::new(),
            ready_within: Duration::from_secs(30),
        }
    }
}

/// Describes a successor. Made by [`Shutdown::hand_over`].
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
#[derive(Debug)]
#[must_use = "the successor is started by `start`"]
pub struct HandOver {
    shutdown: Shutdown,
    program: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    listeners: Vec<(String, io::Result<OwnedFd>)>,
    ready_within: Duration,
}

impl HandOver {
    /// Adds arguments.
    pub fn args<S: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable. The others are those of this process, except `LISTEN_*`,
    /// `WATCHDOG_PID` and `SYSTEMD_EXEC_PID`, which are the successor's own.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Passes a listener, or any other descriptor, under a name by which the successor
    /// [takes](super::inherited) it. This process keeps its own descriptor.
    ///
    /// [`start`](Self::start) refuses a listener with a waker of
    /// [`wakers::socket`](crate::drain::wakers::socket), which would stop it in both processes.
    /// Use a waker of [`wakers::eventfd`](crate::drain::wakers::eventfd).
    pub fn listener(mut self, name: impl Into<String>, listener: impl AsFd) -> Self {
        let copy = listener.as_fd().try_clone_to_owned();
        self.listeners.push((name.into(), copy));
        self
    }

    /// Sets how long the successor may take until it is ready; 30 s unless set.
    pub fn ready_within(mut self, time: Duration) -> Self {
        self.ready_within = time;
        self
    }

    /// Starts the successor, and blocks the thread until it is ready: until it calls
    /// [`Shutdown::set_ready`], or writes a byte to the descriptor `DEADSTOP_READY_FD`.
    ///
    /// deadstop then tells systemd that the successor is the main process of the service, and
    /// sends no other notification from this process. This process goes on: begin its shutdown
    /// by a [request](Shutdown::request). The hand-over cannot be undone. In a container whose
    /// pid 1 is this process, let the orchestrator replace the container instead.
    ///
    /// A shutdown that begins before the successor is ready ends both processes: the successor
    /// gets `SIGTERM` at the request, and `SIGKILL` if it still runs when this process ends.
    /// Once the successor is ready, a signal to one process does not affect the other.
    ///
    /// # Errors
    ///
    /// Fails as [`HandOverError`] says. No successor runs then. This process goes on as
    /// before, and can try again, unless its shutdown has begun. A successor that is not ready
    /// in time gets `SIGTERM`, and `SIGKILL` if it has not ended within 5 s.
    #[track_caller]
    pub fn start(self) -> Result<Successor, HandOverError> {
        if !self.shutdown.notifies() {
            return Err(HandOverError::Forked);
        }
        let claim = HANDING_OVER.take().ok_or(HandOverError::UnderWay)?;
        let within = self.ready_within;
        let attempt = Attempt::begin(&self.shutdown, &self.program)?;
        let (pid, ready, passed) = self.spawn(&attempt)?;
        match attempt.wait_ready(&ready, within) {
            Seen::Ready if attempt.take_over() => {}
            Seen::Ready | Seen::Stopping => {
                attempt.wait_end();
                return Err(HandOverError::ShuttingDown);
            }
            Seen::Ended => {
                attempt.end();
                return Err(HandOverError::Ended);
            }
            Seen::Late => {
                attempt.end();
                return Err(HandOverError::NotReady { within });
            }
        }
        let pid = pid.unsigned_abs();
        claim.keep();
        note_handed_over(&passed);
        NOTIFY.hand_over_to(pid);
        TRIGGERED.advance();
        Ok(Successor { pid })
    }

    /// Runs the program once `attempt` has its process id. Returns that, the stream by which
    /// the program says that it is ready, and the sockets that were passed.
    fn spawn(self, attempt: &Attempt) -> Result<(i32, UnixStream, Vec<Identity>), HandOverError> {
        let (mut ready, theirs) = UnixStream::pair().map_err(HandOverError::Start)?;
        let Shared {
            names,
            mut descriptors,
            identities,
        } = Shared::of(self.listeners)?;
        let count = descriptors.len();
        descriptors.push(theirs.into());
        let own = [
            ("LISTEN_FDS", count.to_string()),
            ("LISTEN_FDNAMES", names.join(":")),
            (READY_VARIABLE, (FIRST as usize + count).to_string()),
        ];
        let own = own.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let variables = environment(env::vars_os(), self.variables, own)?;
        let pids: &[&str] = match env::var_os("SYSTEMD_EXEC_PID") {
            Some(_) => &["LISTEN_PID", "SYSTEMD_EXEC_PID"],
            None => &["LISTEN_PID"],
        };
        let held = reserve(descriptors.len(), ready.as_fd());
        let mut command = Command::new(self.program);
        command.args(self.arguments);
        unblock_signals(&mut command);
        Passing::new(descriptors, ready.as_fd(), variables, pids).apply(&mut command);
        // It returns when the program runs. By then the successor must be watched.
        let starts = move || {
            let child = command.spawn();
            // Closes this process's copies: the end of the successor is then the end of the
            // stream.
            drop((held, command));
            // The child has forked the successor and ends.
            child.and_then(|mut child| child.wait())
        };
        let starts = thread::Builder::new()
            .spawn(starts)
            .map_err(HandOverError::Start)?;
        let pid = watch_start(attempt, &mut ready);
        match (starts.join(), pid) {
            (Ok(Err(error)), _) => Err(HandOverError::Start(error)),
            (Ok(Ok(_)), Some(pid)) => {
                attempt.note_start();
                Ok((pid, ready, identities))
            }
            _ => Err(HandOverError::Ended),
        }
    }
}

/// Has `attempt` watch the successor, which waits for that before it runs the program. Returns
/// its process id, if it could be forked.
fn watch_start(attempt: &Attempt, ready: &mut UnixStream) -> Option<i32> {
    let mut pid = [0; 4];
    ready.read_exact(&mut pid).ok()?;
    let pid = i32::from_le_bytes(pid);
    attempt.watch(pid);
    // Fails if the successor has ended.
    let _ = ready.write(&[0]);
    Some(pid)
}

/// The listeners that this process shares with the successor.
struct Shared {
    names: Vec<String>,
    descriptors: Vec<OwnedFd>,
    identities: Vec<Identity>,
}

impl Shared {
    fn of(listeners: Vec<(String, io::Result<OwnedFd>)>) -> Result<Self, HandOverError> {
        let mut shared = Self {
            names: Vec::new(),
            descriptors: Vec::new(),
            identities: Vec::new(),
        };
        for (name, listener) in listeners {
            if !is_name(&name) {
                return Err(HandOverError::Name { name });
            }
            let listener = listener.map_err(HandOverError::Start)?;
            let identity = Identity::of(listener.as_fd()).map_err(HandOverError::Start)?;
            if !note_shared(identity) {
                return Err(HandOverError::Waker { name });
            }
            shared.names.push(name);
            shared.identities.push(identity);
            shared.descriptors.push(listener);
        }
        Ok(shared)
    }
}

/// The variables of the successor: those of this process, then the caller's, then `own`.
fn environment(
    all: impl Iterator<Item = (OsString, OsString)>,
    given: Vec<(OsString, OsString)>,
    own: [(OsString, OsString); 3],
) -> Result<Vec<CString>, HandOverError> {
    let is_own = |name: &OsStr| OWN.iter().any(|own| name == *own);
    let is_given = |name: &OsStr| given.iter().any(|(given, _)| given == name);
    let kept: Vec<_> = all
        .filter(|(name, _)| !is_own(name) && !is_given(name))
        .collect();
    let strings = kept.into_iter().chain(given.clone()).chain(own);
    strings
        .map(|(name, value)| {
            let string = [name.as_bytes(), b"=", value.as_bytes()].concat();
            CString::new(string).map_err(|_| HandOverError::Variable)
        })
        .collect()
}

/// A process that has taken over. Made by [`HandOver::start`].
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// use deadstop::handover::Successor;
/// use deadstop::{Cause, Shutdown};
///
/// /// Ends this process, now that the successor serves.
/// fn retire(shutdown: &Shutdown, successor: Successor) {
///     shutdown.request(Cause::requested(format!("process {} took over", successor.pid())));
/// }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Successor {
    pid: u32,
}

impl Successor {
    /// Returns its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }
}
