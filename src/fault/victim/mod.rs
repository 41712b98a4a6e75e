//! One's own program, started to see how it ends.
//!
//! ```text
//!  test ──start──▶ keeper ──spawn──▶ victim    its own process group
//!   ▲                │ ▲               │
//!   │                │ └───── end ─────┤
//!   └──── heard ◀────┘  two readers ◀──┘ stdout, stderr
//! ```
//!
//! The kernel kills a child with the thread that made it, and whoever waits for
//! a child is to note when it ended: so each victim has a thread that does
//! both, and lives as long as the victim.

mod builder;
mod death;
mod heard;
mod keeper;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::signal::Signal;

pub use self::builder::VictimBuilder;
pub use self::death::{Death, NotSaid, StillAlive};

use self::death::Origin;
use self::heard::Heard;
use self::keeper::Keeper;

/// How long the end of the output is waited for once the victim has ended: a
/// process that it left behind in another group may hold it open.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long a victim is waited for that was killed. One in uninterruptible sleep
/// may take its time.
const REAPED: Duration = Duration::from_secs(10);

/// A running program, of which a test says what it does and sees how it ends.
///
/// It is a process group of its own, which is killed when the victim has ended
/// or is dropped. If the test's process ends without dropping it, in whatever
/// way, the kernel kills the victim itself. Its standard input is empty; what it writes is read all the time and kept: of
/// each of the two streams, the first 64 KiB and the last 256.
///
/// A victim asserts nothing by itself: waits have a bound and say what was seen,
/// and a [`Death`] has assertions to choose from.
///
/// # Examples
///
/// A test of a program that is to end a second after `SIGTERM`, whatever hangs;
/// in its place here there is one that takes `SIGTERM` as it comes.
///
/// ```
/// use std::time::Duration;
/// use deadstop::Signal;
/// use deadstop::fault::{Fault, Victim};
///
/// // In a test: Victim::command(env!("CARGO_BIN_EXE_app"))
/// let mut victim = Victim::command("sh")
///     .args(["-c", "echo ready; sleep 60 & wait"])
///     .plant("flush the log", Fault::Spin)
///     .start()?;
/// victim.wait_for_line("ready", Duration::from_secs(10))?;
/// victim.signal(Signal::Terminate)?;
/// let death = victim.wait(Duration::from_secs(10))?;
/// death.assert_signal(Signal::Terminate); // of yours: assert_status(124)
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Victim {
    keeper: Arc<Keeper>,
    heard: Arc<Heard>,
    /// How it was started, for messages.
    words: Arc<str>,
    origin: Origin,
}

impl Victim {
    /// Describes a victim: the program at this path, which a test of a package
    /// finds as `env!("CARGO_BIN_EXE_name")`. One that needs more than arguments
    /// and variables is made of a [`Command`](std::process::Command), by
    /// [`VictimBuilder::from`].
    pub fn command(program: impl AsRef<std::ffi::OsStr>) -> VictimBuilder {
        std::process::Command::new(program).into()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.keeper.id()
    }

    /// Waits until the victim has said a line that contains `text`, on either
    /// stream, or has said it before; and returns the line.
    ///
    /// # Errors
    ///
    /// Fails if it does not within this time, or closes both streams without.
    /// The victim goes on.
    pub fn wait_for_line(&mut self, text: &str, within: Duration) -> Result<String, NotSaid> {
        let from = Instant::now();
        self.heard
            .wait_for(text, later(from, within))
            .ok_or_else(|| {
                let waited = from.elapsed();
                NotSaid::new(text, waited, self.state(), self.heard.texts())
            })
    }

    /// Sends it a signal, it alone and not its group. The time to its end is
    /// counted from just before the first that is sent.
    ///
    /// # Errors
    ///
    /// Fails if the victim has ended, or if the system does not know the signal.
    pub fn signal(&mut self, signal: Signal) -> io::Result<()> {
        let now = Instant::now();
        self.keeper.send(signal)?;
        if matches!(self.origin, Origin::Start(_)) {
            self.origin = Origin::Signal(signal, now);
        }
        Ok(())
    }

    /// Waits until the victim has ended, for this time at most. It may be called
    /// again, either way.
    ///
    /// # Errors
    ///
    /// Fails if it is still there; which for the control of a fault, the same in
    /// a program whose grace never ends, is what should be.
    ///
    /// # Panics
    ///
    /// If the calling process ignores `SIGCHLD`: the system then keeps nobody's
    /// status.
    pub fn wait(&mut self, within: Duration) -> Result<Death, StillAlive> {
        let from = Instant::now();
        match self.keeper.wait(later(from, within)) {
            Some(end) => {
                self.heard.wait_for_end(Instant::now() + LAST_WORDS);
                Ok(Death::new(
                    self.state(),
                    self.origin,
                    &end,
                    self.heard.texts(),
                ))
            }
            None => Err(StillAlive::new(
                from.elapsed(),
                self.state(),
                self.heard.texts(),
            )),
        }
    }

    /// What it is and how it is, in words.
    fn state(&self) -> String {
        format!("{}, {}", self.words, self.keeper.state())
    }
}

/// An instant that long after `from`, or so far off that nobody waits for it.
fn later(from: Instant, length: Duration) -> Instant {
    let far = Duration::from_secs(86_400 * 365);
    from + length.min(far)
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.keeper.kill();
        self.keeper.wait(Instant::now() + REAPED);
    }
}

impl fmt::Debug for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Victim").field(&self.state()).finish()
    }
}
