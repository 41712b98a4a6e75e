//! Level 1: the watchdog alone, for a program that has its own shutdown.

use std::fmt;
use std::time::{Duration, Instant};

use crate::error::InstallError;
use crate::gauge::Teardown;
use crate::installation::{Installation, WATCH};
use crate::kill_path::{self, Line3, Nanos, SignalSet};

/// The status of a process that the watchdog ended, unless the builder says
/// otherwise: what timeout(1) reports.
const TIMED_OUT: u8 = 124;

/// The grace unless the builder says otherwise.
const GRACE: Duration = Duration::from_secs(10);

/// A watchdog that ends the process at a deadline, whatever its cleanup is
/// stuck on.
///
/// A `Watchdog` is a handle: cloning it is free, and dropping every clone
/// changes nothing. Once installed, the watchdog lives as long as the process.
///
/// A child of `fork` has no watchdog. The handle that it inherits knows: there
/// [`arm`](Self::arm) does nothing, [`deadline`](Self::deadline) is `None`, and
/// the child may install a watchdog of its own. A program started by `exec`
/// begins without one.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::Watchdog;
///
/// let watchdog = Watchdog::builder()
///     .grace(Duration::from_secs(5))
///     .install()?;
///
/// // ... the program runs, and is asked to stop ...
///
/// watchdog.arm();
/// // From here `main` has five seconds to return.
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Watchdog {
    grace: Duration,
    defences: Defences,
    anchor: Anchor,
}

impl Watchdog {
    /// Starts describing a watchdog, with a grace of ten seconds and the exit
    /// status 124.
    pub fn builder() -> WatchdogBuilder {
        WatchdogBuilder {
            grace: GRACE,
            exit_status: TIMED_OUT,
            kernel_timer: Need::BestEffort,
            finish_core_dumps: false,
            teardown: None,
        }
    }

    /// Starts the countdown: the process ends at the latest one grace from now.
    ///
    /// Calling it again never buys time. The earliest deadline stands, whoever
    /// set it, and there is no way to disarm: a shutdown that may be called off
    /// has not begun.
    ///
    /// The countdown runs on `CLOCK_MONOTONIC`, so setting the wall clock does
    /// not move it. It does not run while the machine is suspended. It does run
    /// while the process is stopped (`SIGSTOP`, a debugger), and the kernel
    /// timer then ends the process 25 ms after its deadline.
    ///
    /// # Async-signal-safety
    ///
    /// Async-signal-safe: a clock reading, atomic operations, a timer and a
    /// wake-up. `errno` is left as it was.
    pub fn arm(&self) {
        self.arm_within(self.grace);
    }

    /// Like [`arm`](Self::arm), with a grace of its own: for a second Ctrl-C,
    /// say, that should not be kept waiting as long as the first.
    ///
    /// A grace of zero ends the process at once. One too long for the clock
    /// (584 years and more) counts as the longest there is.
    ///
    /// # Async-signal-safety
    ///
    /// Async-signal-safe, as `arm` is.
    pub fn arm_within(&self, grace: Duration) {
        WATCH.arm(grace);
    }

    /// When the process ends; `None` until somebody arms the watchdog.
    ///
    /// # Async-signal-safety
    ///
    /// Async-signal-safe: an atomic reading and arithmetic.
    pub fn deadline(&self) -> Option<Instant> {
        if !WATCH.is_home() {
            return None;
        }
        WATCH.deadline().get().map(|at| self.anchor.instant(at))
    }

    /// The grace that [`arm`](Self::arm) gives.
    pub fn grace(&self) -> Duration {
        self.grace
    }

    /// Which lines of defence are in place in the calling process.
    pub fn defences(&self) -> Defences {
        match WATCH.is_home() {
            true => self.defences,
            false => Defences::NONE,
        }
    }
}

/// Describes a watchdog. Made by [`Watchdog::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder protects nothing until `install` is called"]
pub struct WatchdogBuilder {
    pub(crate) grace: Duration,
    pub(crate) exit_status: u8,
    pub(crate) kernel_timer: Need,
    pub(crate) finish_core_dumps: bool,
    /// What it takes to go, if the process is to be gone by its deadline.
    pub(crate) teardown: Option<Teardown>,
}

impl WatchdogBuilder {
    /// How long the process may live once [armed](Watchdog::arm); ten seconds
    /// unless set.
    ///
    /// A grace of zero ends the process as soon as it is armed. One of
    /// `Duration::MAX` in effect never does.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The status the process ends with if the watchdog has to end it: 1 to
    /// 255, and 124 unless set. 0 is refused by [`install`](Self::install).
    ///
    /// Pick one that your supervisor can tell from the program's own. A `u8`,
    /// because that is what survives waitpid(2).
    pub fn exit_status(mut self, status: u8) -> Self {
        self.exit_status = status;
        self
    }

    /// Whether `install` fails without the kernel timer that stands behind the
    /// watchdog thread; [`Need::BestEffort`] unless set.
    ///
    /// The kernel gives no timer to a user whose limit on pending signals
    /// (`RLIMIT_SIGPENDING`) is reached.
    pub fn kernel_timer(mut self, need: Need) -> Self {
        self.kernel_timer = need;
        self
    }

    /// Whether a core dump that is under way at the deadline may be finished;
    /// false unless set.
    ///
    /// While a process that has crashed writes its core, no thread of it runs, the
    /// watchdog's included. So it is the kernel timer that cuts a core of gigabytes
    /// off, 25 ms after the deadline. Where the core is worth more than the
    /// deadline, the timer sends a real-time signal in place of `SIGKILL`, whose
    /// handler ends the process with the status 137. A process that dumps core does
    /// not hear it: it dies of what it crashed by, with all of its core, whenever
    /// that is written.
    ///
    /// The timer is then the weaker line that it is for pid 1
    /// ([`KernelTimer::Handler`]). A handler needs a thread that may run: a process
    /// that is stopped, or in a frozen cgroup, is not ended on time. The
    /// watchdog alone has a second thread for it, `deadstop-signal`. Where the
    /// program handles every real-time signal itself, there is no timer.
    pub fn finish_core_dumps(mut self, finish: bool) -> Self {
        self.finish_core_dumps = finish;
        self
    }

    /// Whether the process is to be *gone* by its deadline, and not only to
    /// begin to go; false unless set.
    ///
    /// A process with much memory takes a while to go: some 20 to 90 ms for each
    /// GiB, by the machine. If that matters, one more thread, `deadstop-gauge`,
    /// estimates it when the watchdog is armed and again as the deadline nears,
    /// and the end begins earlier by that much, a tenth of it, and 2 ms.
    /// [`deadline`](Watchdog::deadline) stays what it is.
    ///
    /// It is an estimate: of memory, threads and descriptors, by the constants of
    /// [`teardown`](Self::teardown). The tenth is there because the same process
    /// takes now less and now more, and the 2 ms for the turns on a processor of
    /// the watchdog and of whoever waits for the end. On a busy machine it can all
    /// take twice as long, and is then late by what is missing. Which of the
    /// memory is in huge pages, which are given back sooner, is looked at as long
    /// as such a look (some 15 ms for a GiB in small ones) is over before the end
    /// begins. Where `/proc` cannot be read it is that of a process that has
    /// nothing.
    pub fn gone_by(mut self, gone_by: bool) -> Self {
        self.teardown = gone_by.then(|| self.teardown.unwrap_or_default());
        self
    }

    /// Like [`gone_by`](Self::gone_by)`(true)`, with the constants of this machine
    /// in place of ours.
    pub fn teardown(mut self, teardown: Teardown) -> Self {
        self.teardown = Some(teardown);
        self
    }

    /// Starts the watchdog thread and waits until it watches.
    ///
    /// Call it early: before there is load, and before privileges or limits
    /// are dropped. When it returns `Ok`, nothing that the rest of the process
    /// does can keep it alive past an armed deadline; what the watchdog cannot
    /// beat is listed in the [crate's documentation](crate#what-it-cannot-do).
    ///
    /// # Errors
    ///
    /// Fails if this process has a watchdog already, if the exit status is 0,
    /// if the operating system has no thread to give, and, if it is
    /// [required](Self::kernel_timer), if there is no kernel timer. In each
    /// case the process goes on unprotected, unless there was a watchdog
    /// before; see [`InstallError`]. It can be tried again.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it allocates and starts a thread.
    pub fn install(self) -> Result<Watchdog, InstallError> {
        let mut installation = Installation::begin()?;
        let (watchdog, without) = self.start(&mut installation, SignalSet::EMPTY)?;
        installation.open();
        watchdog.defences.log(without);
        Ok(watchdog)
    }

    /// All of `install` but the opening, which makes it final. The error that
    /// comes with an `Ok` is why there is no kernel timer.
    pub(crate) fn start(
        self,
        installation: &mut Installation,
        signals: SignalSet,
    ) -> Result<(Watchdog, Option<std::io::Error>), InstallError> {
        if self.exit_status == 0 {
            return Err(InstallError::ExitStatus);
        }
        let without = installation.start(
            self.exit_status,
            self.kernel_timer,
            self.finish_core_dumps,
            signals,
        )?;
        installation.start_gauge(self.teardown)?;
        let watchdog = Watchdog {
            grace: self.grace,
            defences: Defences {
                watchdog: true,
                kernel_timer: match installation.line3() {
                    Some(Line3::Kill) => KernelTimer::Kill,
                    Some(Line3::Handler { .. }) => KernelTimer::Handler,
                    None => KernelTimer::Absent,
                },
            },
            anchor: Anchor::cast(),
        };
        Ok((watchdog, without))
    }
}

/// Whether something may be done without.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Need {
    /// It is used if it can be had; its absence is a warning in the log.
    BestEffort,
    /// Its absence is an error.
    Required,
}

/// The lines of defence that are in place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Defences {
    watchdog: bool,
    kernel_timer: KernelTimer,
}

impl Defences {
    const NONE: Self = Self {
        watchdog: false,
        kernel_timer: KernelTimer::Absent,
    };

    /// Whether a watchdog thread ends this process at its deadline. False only
    /// in a child of `fork`.
    pub fn watchdog(self) -> bool {
        self.watchdog
    }

    /// What stands behind the watchdog thread.
    pub fn kernel_timer(self) -> KernelTimer {
        self.kernel_timer
    }

    /// Says in the log what a user may want to know at start.
    pub(crate) fn log(self, without: Option<std::io::Error>) {
        if let Some(error) = without {
            log::warn!(target: "deadstop", "no kernel timer stands behind the watchdog: {error}");
        }
        if self.kernel_timer == KernelTimer::Handler && kill_path::pid() == 1 {
            log::info!(target: "deadstop",
                "running as pid 1, which the kernel shields from its own SIGKILL: \
                 behind the watchdog stands a real-time signal; \
                 an init (`docker run --init`) would make that SIGKILL"
            );
        }
    }
}

impl fmt::Display for Defences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.watchdog, self.kernel_timer) {
            (false, _) => f.write_str("none"),
            (true, KernelTimer::Absent) => f.write_str("watchdog thread"),
            (true, KernelTimer::Handler) => f.write_str("watchdog thread, signal by kernel timer"),
            (true, KernelTimer::Kill) => f.write_str("watchdog thread, SIGKILL by kernel timer"),
        }
    }
}

/// What the kernel timer does, 25 ms after the deadline.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KernelTimer {
    /// There is none.
    Absent,
    /// It sends a real-time signal, whose handler ends the process with the
    /// status 137. This is so for pid 1 of a PID namespace, which the kernel
    /// shields from its own `SIGKILL`, and where a core dump
    /// [may be finished](WatchdogBuilder::finish_core_dumps).
    Handler,
    /// It ends the process by `SIGKILL`.
    Kill,
}

/// One moment on two clocks that are the same clock, of which `std` shows only
/// differences.
#[derive(Clone, Copy)]
pub(crate) struct Anchor {
    instant: Instant,
    nanos: Nanos,
}

impl Anchor {
    pub(crate) fn cast() -> Self {
        // In this order, so that an `Instant` made from it is never later than
        // the point it stands for.
        let instant = Instant::now();
        let nanos = kill_path::now();
        Self { instant, nanos }
    }

    pub(crate) fn instant(&self, at: Nanos) -> Instant {
        match at >= self.nanos {
            true => self.instant + at.since(self.nanos),
            false => self.instant - self.nanos.since(at),
        }
    }
}

impl fmt::Debug for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.instant.fmt(f)
    }
}
