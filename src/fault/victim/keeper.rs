//! The thread that makes the victim, and notes when it ends.

use std::io;
use std::process::{Child, ChildStderr, ChildStdout, ExitStatus};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::signal::Signal;
use crate::sys;

/// Who makes the victim, and outlives it.
pub(super) struct Keeper {
    id: u32,
    /// Under its lock the victim is reaped: whoever finds it not ended here may
    /// use its number.
    end: Mutex<Option<End>>,
    ended: Condvar,
}

/// How the victim ended, and when.
#[derive(Clone, Copy)]
pub(super) struct End {
    /// `None` if the system kept no status.
    pub(super) status: Option<ExitStatus>,
    pub(super) at: Instant,
}

/// What the victim writes to.
pub(super) struct Streams {
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Keeper {
    /// Has a thread of its own call `spawn`, and returns when that has, with
    /// the instant that it gave.
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
                Ok((started, (keeper, child, streams))) => {
                    // Whoever starts a victim waits for this.
                    let _ = to.send(Ok((started, Arc::clone(&keeper), streams)));
                    keeper.live(child);
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
        let keeper = Arc::new(Self {
            id: child.id(),
            end: Mutex::new(None),
            ended: Condvar::new(),
        });
        Ok((keeper, child, streams))
    }

    /// The thread's life. It must not end before the victim.
    fn live(&self, mut child: Child) {
        // Fails if somebody else has reaped it; then there is nothing to kill.
        let is_there = sys::victim::await_end(self.id).is_ok();
        let at = Instant::now();
        let mut end = self.end.lock();
        if is_there {
            sys::victim::kill_group(self.id);
        }
        let status = child.wait().ok();
        *end = Some(End { status, at });
        self.ended.notify_all();
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn send(&self, signal: Signal) -> io::Result<()> {
        let end = self.end.lock();
        if end.is_some() {
            let error = "the victim has ended";
            return Err(io::Error::new(io::ErrorKind::NotFound, error));
        }
        sys::victim::send(self.id, signal.number())
    }

    /// Kills the victim with its group, unless it has ended.
    pub(super) fn kill(&self) {
        let end = self.end.lock();
        if end.is_none() {
            sys::victim::kill_group(self.id);
        }
    }

    /// Waits until it has ended, and `until` at most.
    pub(super) fn wait(&self, until: Instant) -> Option<End> {
        let mut end = self.end.lock();
        while end.is_none() {
            if self.ended.wait_until(&mut end, until).timed_out() {
                break;
            }
        }
        *end
    }

    /// Whether it is there, in words.
    pub(super) fn state(&self) -> String {
        match *self.end.lock() {
            None => format!("process {}, still there", self.id),
            Some(End { status: None, .. }) => format!("process {}, gone", self.id),
            Some(End {
                status: Some(status),
                ..
            }) => format!("process {}, ended by {status}", self.id),
        }
    }
}
