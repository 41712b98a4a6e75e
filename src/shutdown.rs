//! Level 2: a coordinated shutdown on top of the watchdog.

use std::fmt;
use std::panic::Location;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;

use crate::cause::Cause;
use crate::coordinator::{
    self, CleanExit, Core, Final, Phase, PhaseName, Plan, Requested, Scope, Settings,
    ShutdownReport, TaskBuilder, current,
};
use crate::error::{InstallError, WaitError};
use crate::gauge::Teardown;
use crate::installation::{Installation, WATCH};
use crate::kill_path::Mask;
use crate::report::{self, Log, Outlet, Progress, Reporter, Sinks};
use crate::signal::Signal;
use crate::trigger::{self, FIRST, Panics};
use crate::watchdog::{Need, Watchdog, WatchdogBuilder};

/// The process's shutdown, for those who have no handle.
static INSTALLED: Mutex<Option<Shutdown>> = Mutex::new(None);

/// A coordinated shutdown: cleanup in phases, on threads that can be abandoned,
/// with a watchdog behind it.
///
/// A `Shutdown` is a handle: cloning it is cheap, it can be sent and shared,
/// and dropping every clone changes nothing. There is one per process, and
/// [`installed`](Self::installed) finds it.
///
/// The shutdown begins with the first trigger: a signal, a panic, or a
/// [request](Self::request). At that instant the watchdog is armed, and from
/// then on the process ends at its deadline at the latest. Until it is gone:
/// `atexit` handlers, destructors and whatever `main` still does are covered.
///
/// If `main` never waits, the process ends by itself once every task has ended,
/// and nobody has come to wait for 50 ms.
/// If `main` returns or calls `exit` while tasks are still running, the exit
/// waits for them, until the deadline.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::{Phase, Shutdown};
///
/// let shutdown = Shutdown::builder()
///     .grace(Duration::from_secs(25))
///     .install()?;
///
/// shutdown
///     .task("flush the log")
///     .phase(Phase::FLUSH)
///     .on_shutdown(|cx| {
///         cx.progress("writing");
///     })?;
///
/// // ... the program runs, until SIGTERM, Ctrl-C, or it is done:
/// let exit_code = shutdown.finish();
/// # let _ = exit_code;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Shutdown {
    core: Arc<Core>,
    watchdog: Watchdog,
}

impl Shutdown {
    /// Starts describing a shutdown, with a grace of ten seconds, begun by
    /// `SIGTERM` and `SIGINT`.
    pub fn builder() -> ShutdownBuilder {
        ShutdownBuilder {
            watchdog: Watchdog::builder(),
            signals: vec![Signal::Terminate, Signal::Interrupt],
            mask_signals: false,
            panics: Panics::Ignore,
            clean_exit: CleanExit::Success,
            failure_status: 1,
            at_once: usize::MAX,
            phases: Vec::new(),
            progress: Progress::default(),
            dump_signals: Vec::new(),
            sinks: Sinks::new(),
        }
    }

    /// The process's shutdown, if one is installed: for a library, or a module
    /// far from `main`, that has a task to register.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn installed() -> Option<Self> {
        // A child of fork must not wait for a lock of its parent's.
        match WATCH.is_home() {
            true => INSTALLED.lock().clone(),
            false => None,
        }
    }

    /// Starts describing a task. Every task has a name: it is what an operator
    /// reads when the task hangs.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it allocates.
    #[track_caller]
    pub fn task(&self, name: impl Into<String>) -> TaskBuilder {
        TaskBuilder::new(
            Arc::clone(&self.core),
            Arc::clone(&self.core.root),
            name.into(),
            Location::caller(),
        )
    }

    /// The scope of that name: a part that can also be stopped alone. An empty
    /// name is the whole, which only a [request](Self::request) stops.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn scope(&self, name: &str) -> Scope {
        Scope::below(&self.core, &self.core.root, name, false)
    }

    /// Like [`scope`](Self::scope), but detached: it stops only if it is asked
    /// itself, by one of the shutdown's tasks.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn detached_scope(&self, name: &str) -> Scope {
        Scope::below(&self.core, &self.core.root, name, true)
    }

    /// Begins the shutdown and returns at once. Whether this was the first
    /// trigger; if not, nothing changes.
    ///
    /// In a child of `fork` it does nothing and returns false.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock, once the watchdog is armed. Let
    /// [`signals`](ShutdownBuilder::signals) do it.
    pub fn request(&self, cause: Cause) -> bool {
        trigger::request(|| cause).unwrap_or(false)
    }

    /// Like [`request`](Self::request), but the shutdown starts from `phase`:
    /// the tasks of earlier phases are not run. If the shutdown has begun, it
    /// goes on as it was.
    ///
    /// # Errors
    ///
    /// Fails if there is no such phase, and begins nothing.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn request_from(
        &self,
        phase: impl Into<PhaseName>,
        cause: Cause,
    ) -> Result<bool, UnknownPhase> {
        let phase = phase.into();
        let Some(place) = self.core.plan.place(&phase) else {
            return Err(UnknownPhase { phase });
        };
        Ok(trigger::request_from(place, || cause).unwrap_or(false))
    }

    /// Whether the shutdown has begun.
    ///
    /// # Async-signal-safety
    ///
    /// Async-signal-safe: an atomic reading and `getpid`.
    pub fn is_requested(&self) -> bool {
        self.core.root.is_requested()
    }

    /// The moment at which the shutdown begins: a future on any runtime, and
    /// something for threads to wait for.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: what it returns takes a lock as it is polled
    /// and dropped.
    pub fn requested(&self) -> Requested {
        Requested::new(Arc::clone(&self.core), Arc::clone(&self.core.root))
    }

    /// Why the shutdown began, if it has.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn cause(&self) -> Option<Cause> {
        self.is_requested().then(|| FIRST.cause()).flatten()
    }

    /// Waits until the shutdown has begun and every task has ended, and returns
    /// the status for `main` to return.
    ///
    /// All callers share one run and are told the same, also those who come
    /// after it. The watchdog stays armed.
    ///
    /// A run that has been over for 50 ms with nobody waiting ends the process by
    /// itself. What must not be missed then is a task, and not what follows this
    /// call. [`finish`](Self::finish) is counted as waiting before it asks.
    ///
    /// From a task of the shutdown, which would wait for itself, it returns
    /// [`ExitCode::FAILURE`] at once and says so in the log; in a child of
    /// `fork` it does so without a word, since a logger may hang there.
    /// [`try_wait`](Self::try_wait) gives both as an error.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn wait(&self) -> ExitCode {
        self.try_wait().unwrap_or_else(|error| {
            if error == WaitError::FromTask {
                log::error!(target: "deadstop", "{error}");
            }
            ExitCode::FAILURE
        })
    }

    /// Like [`wait`](Self::wait), with an error where there is nothing to wait
    /// for.
    ///
    /// # Errors
    ///
    /// Fails at once in a task of the shutdown, and in a child of `fork`.
    /// Nothing changes.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn try_wait(&self) -> Result<ExitCode, WaitError> {
        self.end().map(|end| ExitCode::from(end.status))
    }

    /// The work is done: begins the shutdown, if nothing has, and waits for it.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn finish(&self) -> ExitCode {
        // Before the request: a run that nobody waits for ends the process, and
        // it may be over before this thread has got any further.
        if Self::may_wait().is_ok() {
            self.core.end.announce();
        }
        self.request(Cause::Finished);
        self.wait()
    }

    /// Waits, like [`wait`](Self::wait), and then ends the process as
    /// [`clean_exit`](ShutdownBuilder::clean_exit) says, by the signal
    /// included.
    ///
    /// `atexit` handlers run; destructors of the caller do not.
    ///
    /// From a task of the shutdown this is a failure of the task: it cannot be
    /// waited for and cannot return, so its thread is left parked. In a child
    /// of `fork` the child exits with 1.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn exit(&self) -> ! {
        match self.end() {
            Ok(end) => {
                let clean = end.report.is_clean();
                let signal = end.report.cause().signal().filter(|_| clean);
                coordinator::exit_with(self.core.settings.clean_exit, signal, end.status)
            }
            Err(error @ WaitError::FromTask) => {
                current::gave_up(&error.to_string());
                loop {
                    thread::park();
                }
            }
            Err(_) => coordinator::exit_with(CleanExit::Success, None, 1),
        }
    }

    /// What ran, how it ended, and how long it took; `None` until it is over.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn report(&self) -> Option<ShutdownReport> {
        self.core.end.get().map(|end| (*end.report).clone())
    }

    /// Asks for a report of how it stands, in the form of the hang report: which
    /// tasks run, and what each thread is doing. Nothing ends by it, whether the
    /// shutdown has begun or not. Returns at once; false in a child of `fork`,
    /// where there is nobody to write it.
    ///
    /// Where stacks are had, the threads of running tasks and the main thread
    /// are interrupted for a moment, and a call of theirs that sleeps or polls
    /// may return `EINTR`.
    ///
    /// It goes to the [sinks](ShutdownBuilder::sinks), but for the message,
    /// which is kept for the end. If it is asked for again before it is written,
    /// it is written once.
    ///
    /// # Async-signal-safety
    ///
    /// Async-signal-safe: atomic operations and a wake-up. `errno` is left as it
    /// was.
    pub fn dump(&self) -> bool {
        let is_home = WATCH.is_home();
        if is_home {
            report::ask();
        }
        is_home
    }

    /// The watchdog behind this shutdown. Arming it sets a deadline, and begins
    /// nothing.
    pub fn watchdog(&self) -> &Watchdog {
        &self.watchdog
    }

    fn end(&self) -> Result<Final, WaitError> {
        Self::may_wait()?;
        Ok(self.core.end.wait())
    }

    fn may_wait() -> Result<(), WaitError> {
        if !WATCH.is_home() {
            return Err(WaitError::Forked);
        }
        if current::is_task() {
            return Err(WaitError::FromTask);
        }
        Ok(())
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("cause", &self.cause())
            .field("watchdog", &self.watchdog)
            .finish_non_exhaustive()
    }
}

/// There is no phase of this name.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnknownPhase {
    /// The name.
    pub phase: PhaseName,
}

impl fmt::Display for UnknownPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no phase \"{}\"", self.phase)
    }
}

impl std::error::Error for UnknownPhase {}

/// Describes a shutdown. Made by [`Shutdown::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder protects nothing until `install` is called"]
pub struct ShutdownBuilder {
    watchdog: WatchdogBuilder,
    signals: Vec<Signal>,
    mask_signals: bool,
    panics: Panics,
    clean_exit: CleanExit,
    failure_status: u8,
    at_once: usize,
    phases: Vec<Phase>,
    progress: Progress,
    dump_signals: Vec<Signal>,
    sinks: Sinks,
}

impl ShutdownBuilder {
    /// How long the process may live once the shutdown has begun; ten seconds
    /// unless set.
    ///
    /// Make it shorter than what your supervisor waits before `SIGKILL`:
    /// Kubernetes waits 30 s, systemd 90, Docker 10.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.watchdog = self.watchdog.grace(grace);
        self
    }

    /// The status the process ends with if the watchdog has to end it: 1 to
    /// 255, and 124 unless set.
    pub fn exit_status(mut self, status: u8) -> Self {
        self.watchdog = self.watchdog.exit_status(status);
        self
    }

    /// The status the process ends with if the shutdown ended in time but left
    /// something undone: 1 to 255, and 1 unless set.
    pub fn failure_status(mut self, status: u8) -> Self {
        self.failure_status = status;
        self
    }

    /// How a shutdown that left nothing undone ends the process;
    /// [`CleanExit::Success`] unless set.
    pub fn clean_exit(mut self, clean_exit: CleanExit) -> Self {
        self.clean_exit = clean_exit;
        self
    }

    /// Whether `install` fails without the kernel timer; see
    /// [`WatchdogBuilder::kernel_timer`].
    pub fn kernel_timer(mut self, need: Need) -> Self {
        self.watchdog = self.watchdog.kernel_timer(need);
        self
    }

    /// Whether a core dump that is under way at the deadline may be finished; see
    /// [`WatchdogBuilder::finish_core_dumps`].
    pub fn finish_core_dumps(mut self, finish: bool) -> Self {
        self.watchdog = self.watchdog.finish_core_dumps(finish);
        self
    }

    /// Whether the process is to be gone by its deadline, and not only to begin
    /// to go; see [`WatchdogBuilder::gone_by`]. Budgets are then counted to where
    /// the end begins.
    pub fn gone_by(mut self, gone_by: bool) -> Self {
        self.watchdog = self.watchdog.gone_by(gone_by);
        self
    }

    /// Like [`gone_by`](Self::gone_by)`(true)`, with the constants of this machine
    /// in place of ours.
    pub fn teardown(mut self, teardown: Teardown) -> Self {
        self.watchdog = self.watchdog.teardown(teardown);
        self
    }

    /// The signals that begin the shutdown: `SIGTERM` and `SIGINT` unless set.
    /// An empty list is for none.
    ///
    /// The handlers are chained with those of others, who go on hearing the
    /// signal; one that was set before and never returns keeps ours from
    /// running. `SIGINT`, `SIGQUIT` and `SIGHUP` stay ignored if they are, as
    /// shells and `nohup` have it for jobs in the background.
    ///
    /// `SIGINT` is handled through the `ctrlc` crate, unless somebody handles it
    /// already; a program that uses `ctrlc` itself sets its handler before
    /// `install`.
    ///
    /// A second signal that comes more than 200 ms after the first ends the
    /// process at once, by that signal; one that comes sooner is taken for the
    /// same request, since process managers send pairs.
    pub fn signals(mut self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.signals = signals.into_iter().collect();
        self
    }

    /// Whether to block the signals in the thread that calls `install`, and so
    /// in all that it starts later; false unless set.
    ///
    /// Signals then go to a thread that does nothing else, which under load
    /// hears them much sooner (with 64 spinning threads, after 65 µs instead of
    /// 95 ms).
    ///
    /// # Danger
    ///
    /// A program that is started by [`std::process::Command`] inherits the
    /// mask, and then never hears `SIGTERM`. Start programs with
    /// [`unmask_signals`](crate::unmask_signals).
    pub fn mask_signals(mut self, mask: bool) -> Self {
        self.mask_signals = mask;
        self
    }

    /// What a panic means; [`Panics::Ignore`] unless set.
    pub fn panics(mut self, panics: Panics) -> Self {
        self.panics = panics;
        self
    }

    /// The signals that ask for a [dump](Shutdown::dump), and begin nothing;
    /// none unless set. `SIGQUIT` is what a JVM or a Go program takes for it.
    ///
    /// The handlers are chained with those of others, as those of
    /// [`signals`](Self::signals) are, which must be others: `install` refuses
    /// a signal that is in both lists.
    pub fn dump_signals(mut self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.dump_signals = signals.into_iter().collect();
        self
    }

    /// Where hang reports go; [`Sinks::new`] unless set.
    pub fn sinks(mut self, sinks: Sinks) -> Self {
        self.sinks = sinks;
        self
    }

    /// How many tasks of a phase may run at once: 1 or more, and all of them
    /// unless set.
    pub fn tasks_at_once(mut self, tasks: usize) -> Self {
        self.at_once = tasks;
        self
    }

    /// Where the operator is told how far the shutdown is; [`Progress::Auto`]
    /// unless set.
    pub fn progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Adds a phase, or changes one of the four that are there.
    pub fn phase(mut self, phase: Phase) -> Self {
        self.phases.push(phase);
        self
    }

    /// Starts the threads, handles the signals, and returns when the watchdog
    /// watches.
    ///
    /// Call it early in `main`, from the main thread: before there is load,
    /// before other threads start, and before privileges or limits are dropped.
    ///
    /// # Errors
    ///
    /// Fails if anything that was asked for cannot be: a bad phase, a signal
    /// that cannot be handled, a thread that the system does not give; see
    /// [`InstallError`]. The process then goes on unprotected, with its signals
    /// as they were, and `install` can be tried again.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it allocates and starts threads.
    pub fn install(self) -> Result<Shutdown, InstallError> {
        let plan = Plan::new(self.phases, self.watchdog.grace).map_err(InstallError::Phases)?;
        let signals = trigger::signal::check(&self.signals)?;
        let dumps = trigger::signal::check(&self.dump_signals)?;
        if let Some(number) = signals.numbers().find(|number| dumps.has(*number)) {
            let signal = Signal::from_number(number);
            return Err(InstallError::SignalTwice { signal });
        }
        let heard = signals.and(dumps);
        if self.failure_status == 0 {
            return Err(InstallError::FailureStatus);
        }
        if self.at_once == 0 {
            return Err(InstallError::TasksAtOnce);
        }
        #[cfg(feature = "fault")]
        let faults = crate::fault::FromEnvironment::read().map_err(InstallError::Fault)?;
        let mut installation = Installation::begin()?;
        trigger::forget();
        let grace = self.watchdog.grace;
        let (watchdog, without) = self.watchdog.start(&mut installation, heard)?;

        let before = match self.mask_signals {
            true => Mask::block(heard),
            false => Mask::current(),
        };
        let settings = Settings {
            grace,
            clean_exit: self.clean_exit,
            failure_status: self.failure_status,
            at_once: self.at_once,
        };
        let interrupts = self.signals.contains(&Signal::Interrupt);
        let outlet = Outlet::new(self.progress, interrupts);
        // The coordinator comes last: once its thread has started, nothing can
        // fail. What a failure before it leaves behind waits for the next try:
        // threads that are parked, and handlers that do as if they were not
        // there.
        let started = (|| {
            let log = Log::start()?;
            let reporter = Reporter::start(self.sinks.open(&log)?)?;
            let core = Core::new(settings, plan, (log, reporter), outlet, Mask::current())?;
            installation.hold_exit()?;
            trigger::panic::hook(self.panics)?;
            let ignored = trigger::signal::handle(signals, dumps)?;
            core.start()?;
            Ok((core, ignored))
        })();
        let (core, ignored) = started.inspect_err(|_| before.restore())?;
        let shutdown = Shutdown { core, watchdog };
        *INSTALLED.lock() = Some(shutdown.clone());
        trigger::set_grace(grace);
        #[cfg(feature = "fault")]
        faults.plant();
        installation.open();

        shutdown.watchdog.defences().log(without);
        if let Some(why) = shutdown.core.reporter.why_no_stacks() {
            log::info!(target: "deadstop", "hang reports have no stacks: {why}");
        }
        #[cfg(feature = "fault")]
        crate::fault::log_planted();
        for signal in ignored {
            log::info!(target: "deadstop", "{signal} was ignored when the process started, and stays so");
        }
        Ok(shutdown)
    }
}

/// Holds a thread that is leaving the process until the shutdown is over, if
/// one is under way: `main` has returned, or somebody has called `exit`.
///
/// The tasks would be cut off in the middle otherwise. The deadline still
/// stands.
pub(crate) extern "C" fn hold_exit() {
    // No lock is taken unless a shutdown is under way: somebody may be calling
    // `exit` in a handler. A task that calls it would wait for itself.
    if WATCH.is_home() && FIRST.is_some() && !current::is_task() {
        if let Some(shutdown) = Shutdown::installed() {
            shutdown.core.end.wait();
        }
    }
}
