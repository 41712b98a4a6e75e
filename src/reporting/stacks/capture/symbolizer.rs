//! `deadstop-symbols`, the thread that finds the names of functions and the files
//! that code is mapped from.
//!
//! It allocates, locks and reads files, so it may hang for good: the allocator is
//! dead, or a library's file is on a disk that is. The reporter waits for it no
//! longer than there is time. While it hangs, stacks have addresses and no names,
//! and nothing else is lost.
//!
//! A large program's debug information takes seconds to read in a debug build. So
//! the thread reads it when a shutdown begins to take long, before the report. The
//! thread is started then, or for the first report that is requested: nothing needs it
//! before. `deadstop-run` starts it, since that allocates.
//!
//! # Orderings
//!
//! `job` says which thread owns the contents of `slot`: the symbolizer while there is
//! a job, the reporter while it is `IDLE`. The owner releases the mutex before it
//! changes `job` (Release/Acquire), so the mutex is free when the other thread takes
//! over. `is_running` is written once, by the thread, before it takes its first job.
//! While the symbolizer works, it holds the mutex only to write one name, and
//! the reporter takes what is there when its time is over.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use log::Level;

use super::lock_soon::lock_soon;
use super::memory_limit;
use super::modules::{Module, Modules};
use super::shared::SharedUnwinder;
use super::shorten::{without_head, without_middle};
use super::symbols::Symbols;
use super::unwinder::Unwinder;
use crate::contain::contain;
use crate::lock::{Mutex, MutexGuard};
use crate::process::{RUN_WAKEUPS, WATCH};
use crate::reporting::event::Event;
use crate::reporting::log::Log;
use crate::reporting::schedule::due;
use crate::reporting::stacks::LookUp;
use crate::threads;
use deadstop_core::Nanos;
use deadstop_core::render::frames::{Owner, owner};
use deadstop_core::stack::{Frame, MAX_FRAMES, Stack};

/// Names are found by code that is not ours, which takes much in a debug build.
const STACK: usize = 2 * 1024 * 1024;

/// A shutdown that takes longer than this, or a quarter of the time up to the
/// report, may need names.
const PRELOAD_AFTER: Duration = Duration::from_secs(1);
const PRELOAD_PART: u32 = 4;

/// Reading debug information takes so much longer than reading the names before it.
/// Measured: 4.2 times in an unoptimized build with 119 MB of it.
const LINES_COST: u32 = 5;

const IDLE: u32 = 0;
const REFRESH: u32 = 1;
const NAMES: u32 = 2;
const OWN_LINES: u32 = 3;
const LINES: u32 = 4;

/// The thread, for the reporter. Dropped only by an `install` that failed later,
/// and by tests.
pub(super) struct Symbolizer(Arc<Shared>);

/// Starts the thread when names may be needed.
pub(crate) struct SymbolizerStart(Arc<Shared>);

/// The state that the two threads share.
struct Shared {
    /// The state that the thread begins with.
    unstarted: Mutex<Option<Unstarted>>,
    is_wanted: AtomicBool,
    is_running: AtomicBool,
    /// The stack whose names are looked up. The thread makes it before it runs.
    slot: OnceLock<Box<Mutex<Stack>>>,
    job: AtomicU32,
    is_retired: AtomicBool,
}

struct Unstarted {
    modules: Modules,
    unwinder: Arc<SharedUnwinder>,
}

impl Symbolizer {
    pub(super) fn prepare(modules: Modules, unwinder: Arc<SharedUnwinder>) -> Self {
        Self(Arc::new(Shared {
            unstarted: Mutex::new(Some(Unstarted { modules, unwinder })),
            is_wanted: AtomicBool::new(false),
            is_running: AtomicBool::new(false),
            slot: OnceLock::new(),
            job: AtomicU32::new(IDLE),
            is_retired: AtomicBool::new(false),
        }))
    }

    pub(super) fn starting(&self) -> SymbolizerStart {
        SymbolizerStart(Arc::clone(&self.0))
    }

    /// Has the modules read again, and waits for that up to `until`: for the thread to
    /// start as well, if it has not.
    #[cold]
    pub(super) fn refresh(&self, until: impl Fn() -> Nanos) {
        if !self.0.is_running.load(Ordering::Acquire) {
            self.0.is_wanted.store(true, Ordering::Release);
            RUN_WAKEUPS.advance();
            self.wait(|| self.0.is_running.load(Ordering::Acquire), &until);
        }
        if self.0.is_ready() {
            self.0.give(REFRESH);
            self.wait(|| self.0.is_idle(), until);
        }
    }

    /// Has the names or lines of `stack` filled in, as many as are found before `until`,
    /// which is asked again whenever the deadline changes. Allocates nothing and
    /// waits for no lock.
    #[cold]
    pub(super) fn look_up(&self, stack: &mut Stack, what: LookUp, until: impl Fn() -> Nanos) {
        let shared = &*self.0;
        // If it is not idle, it hangs in an earlier look-up.
        if !shared.is_ready() {
            return;
        }
        match shared.try_slot() {
            Some(mut slot) => slot.clone_from(stack),
            None => return,
        }
        shared.give(match what {
            LookUp::Names => NAMES,
            LookUp::OwnLines => OWN_LINES,
            LookUp::Lines => LINES,
        });
        self.wait(|| shared.is_idle(), until);
        if let Some(slot) = shared.try_slot() {
            stack.clone_from(&slot);
        }
    }

    fn wait(&self, is_over: impl Fn() -> bool, until: impl Fn() -> Nanos) {
        let deadline = WATCH.deadline();
        loop {
            let seen = deadline.change_count();
            let until = until();
            if is_over() || until <= deadstop_core::now() {
                return;
            }
            deadline.wait_for_change(seen, Some(until));
        }
    }
}

impl Drop for Symbolizer {
    fn drop(&mut self) {
        self.0.is_retired.store(true, Ordering::Release);
        WATCH.notify();
    }
}

impl SymbolizerStart {
    /// Returns the time at which the thread must start: `None` if it was started, or if
    /// there is no report to come.
    pub(crate) fn due(&self) -> Option<Nanos> {
        let is_unstarted = self.0.unstarted.lock().is_some();
        match is_unstarted {
            true if self.0.is_wanted.load(Ordering::Acquire) => Some(Nanos(0)),
            true => preload_at(),
            false => None,
        }
    }

    /// Starts the thread, once. Where the system refuses it, reports have no names.
    pub(crate) fn start(&self, log: &Log) {
        let Some(Unstarted { modules, unwinder }) = self.0.unstarted.lock().take() else {
            return;
        };
        let thread = SymbolizerThread {
            shared: Arc::clone(&self.0),
            unwinder,
            modules,
            symbols: Symbols::default(),
            has_preloaded: false,
        };
        let started = match memory_limit::leaves(0) {
            true => threads::spawn_of("deadstop-symbols", STACK, move || thread.run())
                .map_err(|error| error.to_string()),
            false => Err("RLIMIT_AS or RLIMIT_DATA leaves less than 128 MB of memory".to_owned()),
        };
        if let Err(why) = started {
            log.event(Event::Message {
                level: Level::Warn,
                text: format!("hang reports have no names of functions: {why}"),
            });
        }
    }
}

impl Shared {
    /// Returns `true` if the thread runs, and has nothing to do.
    fn is_ready(&self) -> bool {
        self.is_running.load(Ordering::Acquire) && self.is_idle()
    }

    fn is_idle(&self) -> bool {
        self.job.load(Ordering::Acquire) == IDLE
    }

    /// The thread waits for the deadline to change, or for this.
    fn give(&self, job: u32) {
        self.job.store(job, Ordering::Release);
        WATCH.notify();
    }

    /// The slot, unless the other thread has it for longer than a name takes.
    fn try_slot(&self) -> Option<MutexGuard<'_, Stack>> {
        lock_soon(self.slot.get()?)
    }
}

/// The state of the thread.
struct SymbolizerThread {
    shared: Arc<Shared>,
    unwinder: Arc<SharedUnwinder>,
    modules: Modules,
    symbols: Symbols,
    has_preloaded: bool,
}

/// A frame of the slot, and the module that its code is in.
struct Position {
    n: usize,
    offset: u64,
    module: Module,
}

impl SymbolizerThread {
    /// Runs the thread. It is as prompt as the reporter, which waits for it.
    #[cold]
    fn run(mut self) {
        let deadline = WATCH.deadline();
        let empty = || Box::new(Mutex::new(Stack::empty()));
        self.shared.slot.get_or_init(empty);
        self.shared.is_running.store(true, Ordering::Release);
        // The reporter may wait for that.
        WATCH.notify();
        loop {
            let seen = deadline.change_count();
            if self.shared.is_retired.load(Ordering::Acquire) {
                return;
            }
            let job = self.shared.job.load(Ordering::Acquire);
            if job != IDLE {
                // Files are read by code that is not ours.
                let _ = contain(|| self.work(job));
                self.shared.job.store(IDLE, Ordering::Release);
                // The reporter waits for the deadline to change, or for this.
                WATCH.notify();
                continue;
            }
            let preload_at = preload_at().filter(|_| !self.has_preloaded);
            match preload_at {
                Some(at) if at <= deadstop_core::now() => {
                    self.has_preloaded = true;
                    let _ = contain(|| self.preload());
                }
                at => {
                    deadline.wait_for_change(seen, at);
                }
            }
        }
    }

    #[cold]
    fn work(&mut self, job: u32) {
        if !memory_limit::leaves(0) {
            return;
        }
        self.refresh();
        match job {
            NAMES => self.look_up_names(),
            OWN_LINES => self.look_up_lines(|frame| owner(frame) == Owner::Application),
            LINES => self.look_up_lines(|frame| frame.site.as_str().is_empty()),
            _ => {}
        }
    }

    /// Gives the reporter an unwinder that knows the modules of now.
    #[cold]
    fn refresh(&mut self) {
        if self.modules.read() {
            let unwinder = Unwinder::new(&self.modules);
            self.unwinder.replace(unwinder);
        }
    }

    /// Reads the names in every file, of the program first, and then the lines if there is
    /// time: a report that is due meanwhile would wait for them, and have no names either.
    #[cold]
    fn preload(&mut self) {
        let begun = deadstop_core::now();
        if !memory_limit::leaves(0) {
            return;
        }
        self.refresh();
        for what in [LookUp::Names, LookUp::Lines] {
            let now = deadstop_core::now();
            let left = due(WATCH.deadline()).map_or(Duration::ZERO, |due| due.since(now));
            if what == LookUp::Lines && !have_lines_time(now.since(begun), left) {
                return;
            }
            for module in self.modules.iter() {
                if !self.shared.is_idle() {
                    // The reporter waits; the frames it has need few of the files.
                    return;
                }
                let symbols = self.symbols.of(&module.image);
                if what == LookUp::Lines {
                    symbols.debug_info();
                }
            }
        }
    }

    /// Finds the names of the functions of the stack in the slot.
    #[cold]
    fn look_up_names(&mut self) {
        let positions = self.positions();
        for Position { n, offset, module } in &positions {
            if let Some(function) = self.symbols.of(&module.image).function(*offset) {
                self.write(*n, |frame| without_middle(&mut frame.function, &function));
            }
        }
    }

    /// Finds the lines of those frames of the stack in the slot that are wanted.
    #[cold]
    fn look_up_lines(&mut self, is_wanted: fn(&Frame) -> bool) {
        let mut wanted = [false; MAX_FRAMES];
        if let Some(slot) = self.shared.try_slot() {
            for (wanted, frame) in wanted.iter_mut().zip(slot.frames()) {
                *wanted = is_wanted(frame);
            }
        }
        let mut positions = self.positions();
        positions.retain(|position| wanted[position.n]);
        for Position { n, offset, module } in &positions {
            let Some(place) = self.symbols.of(&module.image).place(*offset) else {
                continue;
            };
            self.write(*n, |frame| {
                if let Some(function) = place.function {
                    without_middle(&mut frame.function, &function);
                }
                if let Some(site) = place.site {
                    without_head(&mut frame.site, &site);
                    frame.source = place.source;
                }
            });
        }
    }

    /// The frames of the slot, and where they are in their files.
    #[cold]
    fn positions(&self) -> Vec<Position> {
        let mut positions = Vec::new();
        let Some(mut slot) = self.shared.try_slot() else {
            return positions;
        };
        for (n, frame) in slot.frames_mut().enumerate() {
            // A call may be a function's last instruction, and a file's.
            let back = u64::from(frame.is_call);
            let address = frame.address as u64;
            let code = address.wrapping_sub(back);
            let module = self
                .modules
                .iter()
                .find(|module| module.code.contains(&code));
            let Some((module, bias)) = module.and_then(|it| Some((it, it.bias()?))) else {
                continue;
            };
            if frame.module.as_str().is_empty() {
                // It was loaded since the reporter looked.
                frame.module.text(&module.name);
                frame.offset = address.wrapping_sub(bias);
            }
            positions.push(Position {
                n,
                offset: code.wrapping_sub(bias),
                module: module.clone(),
            });
        }
        positions
    }

    fn write(&self, n: usize, write: impl FnOnce(&mut Frame)) {
        if let Some(mut slot) = self.shared.try_slot() {
            if let Some(frame) = slot.frames_mut().nth(n) {
                write(frame);
            }
        }
    }
}

/// Returns the time after which a shutdown is so long that names may be needed.
fn preload_at() -> Option<Nanos> {
    let deadline = WATCH.deadline();
    let (begun, report) = deadline.begun().zip(due(deadline))?;
    let part = report.since(begun) / PRELOAD_PART;
    Some(begun.saturating_add(part.min(PRELOAD_AFTER)))
}

/// Returns `true` if the lines can be read in the time `left`, when reading the names took
/// `names`.
fn have_lines_time(names: Duration, left: Duration) -> bool {
    names.saturating_mul(LINES_COST) <= left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_ahead_only_if_they_are_there_before_the_report() {
        let ms = Duration::from_millis;
        // An idle machine, and one with twenty threads to a processor.
        assert!(have_lines_time(ms(90), ms(1300)));
        assert!(!have_lines_time(ms(900), ms(2600)));
        assert!(!have_lines_time(ms(1), Duration::ZERO));
        assert!(!have_lines_time(Duration::MAX, Duration::from_secs(60)));
    }
}
