//! The thread that spawns the victim and notes when it ends.

use std::io;
use std::process::{Child, ChildStderr, ChildStdout, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use deadstop::Signal;

use crate::sys;

/// The owner thread and what it knows.
pub(super) struct Owner {
    id: u32,
    /// The victim is reaped under this lock: while this is `None`, its process id
    /// is valid.
    end: Mutex<Option<End>>,
    ended: Condvar,
}

/// The end of the victim, and its time.
#[derive(Clone, Copy)]
pub(super) struct End {
    /// `None` if the kernel kept no status.
    pub(super) status: Option<ExitStatus>,
    pub(super) at: Instant,
}

/// The victim's output pipes.
pub(super) struct Streams {
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Owner {
    /// Starts the owner thread, which calls `spawn`. Returns when the victim runs,
    /// with the instant that `spawn` returned.
    pub(super) fn start(
        spawn: impl FnOnce() -> io::Result<(Instant, Child)> + Send + 'static,
    ) -> io::Result<(Instant, Arc<Self>, Streams)> {
        let (to, made) = mpsc::channel();
        let life = move || {
            let made = spawn().and_then(|(started, child)| Self::of(child).map(|of| (started, of)));
            match made {
                Err(error) => {
                    let _ = to.send(Err(error));
                }
                Ok((started, (owner, child, streams))) => {
                    let _ = to.send(Ok((started, Arc::clone(&owner), streams)));
                    owner.live(child);
                }
            }
        };
        thread::Builder::new().name("victim".into()).spawn(life)?;
        made.recv().map_err(io::Error::other)?
    }

    fn of(mut child: Child) -> io::Result<(Arc<Self>, Child, Streams)> {
        let missing = || io::Error::other("the victim's output is not piped");
        let streams = Streams {
            stdout: child.stdout.take().ok_or_else(missing)?,
            stderr: child.stderr.take().ok_or_else(missing)?,
        };
        let owner = Arc::new(Self {
            id: child.id(),
            end: Mutex::new(None),
            ended: Condvar::new(),
        });
        Ok((owner, child, streams))
    }

    /// Runs the owner thread. It must not end before the victim.
    fn live(&self, mut child: Child) {
        // Fails if other code of the test has reaped it; then the id is invalid.
        let is_ours = sys::process::await_end(self.id).is_ok();
        let at = Instant::now();
        let mut end = self.lock();
        if is_ours {
            sys::process::kill_group(self.id);
        }
        let status = child.wait().ok();
        *end = Some(End { status, at });
        self.ended.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Option<End>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn send(&self, signal: Signal) -> io::Result<()> {
        let end = self.lock();
        if end.is_some() {
            let error = "the victim has ended";
            return Err(io::Error::new(io::ErrorKind::NotFound, error));
        }
        sys::process::send(self.id, signal.number())
    }

    /// Kills the victim and its group, unless it has ended.
    pub(super) fn kill(&self) {
        let end = self.lock();
        if end.is_none() {
            sys::process::kill_group(self.id);
        }
    }

    /// Waits until it has ended, at most until `until`.
    pub(super) fn wait(&self, until: Instant) -> Option<End> {
        let left = until.saturating_duration_since(Instant::now());
        let is_running = |end: &mut Option<End>| end.is_none();
        let waited = self.ended.wait_timeout_while(self.lock(), left, is_running);
        let (end, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *end
    }

    /// Says whether it is running.
    pub(super) fn state(&self) -> String {
        match *self.lock() {
            None => format!("process {}, running", self.id),
            Some(End { status: None, .. }) => format!("process {}, gone", self.id),
            Some(End {
                status: Some(status),
                ..
            }) => format!("process {}, ended by {status}", self.id),
        }
    }
}
