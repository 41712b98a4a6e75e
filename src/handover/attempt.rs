//! A successor that is not ready yet, and its end if the shutdown begins.
//!
//! ```text
//! starting ──spawned──▶ not ready ──ready──▶ took over: this process leaves it alone
//!                           │
//!                        request
//!                           ▼
//!                        stopping: SIGTERM ──its end, or SIGKILL──▶ gone
//! ```
//!
//! A waker sends SIGTERM at the request. A task of CLOSE waits for the end, so this process
//! does not end first, and sends SIGKILL when its time is nearly over. The kill list has the
//! successor for every other end of this process: the deadline, `exit`, a second signal.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadstop_core::kill_path::KillSlot;
use deadstop_core::roster::TaskKind;

use super::error::HandOverError;
use crate::drain::WakerHandle;
use crate::lock::{Condvar, Mutex};
use crate::process::WATCH;
use crate::report::Tenths;
use crate::sys::checked_descriptor::Checked;
use crate::sys::child::pidfd_open;
use crate::sys::handover::{is_alive, signal};
use crate::sys::spawn::wait_readable;
use crate::{Phase, RegisterError, Shutdown, TaskContext, TaskHandle};

/// The time that a successor which is not ready in time has from SIGTERM to SIGKILL.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// The longest wait for the end of a killed successor.
const KILLED_WITHIN: Duration = Duration::from_secs(1);

/// The time before its own end at which the task kills the successor, at most.
const KILL_BEFORE: Duration = Duration::from_millis(500);

/// The interval at which the task updates its progress.
const UPDATE_EVERY: Duration = Duration::from_millis(250);

/// The interval at which the end of a successor without a pidfd is polled.
const CHECK_EVERY: Duration = Duration::from_millis(20);

/// The attempt to hand over. Dropping it withdraws the waker and the task.
pub(super) struct Attempt {
    shutdown: Shutdown,
    shared: Arc<Shared>,
    /// Readable once the shutdown has begun.
    stopped: UnixStream,
    waker: WakerHandle,
    task: TaskHandle,
}

/// State shared by the thread that hands over, the waker and the task.
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// The other end of `Attempt::stopped`.
    stop: UnixStream,
}

#[derive(Default)]
struct State {
    is_stopping: bool,
    /// No successor is left for this process to end.
    is_over: bool,
    successor: Option<Arc<Process>>,
}

/// The event that ends the wait for readiness.
pub(super) enum Seen {
    Ready,
    /// The successor has ended, or has closed its descriptor.
    Ended,
    Late,
    /// The shutdown has begun.
    Stopping,
}

impl Attempt {
    /// Prepares to end a successor that runs `program` if the shutdown begins.
    #[track_caller]
    pub(super) fn begin(shutdown: &Shutdown, program: &Path) -> Result<Self, HandOverError> {
        if shutdown.is_requested() {
            return Err(HandOverError::ShuttingDown);
        }
        let (stopped, stop) = UnixStream::pair().map_err(HandOverError::Start)?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
            stop,
        });
        let name = format!("successor {}", program.display());
        let ends = Arc::clone(&shared);
        let task = shutdown.task(name.as_str()).phase(Phase::CLOSE);
        let task = task
            .on_shutdown(move |cx| ends.await_end(cx))
            .map_err(refused)?;
        let stops = Arc::clone(&shared);
        let waker = shutdown.waker(name, move || stops.stop());
        let waker = waker.map_err(|error| {
            task.cancel();
            match error {
                RegisterError::NoThread => {
                    HandOverError::Start(io::Error::other("could not start the thread for wakers"))
                }
                other => refused(other),
            }
        })?;
        Ok(Self {
            shutdown: shutdown.clone(),
            shared,
            stopped,
            waker,
            task,
        })
    }

    /// Notes the successor, which is stopped at once if the shutdown has begun meanwhile.
    pub(super) fn watch(&self, pid: i32) {
        let mut state = self.shared.state.lock();
        let process = Process::new(pid);
        if state.is_stopping {
            process.ask_to_end();
        }
        state.successor = Some(Arc::new(process));
    }

    /// Notes that the program runs. A signal from before may have met a handler of this
    /// process in the successor: it is sent again.
    pub(super) fn note_start(&self) {
        let state = self.shared.state.lock();
        if let Some(process) = state.successor.as_ref().filter(|_| state.is_stopping) {
            process.ask_to_end();
        }
    }

    /// Waits for a byte from the successor.
    pub(super) fn wait_ready(&self, mut ready: &UnixStream, within: Duration) -> Seen {
        // A time that the clock does not have is no limit.
        let until = Instant::now().checked_add(within);
        // `poll` may say that a byte is there when there is none.
        if ready.set_nonblocking(true).is_err() {
            return Seen::Ended;
        }
        loop {
            if self.shared.state.lock().is_stopping {
                return Seen::Stopping;
            }
            match ready.read(&mut [0; 16]) {
                Ok(0) => return Seen::Ended,
                Ok(_) => return Seen::Ready,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Seen::Ended,
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Seen::Late;
            }
            // A whole millisecond at least: less is no wait.
            let left = left.map(|left| left.max(Duration::from_millis(1)));
            wait_readable(&[ready.as_fd(), self.stopped.as_fd()], left);
        }
    }

    /// Leaves the successor alone from here on, unless the shutdown has begun. Returns `true`
    /// if the successor took over.
    pub(super) fn take_over(&self) -> bool {
        // A signal's handler begins the shutdown; the waker runs a little later.
        if self.shutdown.is_requested() {
            self.shared.stop();
        }
        let mut state = self.shared.state.lock();
        if state.is_stopping {
            return false;
        }
        state.successor = None;
        true
    }

    /// Waits until the successor, which was asked to end, is gone. The task kills it when the
    /// shutdown's time is nearly over.
    pub(super) fn wait_end(&self) {
        if let Some(process) = self.shared.successor() {
            process.wait_end(None);
        }
    }

    /// Ends the successor, and waits until it is gone. It gets SIGTERM first: it may have
    /// accepted connections.
    pub(super) fn end(&self) {
        if let Some(process) = self.shared.successor() {
            process.ask_to_end();
            if !process.wait_end(Some(ENDS_WITHIN)) {
                process.kill();
                process.wait_end(Some(KILLED_WITHIN));
            }
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        {
            let mut state = self.shared.state.lock();
            state.is_over = true;
            state.successor = None;
        }
        self.shared.changed.notify_all();
        self.task.cancel();
        self.waker.disable();
    }
}

/// Says why the shutdown takes no task.
fn refused(error: RegisterError) -> HandOverError {
    match error {
        RegisterError::Forked => HandOverError::Forked,
        _ => HandOverError::ShuttingDown,
    }
}

impl Shared {
    fn successor(&self) -> Option<Arc<Process>> {
        self.state.lock().successor.clone()
    }

    /// Asks the successor to end, once, and wakes the thread that hands over.
    fn stop(&self) {
        let mut state = self.state.lock();
        if std::mem::replace(&mut state.is_stopping, true) {
            return;
        }
        if let Some(process) = &state.successor {
            process.ask_to_end();
        }
        // There is room: it is the only byte.
        let _ = (&self.stop).write(&[1]);
    }

    /// The task: waits until no successor is left, and kills one that is when its time is
    /// nearly over.
    fn await_end(&self, cx: &TaskContext) -> Result<(), String> {
        cx.note_kind(TaskKind::Child);
        // It has run, unless it hangs.
        self.stop();
        let asked = Instant::now();
        let kill_before = KILL_BEFORE.min(cx.remaining() / 10);
        loop {
            let left = cx.remaining().saturating_sub(kill_before);
            if self.is_over_within(UPDATE_EVERY.min(left)) {
                return Ok(());
            }
            let Some(process) = self.successor() else {
                cx.progress("is being started");
                if left.is_zero() {
                    return Err("has not been started in time".to_owned());
                }
                continue;
            };
            let (pid, asked_for) = (process.pid, Tenths(asked.elapsed()));
            cx.progress(&format!("pid {pid}; SIGTERM sent {asked_for} ago"));
            if left.is_zero() {
                process.kill();
                self.is_over_within(kill_before / 2);
                return Err(format!(
                    "pid {pid} did not end within {asked_for} of SIGTERM and was killed"
                ));
            }
        }
    }

    fn is_over_within(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.state.lock();
        let mut timed_out = false;
        while !state.is_over && !timed_out {
            (state, timed_out) = self.changed.wait_until(state, until);
        }
        state.is_over
    }
}

/// The successor's process, which is on the kill list.
struct Process {
    pid: i32,
    listed: Option<KillSlot>,
    pidfd: Option<Checked<OwnedFd>>,
}

impl Process {
    fn new(pid: i32) -> Self {
        let pidfd = pidfd_open(pid).map(Checked::new);
        // By number alone it might be another process: init reaps the successor.
        let listed = pidfd
            .as_ref()
            .and_then(Checked::get)
            .and_then(|pidfd| WATCH.kill_list().add(pid, Some(pidfd.as_raw_fd()), false));
        let process = Self { pid, listed, pidfd };
        if process.listed.is_none() && WATCH.kill_list().is_closed() {
            // This process is about to end.
            process.kill();
        }
        process
    }

    fn ask_to_end(&self) {
        self.signal(libc::SIGTERM);
        // A stopped process takes no signal but SIGKILL before it continues.
        self.signal(libc::SIGCONT);
    }

    fn kill(&self) {
        self.signal(libc::SIGKILL);
    }

    fn signal(&self, number: i32) {
        match self.pidfd.as_ref().map(Checked::get) {
            // The program has closed it, and the number may be another process's.
            Some(None) => {}
            pidfd => signal(pidfd.flatten().map(AsFd::as_fd), self.pid, number),
        }
    }

    /// Waits until the process has ended, for `within` at most. Returns `true` if it has.
    fn wait_end(&self, within: Option<Duration>) -> bool {
        let until = within.and_then(|within| Instant::now().checked_add(within));
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            match self.pidfd.as_ref().and_then(Checked::get) {
                // A signal's handler may cut the wait short.
                Some(pidfd) if wait_readable(&[pidfd.as_fd()], left) => return true,
                None if !is_alive(self.pid) => return true,
                Some(_) => {}
                None => std::thread::sleep(CHECK_EVERY),
            }
            if left == Some(Duration::ZERO) {
                return false;
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Before its descriptor is closed.
        if let Some(listed) = self.listed.take() {
            listed.remove();
        }
    }
}
