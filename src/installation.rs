//! What `install` has started so far.
//!
//! A thread cannot be taken back, so one that was started by an `install` that
//! failed later is kept, parked, for the next try. The first that succeeds
//! opens the watchdog; until then nobody can arm it.
//!
//! # Orderings
//!
//! What `deadstop-signal` is told is written before `told` advances, and what it says
//! before `ready` does: the event counts order it, as `tests/loom` tries for the
//! deadline's. `FORKS` is changed by a child's only thread.

use std::io;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::thread;

use parking_lot::{Mutex, MutexGuard};

use crate::error::InstallError;
use crate::gauge::{self, Teardown};
use crate::kill_path::{self, EventCount, Line3, Mask, SignalSet, Watch};
use crate::shutdown;
use crate::sys;
use crate::watchdog::Need;

/// The process's watchdog.
pub(crate) static WATCH: Watch = Watch::new();

/// The stack of a thread that runs our code only: std gives no less than
/// 24 KiB, and less than half of this is used.
const STACK: usize = 64 * 1024;

const WATCHDOG: &str = "deadstop-watch";
const SIGNAL: &str = "deadstop-signal";

static STARTED: Mutex<Started> = Mutex::new(Started::nothing());

/// How many forks lie between the first `install` and this process.
static FORKS: AtomicU32 = AtomicU32::new(0);

struct Started {
    /// The process it was started in; a child of `fork` has none of it. An id
    /// and the forks before it: in a PID namespace of its own, a child can have
    /// its parent's id.
    home: (i32, u32),
    watchdog: bool,
    line3: Option<Line3>,
    /// Whether line 3 was chosen to spare core dumps.
    spares_core_dumps: bool,
    gauge: bool,
    /// A child of `fork` inherits these two.
    fork_notice: bool,
    exit_notice: bool,
}

impl Started {
    const fn nothing() -> Self {
        Self {
            home: (0, 0),
            watchdog: false,
            line3: None,
            spares_core_dumps: false,
            gauge: false,
            fork_notice: false,
            exit_notice: false,
        }
    }
}

/// An `install` under way. There is one at a time.
pub(crate) struct Installation(MutexGuard<'static, Started>);

impl Installation {
    /// Fails if there is a watchdog, or another `install` under way: it does
    /// not wait for that one, whose lock a child of `fork` would inherit held.
    pub(crate) fn begin() -> Result<Self, InstallError> {
        let mut started = STARTED.try_lock().ok_or(InstallError::AlreadyInstalled)?;
        if WATCH.is_home() {
            return Err(InstallError::AlreadyInstalled);
        }
        let here = (kill_path::pid(), FORKS.load(Ordering::Acquire));
        if started.home != here {
            *started = Started {
                home: here,
                fork_notice: started.fork_notice,
                exit_notice: started.exit_notice,
                ..Started::nothing()
            };
            WATCH.forget();
            SIGNAL_THREAD.forget();
        }
        Ok(Self(started))
    }

    /// Starts lines 2 and 3, with `deadstop-signal` hearing `signals`. Returns
    /// why there is no line 3, if it could be done without.
    pub(crate) fn start(
        &mut self,
        status: u8,
        timer: Need,
        spares_core_dumps: bool,
        signals: SignalSet,
    ) -> Result<Option<io::Error>, InstallError> {
        let started = &mut *self.0;
        if started.spares_core_dumps != spares_core_dumps {
            // An `install` that failed wanted it otherwise.
            started.spares_core_dumps = spares_core_dumps;
            started.line3 = None;
            WATCH.backstop().forget();
        }
        if !started.fork_notice {
            sys::fork::notify_child(in_child).map_err(InstallError::Fork)?;
            started.fork_notice = true;
        }
        let without = match Self::start_line3(started, signals)? {
            Err(error) if timer == Need::Required => return Err(InstallError::KernelTimer(error)),
            Err(error) => Some(error),
            Ok(()) => None,
        };
        WATCH.set_status(status.into());
        if !started.watchdog {
            let before = WATCH.watchers();
            spawn(WATCHDOG, || kill_path::watch(&WATCH))?;
            started.watchdog = true;
            WATCH.wait_watched(before);
        }
        Ok(without)
    }

    /// Starts `deadstop-gauge`, if the process is to be gone by its deadline. One
    /// that an `install` which failed later has started is kept, and what it
    /// goes by with it.
    pub(crate) fn start_gauge(&mut self, teardown: Option<Teardown>) -> Result<(), InstallError> {
        gauge::want(teardown.is_some());
        if let Some(teardown) = teardown.filter(|_| !self.0.gauge) {
            gauge::start(teardown)?;
            self.0.gauge = true;
        }
        Ok(())
    }

    /// Has `exit` wait for a shutdown that is under way.
    pub(crate) fn hold_exit(&mut self) -> Result<(), InstallError> {
        if !self.0.exit_notice {
            sys::atexit::register(shutdown::hold_exit).map_err(InstallError::Exit)?;
            self.0.exit_notice = true;
        }
        Ok(())
    }

    /// From here on the watchdog may be armed.
    pub(crate) fn open(self) {
        WATCH.open();
    }

    /// The outer error is of a thread, the inner one of the timer.
    fn start_line3(
        started: &mut Started,
        signals: SignalSet,
    ) -> Result<io::Result<()>, InstallError> {
        let line3 = match started.line3 {
            Some(line3) => Ok(line3),
            None => Line3::of_process(kill_path::pid(), started.spares_core_dumps),
        };
        started.line3 = line3.ok();
        let heard = signals.and(line3.map_or(SignalSet::EMPTY, Line3::signals));
        let tid = match heard.is_empty() {
            true => 0,
            false => SIGNAL_THREAD.hear(heard)?,
        };
        let made = line3.and_then(|line3| WATCH.backstop().create(line3, tid));
        Ok(made.map_err(io::Error::from_raw_os_error))
    }

    /// How the third line ends the process, if it is in place.
    pub(crate) fn line3(&self) -> Option<Line3> {
        self.0.line3.filter(|_| WATCH.backstop().is_present())
    }
}

/// Starts a thread that hears no signal, for code of ours.
pub(crate) fn spawn(
    name: &'static str,
    life: impl FnOnce() + Send + 'static,
) -> Result<(), InstallError> {
    start_thread(name, thread::Builder::new().stack_size(STACK), life)
}

/// Starts a thread that hears no signal and is as prompt as the watchdog, for
/// code of ours that needs `stack` bytes, whatever `RUST_MIN_STACK` says.
///
/// Returns when `life` begins: a thread allocates as it starts, and the
/// allocator may die next.
pub(crate) fn spawn_of(
    name: &'static str,
    stack: usize,
    life: impl FnOnce() + Send + 'static,
) -> Result<(), InstallError> {
    static BEGUN: EventCount = EventCount::new();
    let before = BEGUN.read();
    start_thread(name, thread::Builder::new().stack_size(stack), || {
        kill_path::settle();
        BEGUN.advance();
        life();
    })?;
    while BEGUN.read() == before {
        BEGUN.wait_past(before, None);
    }
    Ok(())
}

/// Starts a thread that hears no signal and calls what the program has lent
/// us, a logger or an exit handler: its stack is as deep as any thread's.
pub(crate) fn spawn_deep(
    name: &'static str,
    life: impl FnOnce() + Send + 'static,
) -> Result<(), InstallError> {
    start_thread(name, thread::Builder::new(), life)
}

fn start_thread(
    name: &'static str,
    builder: thread::Builder,
    life: impl FnOnce() + Send + 'static,
) -> Result<(), InstallError> {
    // A thread begins with the mask of the one that starts it. Blocking them
    // in the thread itself would leave a gap for somebody's handler.
    let mask = Mask::block_all();
    let thread = builder.name(name.into()).spawn(life);
    mask.restore();
    thread
        .map(drop)
        .map_err(|source| InstallError::Thread { name, source })
}

static SIGNAL_THREAD: SignalThread = SignalThread {
    tid: AtomicI32::new(0),
    set: AtomicU64::new(0),
    told: EventCount::new(),
    ready: EventCount::new(),
};

/// `deadstop-signal`, where signals land that all other threads mask.
struct SignalThread {
    tid: AtomicI32,
    set: AtomicU64,
    told: EventCount,
    ready: EventCount,
}

impl SignalThread {
    /// Has the thread hear `signals` and no others, and returns its id. When
    /// this returns, it hears them.
    fn hear(&'static self, signals: SignalSet) -> Result<i32, InstallError> {
        self.set.store(signals.bits(), Ordering::Release);
        let before = self.ready.read();
        match self.tid.load(Ordering::Acquire) {
            0 => spawn(SIGNAL, || self.live())?,
            _ => self.told.advance(),
        }
        while self.ready.read() == before {
            self.ready.wait_past(before, None);
        }
        Ok(self.tid.load(Ordering::Acquire))
    }

    /// The thread's life. Handlers run on it; it does nothing itself.
    fn live(&self) {
        kill_path::settle();
        self.tid.store(kill_path::tid(), Ordering::Release);
        loop {
            let seen = self.told.read();
            let set = SignalSet::from_bits(self.set.load(Ordering::Acquire));
            Mask::hear_only(set);
            self.ready.advance();
            while self.told.read() == seen {
                self.told.wait_past(seen, None);
            }
        }
    }

    fn forget(&self) {
        self.tid.store(0, Ordering::Release);
    }
}

/// Async-signal-safe.
extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::Release);
    WATCH.forget();
    sys::signals::in_child();
}
