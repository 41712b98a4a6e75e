//! Starts a successor, passes it the listeners, and waits until it is ready.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use super::error::HandOverError;
use super::passed::is_name;
use crate::Shutdown;
use crate::notify::READY_VARIABLE;
use crate::process::shared_sockets::{Identity, note_shared};
use crate::process::{Claim, NOTIFY, TRIGGERED};
use crate::sys::child::pidfd_open;
use crate::sys::command::unblock_signals;
use crate::sys::handover::{FIRST, Passing, kill, reserve};
use crate::sys::spawn::wait_readable;

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

/// The longest wait for the end of a successor after SIGKILL.
const KILL: Duration = Duration::from_secs(1);

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
    /// [takes](super::inherited) it. This process keeps its own.
    ///
    /// A listener with a waker of [`wakers::socket`](crate::drain::wakers::socket) is refused:
    /// the waker would stop it in both processes. Use one of
    /// [`wakers::eventfd`](crate::drain::wakers::eventfd).
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
    /// systemd then hears that the successor is the main process of the service, and
    /// nothing more from this one. This process goes on: begin its shutdown by a
    /// [request](Shutdown::request). There is no way back then: as pid 1 of a container,
    /// let the orchestrator replace the container instead.
    ///
    /// # Errors
    ///
    /// Fails as [`HandOverError`] says. This process then goes on as before, no successor
    /// runs, and it can be tried again.
    pub fn start(self) -> Result<Successor, HandOverError> {
        if !self.shutdown.notifies() {
            return Err(HandOverError::Forked);
        }
        let claim = HANDING_OVER.take().ok_or(HandOverError::UnderWay)?;
        let within = self.ready_within;
        let mut started = self.spawn()?;
        match started.wait_ready(within) {
            Some(true) => {}
            Some(false) => {
                started.kill();
                return Err(HandOverError::Ended);
            }
            None => {
                started.kill();
                return Err(HandOverError::NotReady { within });
            }
        }
        let pid = started.pid.unsigned_abs();
        claim.keep();
        NOTIFY.hand_over_to(pid);
        TRIGGERED.advance();
        Ok(Successor { pid })
    }

    fn spawn(self) -> Result<Started, HandOverError> {
        let (ready, theirs) = UnixStream::pair().map_err(HandOverError::Start)?;
        let mut names = Vec::new();
        let mut descriptors = Vec::new();
        for (name, listener) in self.listeners {
            if !is_name(&name) {
                return Err(HandOverError::Name { name });
            }
            let listener = listener.map_err(HandOverError::Start)?;
            let identity = Identity::of(listener.as_fd()).map_err(HandOverError::Start)?;
            if !note_shared(identity) {
                return Err(HandOverError::Waker { name });
            }
            names.push(name);
            descriptors.push(listener);
        }
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
        Passing::new(descriptors, variables, pids).apply(&mut command);
        let child = command.spawn();
        drop(held);
        // Dropping the command closes this process's copies: the end of the successor is
        // then the end of the stream.
        drop(command);
        let mut child = child.map_err(HandOverError::Start)?;
        // The child ends as soon as it has forked the successor.
        child.wait().map_err(HandOverError::Start)?;
        Started::new(ready).ok_or(HandOverError::Ended)
    }
}

/// A successor that runs and is not ready yet.
struct Started {
    pid: i32,
    process: Option<OwnedFd>,
    ready: UnixStream,
}

impl Started {
    /// Reads the process id, which the successor wrote before it ran its program.
    fn new(mut ready: UnixStream) -> Option<Self> {
        let mut pid = [0; 4];
        ready.read_exact(&mut pid).ok()?;
        let pid = i32::from_le_bytes(pid);
        let process = pidfd_open(pid);
        Some(Self {
            pid,
            process,
            ready,
        })
    }

    /// Waits for a byte: `None` if the time is over first, `Some(false)` at the end of the
    /// stream.
    fn wait_ready(&mut self, within: Duration) -> Option<bool> {
        // A time that the clock does not have is no limit.
        let until = Instant::now().checked_add(within);
        loop {
            let left = until.map(|until| {
                // Zero would be no limit.
                let left = until.saturating_duration_since(Instant::now());
                left.max(Duration::from_millis(1))
            });
            self.ready.set_read_timeout(left).ok()?;
            match self.ready.read(&mut [0; 16]) {
                Ok(length) => return Some(length > 0),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(_) => return Some(false),
            }
        }
    }

    /// Kills the successor, and waits until it is gone.
    fn kill(&self) {
        let process = self.process.as_ref().map(AsFd::as_fd);
        kill(process, self.pid);
        if let Some(process) = process {
            wait_readable(&[process], Some(KILL));
        }
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
