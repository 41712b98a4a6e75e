//! A program under test, started to observe how it ends.
//!
//! ```text
//!  test ──start──▶ owner ──spawn──▶ victim     its own process group
//!   ▲                │ ▲               │
//!   │                │ └───── end ─────┤
//!   └──── output ◀───┘  two readers ◀──┘ stdout, stderr
//! ```
//!
//! The kernel kills the child when the thread that spawned it ends
//! (`PR_SET_PDEATHSIG`), and the time of the end must be read as soon as
//! `waitid` returns. So each victim has one owner thread that spawns it, waits
//! for it, and lives as long as it does.

mod builder;
mod death;
mod output;
mod owner;
mod report_file;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadstop::Signal;

pub use self::builder::VictimBuilder;
pub use self::death::{Death, NotSaid, StillAlive};

use self::death::Origin;
use self::output::Output;
use self::owner::Owner;
use self::report_file::ReportFile;

/// The longest wait for the end of the output after the victim has ended: a process that it left
/// in another group may hold the pipe open.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest wait for a killed victim. A process in uninterruptible sleep may take that long.
const REAP_TIMEOUT: Duration = Duration::from_secs(10);

/// A running program under test.
///
/// A victim leads its own process group, which is killed when the victim has ended or
/// is dropped. If the test's process ends without dropping it, the kernel kills
/// the victim. Its standard input is empty. Its output is read all the time and
/// kept: of each of the two streams the first 64 KiB and the last 256 KiB.
///
/// All waits have a bound, and their errors contain what the victim has written.
/// [`Death`] has assertions.
///
/// # Examples
///
/// A test of a program that must end one second after `SIGTERM`. Its place is
/// taken here by a shell that dies of `SIGTERM`.
///
/// ```
/// use std::time::Duration;
/// use deadstop::Signal;
/// use deadstop_testkit::{Fault, Victim};
///
/// // In a test: Victim::command(env!("CARGO_BIN_EXE_app"))
/// let mut victim = Victim::command("sh")
///     .args(["-c", "echo ready; sleep 60 & wait"])
///     .plant("flush the log", Fault::Spin)
///     .start()?;
/// victim.wait_for_line("ready", Duration::from_secs(10))?;
/// victim.signal(Signal::TERM)?;
/// let death = victim.wait(Duration::from_secs(10))?;
/// death.assert_signal(Signal::TERM); // in your test: assert_status(124)
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Victim {
    owner: Arc<Owner>,
    output: Arc<Output>,
    /// The command line, for messages.
    command_line: Arc<str>,
    origin: Origin,
    report: ReportFile,
}

impl Victim {
    /// Starts describing a victim: the program at this path. A package's tests
    /// find its binary as `env!("CARGO_BIN_EXE_name")`. For more than arguments
    /// and variables, use [`VictimBuilder::from`] with a
    /// [`Command`](std::process::Command).
    pub fn command(program: impl AsRef<std::ffi::OsStr>) -> VictimBuilder {
        std::process::Command::new(program).into()
    }

    /// Returns its process id.
    pub fn id(&self) -> u32 {
        self.owner.id()
    }

    /// Waits until the victim has written a line that contains `text` to either
    /// stream, and returns the line. Earlier lines count.
    ///
    /// # Errors
    ///
    /// Fails if there is no such line within this time, or if the victim closes
    /// both streams before. The victim goes on running.
    pub fn wait_for_line(&mut self, text: &str, within: Duration) -> Result<String, NotSaid> {
        let from = Instant::now();
        self.output
            .wait_for(text, later(from, within))
            .ok_or_else(|| {
                let waited = from.elapsed();
                NotSaid::new(text, waited, self.state(), self.output.texts())
            })
    }

    /// Sends a signal to the victim, not to its group. The time to its end counts
    /// from just before the first signal.
    ///
    /// # Errors
    ///
    /// Fails if the victim has ended, or if the system does not know the signal.
    pub fn signal(&mut self, signal: Signal) -> io::Result<()> {
        let now = Instant::now();
        self.owner.send(signal)?;
        if matches!(self.origin, Origin::Start(_)) {
            self.origin = Origin::Signal(signal, now);
        }
        Ok(())
    }

    /// Waits until the victim has ended, for this time at most. It may be called
    /// again in either case.
    ///
    /// # Errors
    ///
    /// Fails if it is still running. For the control of a fault (the same fault
    /// in a program whose grace never ends) that is the expected result.
    ///
    /// # Panics
    ///
    /// If the calling process ignores `SIGCHLD`: the kernel then keeps no exit
    /// status.
    pub fn wait(&mut self, within: Duration) -> Result<Death, StillAlive> {
        let from = Instant::now();
        match self.owner.wait(later(from, within)) {
            Some(end) => {
                self.output.wait_for_end(Instant::now() + OUTPUT_TIMEOUT);
                Ok(Death::new(
                    self.state(),
                    self.origin,
                    &end,
                    self.output.texts(),
                    self.report.read(),
                ))
            }
            None => Err(StillAlive::new(
                from.elapsed(),
                self.state(),
                self.output.texts(),
            )),
        }
    }

    /// Describes the victim and whether it is running.
    fn state(&self) -> String {
        format!("{}, {}", self.command_line, self.owner.state())
    }
}

/// Returns the instant `length` after `from`, at most a year later.
fn later(from: Instant, length: Duration) -> Instant {
    let far = Duration::from_secs(86_400 * 365);
    from + length.min(far)
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.owner.kill();
        self.owner.wait(Instant::now() + REAP_TIMEOUT);
    }
}

impl fmt::Debug for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Victim").field(&self.state()).finish()
    }
}
