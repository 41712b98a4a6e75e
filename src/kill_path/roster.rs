//! The fixed table of who runs what, who still waits for a turn, and what has
//! been.
//!
//! The coordinator and the tasks write it; the report is rendered from it. It
//! is a table of atomics because a report cannot walk a `Vec` behind a lock
//! that the stuck task may hold. A full table drops entries and counts them.
//!
//! ```text
//! FREE ──enter──▶ FILLING ──▶ LISTED ──abandon──▶ ABANDONED
//!  ▲ ▲               ▲           │                    │
//!  │ └─────leave─────┼───────────┼────────────────────┤
//!  │                 │           ▼ end                ▼ end
//!  └─────────────────┴───── DONE, FAILED            LATE
//!                    (an entry that is over is kept until its room is needed)
//! ```
//!
//! # Orderings
//!
//! A slot's `state` carries a number that grows with each use, so that a reader
//! who finds the same state before (`Acquire`) and after reading the rest
//! (behind an `Acquire` fence) has read one entry, and not the halves of two.
//! Entering publishes the fields with a `Release` of the state.

use ::core::convert::TryFrom;
use ::core::ffi::c_int;
use ::core::iter::Iterator;
use ::core::matches;
use ::core::option::Option::{self, None, Some};
use ::core::time::Duration;

use super::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering, fence};
use super::phases::Phases;
use super::sizes::{CAUSE, NAME, PHASE, RUNNING, SAYS, SITE, WAITING};
use super::sys::Nanos;
use super::text::Text;

const FREE: u32 = 0;
const FILLING: u32 = 1;
const LISTED: u32 = 2;
const ABANDONED: u32 = 3;
const DONE: u32 = 4;
const FAILED: u32 = 5;
const LATE: u32 = 6;
const STATE: u32 = 7;
const NEXT_USE: u32 = 8;

/// A task that took less is forgotten: it can neither be seen in a picture nor
/// have been in anybody's way.
const WORTH_KEEPING: Duration = Duration::from_millis(1);

/// Who runs what, who waits, what has been, and why the end began.
pub(crate) struct Roster {
    /// The phases that have begun.
    pub(crate) phases: Phases,
    /// Tasks whose thread has started and has not returned.
    pub(crate) running: Table<RUNNING>,
    /// Tasks whose turn has not come.
    pub(crate) waiting: Table<WAITING>,
    /// Why the shutdown began, in words.
    pub(crate) cause: Text<CAUSE>,
}

impl Roster {
    pub(crate) const fn empty() -> Self {
        Self {
            phases: Phases::none(),
            running: Table::empty(),
            waiting: Table::empty(),
            cause: Text::empty(),
        }
    }

    /// Makes it empty again, in a child of `fork`, whose parent's tasks are
    /// not its own. Nobody else may be at it.
    pub(crate) fn forget(&self) {
        self.phases.forget();
        self.running.forget();
        self.waiting.forget();
        self.cause.forget();
    }
}

/// Up to `N` entries, and a count of those beyond.
pub(crate) struct Table<const N: usize> {
    slots: [Slot; N],
    unlisted: AtomicU32,
}

impl<const N: usize> Table<N> {
    const fn empty() -> Self {
        Self {
            slots: [const { Slot::empty() }; N],
            unlisted: AtomicU32::new(0),
        }
    }

    /// Lists a task. `None` if the table is full: it is then only counted.
    pub(crate) fn enter(&'static self, entry: &Entry<'_>) -> Option<Place> {
        let free = self.slots.iter().find(|slot| slot.claim(Slot::is_free));
        let free = free.or_else(|| self.slots.iter().find(|slot| slot.claim(Slot::is_over)));
        match free {
            Some(slot) => Some(slot.fill(entry)),
            None => {
                self.unlisted.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// How many it lists at most.
    pub(crate) const fn room(&self) -> usize {
        N
    }

    /// Counts `tasks` that are not to be listed.
    pub(crate) fn crowd(&self, tasks: usize) {
        self.unlisted.fetch_add(tasks as u32, Ordering::Relaxed);
    }

    /// Takes them off the count.
    pub(crate) fn uncrowd(&self, tasks: usize) {
        self.unlisted.fetch_sub(tasks as u32, Ordering::Relaxed);
    }

    /// Takes a task off the list, or off the count.
    pub(crate) fn leave(&self, place: Option<Place>) {
        match place {
            Some(place) => place.slot.free(),
            None => {
                self.unlisted.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Notes that a task has ended at `at`. It is kept for the record, if it
    /// took long enough to be worth it.
    pub(crate) fn end(&self, place: Option<Place>, at: Nanos, failed: bool) {
        match place {
            Some(place) if failed || at.since(place.slot.started()) >= WORTH_KEEPING => {
                place.slot.end(at, failed);
            }
            place => self.leave(place),
        }
    }

    fn forget(&self) {
        for slot in &self.slots {
            slot.forget();
        }
        self.unlisted.store(0, Ordering::Relaxed);
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter()
    }

    pub(super) fn unlisted(&self) -> u32 {
        self.unlisted.load(Ordering::Relaxed)
    }
}

/// What is known of a task when it is listed. Texts are cut to fit.
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a str,
    pub(crate) phase: &'a str,
    pub(crate) file: &'a str,
    pub(crate) line: u32,
    pub(crate) started: Nanos,
    pub(crate) budget: Duration,
}

/// One task's place in a table, for as long as it is listed.
#[derive(::core::clone::Clone, ::core::marker::Copy)]
pub(crate) struct Place {
    slot: &'static Slot,
    listed: u32,
}

impl Place {
    /// Notes the thread that runs the task.
    pub(crate) fn runs_on(self, tid: c_int) {
        self.slot.tid.store(tid, Ordering::Relaxed);
    }

    /// Notes what the task says of its progress. It allocates nothing and
    /// waits for nobody.
    pub(crate) fn says(self, text: &str) {
        self.slot.says.write(text);
    }

    /// Notes that nobody waits for the task any more.
    pub(crate) fn abandon(self) {
        // Fails if the task has left, and the slot may be somebody else's.
        let _ = self.slot.state.compare_exchange(
            self.listed,
            self.listed | ABANDONED,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }
}

/// Room for one entry.
pub(super) struct Slot {
    state: AtomicU32,
    name: Text<NAME>,
    phase: Text<PHASE>,
    file: Text<SITE>,
    line: AtomicU32,
    started: AtomicU64,
    budget: AtomicU64,
    ended: AtomicU64,
    tid: AtomicI32,
    says: Text<SAYS>,
}

impl Slot {
    const fn empty() -> Self {
        Self {
            state: AtomicU32::new(FREE),
            name: Text::empty(),
            phase: Text::empty(),
            file: Text::empty(),
            line: AtomicU32::new(0),
            started: AtomicU64::new(0),
            budget: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            tid: AtomicI32::new(0),
            says: Text::empty(),
        }
    }

    fn is_free(state: u32) -> bool {
        state & STATE == FREE
    }

    fn is_over(state: u32) -> bool {
        matches!(state & STATE, DONE | FAILED | LATE)
    }

    fn claim(&self, may_be_had: fn(u32) -> bool) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        let filling = (state & !STATE).wrapping_add(NEXT_USE) | FILLING;
        may_be_had(state)
            && self
                .state
                .compare_exchange(state, filling, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
    }

    fn fill(&'static self, entry: &Entry<'_>) -> Place {
        fence(Ordering::Release);
        self.name.write(entry.name);
        self.phase.write(entry.phase);
        self.file.write(tail(entry.file, SITE));
        self.line.store(entry.line, Ordering::Relaxed);
        self.started.store(entry.started.0, Ordering::Relaxed);
        let budget = u64::try_from(entry.budget.as_nanos());
        self.budget
            .store(budget.unwrap_or(u64::MAX), Ordering::Relaxed);
        self.tid.store(0, Ordering::Relaxed);
        self.says.write("");
        let listed = self.state.load(Ordering::Relaxed) & !STATE | LISTED;
        self.state.store(listed, Ordering::Release);
        Place { slot: self, listed }
    }

    fn started(&self) -> Nanos {
        Nanos(self.started.load(Ordering::Relaxed))
    }

    fn end(&self, at: Nanos, failed: bool) {
        self.ended.store(at.0, Ordering::Relaxed);
        let state = self.state.load(Ordering::Relaxed);
        let ended = match (state & STATE, failed) {
            (ABANDONED, _) => LATE,
            (_, true) => FAILED,
            (_, false) => DONE,
        };
        let over = state & !STATE | ended;
        // Fails if it is abandoned at this moment, and then it is late.
        let noted = self
            .state
            .compare_exchange(state, over, Ordering::Release, Ordering::Relaxed);
        if noted.is_err() {
            self.state.swap(state & !STATE | LATE, Ordering::Release);
        }
    }

    fn free(&self) {
        let state = self.state.load(Ordering::Relaxed) & !STATE;
        // Whoever abandons it at this moment changes a bit that is dropped.
        self.state
            .swap(state.wrapping_add(NEXT_USE), Ordering::Release);
    }

    /// How it stands with the entry, and when it started, without its texts.
    pub(super) fn glance(&self) -> Option<(Is, Nanos)> {
        let is = Is::of(self.state.load(Ordering::Acquire))?;
        Some((is, self.started()))
    }

    fn forget(&self) {
        self.free();
        self.name.forget();
        self.phase.forget();
        self.file.forget();
        self.says.forget();
    }

    /// Reads the entry into `buffer`. `None` if there is none, or if it changed
    /// hands meanwhile.
    pub(super) fn read<'a>(&self, buffer: &'a mut Buffer) -> Option<Reading<'a>> {
        let before = self.state.load(Ordering::Acquire);
        let is = Is::of(before)?;
        let reading = Reading {
            name: self.name.read(&mut buffer.name).unwrap_or("?"),
            phase: self.phase.read(&mut buffer.phase).unwrap_or("?"),
            file: self.file.read(&mut buffer.file).unwrap_or("?"),
            line: self.line.load(Ordering::Relaxed),
            started: self.started(),
            ended: Nanos(self.ended.load(Ordering::Relaxed)),
            budget: Duration::from_nanos(self.budget.load(Ordering::Relaxed)),
            tid: self.tid.load(Ordering::Relaxed),
            // A text being written just now is one that nobody can quote.
            says: self.says.read(&mut buffer.says).unwrap_or(""),
            is,
        };
        fence(Ordering::Acquire);
        let after = self.state.load(Ordering::Relaxed);
        // It may have been abandoned or have ended meanwhile; what else there is
        // to read stands but for when it ended, which is read where it had.
        match (before ^ after) & !STATE {
            0 if after & STATE != FREE => Some(reading),
            _ => None,
        }
    }
}

/// Room for the texts of one entry.
pub(super) struct Buffer {
    name: [u8; NAME],
    phase: [u8; PHASE],
    file: [u8; SITE],
    says: [u8; SAYS],
}

impl Buffer {
    pub(super) const fn new() -> Self {
        Self {
            name: [0; NAME],
            phase: [0; PHASE],
            file: [0; SITE],
            says: [0; SAYS],
        }
    }
}

/// One entry, as it stood at one moment.
pub(super) struct Reading<'a> {
    pub(super) name: &'a str,
    pub(super) phase: &'a str,
    pub(super) file: &'a str,
    pub(super) line: u32,
    pub(super) started: Nanos,
    /// Only if it is over.
    pub(super) ended: Nanos,
    pub(super) budget: Duration,
    pub(super) tid: c_int,
    pub(super) says: &'a str,
    pub(super) is: Is,
}

/// How it stands with an entry.
#[derive(::core::clone::Clone, ::core::marker::Copy, ::core::cmp::Eq, ::core::cmp::PartialEq)]
pub(super) enum Is {
    Abandoned,
    Done,
    Failed,
    /// It has returned after it was abandoned.
    Late,
    Running,
}

impl Is {
    /// How it stands with an entry in `state`, if there is one.
    fn of(state: u32) -> Option<Self> {
        match state & STATE {
            ABANDONED => Some(Self::Abandoned),
            DONE => Some(Self::Done),
            FAILED => Some(Self::Failed),
            LATE => Some(Self::Late),
            LISTED => Some(Self::Running),
            _ => None,
        }
    }

    /// Whether the task has not returned.
    pub(super) fn hangs(self) -> bool {
        matches!(self, Self::Abandoned | Self::Running)
    }
}

/// The longest end of `path` that has at most `len` bytes and begins with a
/// whole character: of a long path, the file's name is what matters.
fn tail(path: &str, len: usize) -> &str {
    let mut start = path.len().saturating_sub(len);
    loop {
        if let Some(tail) = path.get(start..) {
            return tail;
        }
        start = start.saturating_add(1);
    }
}
