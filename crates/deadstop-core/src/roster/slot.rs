//! A slot of a table: one entry, in atomics.
//!
//! ```text
//! FREE ──add──▶ FILLING ──▶ LISTED ──mark_abandoned──▶ ABANDONED
//!  ▲ ▲             ▲           │                           │
//!  │ └───remove────┼───────────┼───────────────────────────┤
//!  │               │           ▼ finish                    ▼ finish
//!  └───────────────┴────── DONE, FAILED                   LATE
//!                  (a finished entry is kept until its slot is needed)
//! ```
//!
//! # Orderings
//!
//! A slot's `state` contains a number that grows with each use, so that a reader
//! that finds the same state before reading the fields (`Acquire`) and after it
//! (after an `Acquire` fence) has read one entry, and not the halves of two: its texts
//! need no count of their own. Only the progress has one, which changes while the entry is
//! listed. Adding an entry publishes its fields with a `Release` of the state.

use core::ffi::c_int;
use core::time::Duration;

use super::reading::{Polls, TaskBuffer, TaskReading};
use super::task_kind::{AtomicTaskKind, TaskKind};
use super::task_status::{
    ABANDONED, DONE, FAILED, FILLING, FREE, LATE, LISTED, NEXT_USE, STATE, TaskStatus,
};
use super::text::Text;
use super::words::{Words, words};
use crate::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering, fence};
use crate::sizes::{PHASE_NAME_LEN, PROGRESS_LEN, SOURCE_PATH_LEN, TASK_NAME_LEN};
use crate::sys::Nanos;

/// A task to add. Texts are cut to fit.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its name.
    pub name: &'a str,
    /// The name of its phase.
    pub phase: &'a str,
    /// The source file in which it was registered.
    pub file: &'a str,
    /// The line in that file.
    pub line: u32,
    /// The time at which it started.
    pub started: Nanos,
    /// Its budget.
    pub budget: Duration,
}

/// A reference to one task's slot. It has no effect after the task was removed.
#[derive(Clone, Copy, Debug)]
pub struct SlotRef {
    pub(super) slot: &'static Slot,
    pub(super) listed: u32,
    pub(super) index: u32,
}

impl SlotRef {
    /// Returns a number that no other entry of the table has, now or later (until the
    /// slot was used 2^29 times). Its upper half is the slot's index in the table.
    pub fn key(self) -> u64 {
        key(self.index, self.listed)
    }

    /// Sets the thread that runs the task.
    #[inline]
    pub fn set_thread(self, tid: c_int) {
        self.slot.tid.store(tid, Ordering::Relaxed);
    }

    /// Sets the kind of work that the task stands for.
    pub fn set_kind(self, kind: TaskKind) {
        self.slot.kind.store(kind);
    }

    /// Sets the task's progress text. Allocates nothing and waits for no other
    /// thread.
    pub fn set_progress(self, text: &str) {
        self.slot.progress.write(text);
    }

    /// Records that the task is a future, which a runtime has to poll.
    pub fn mark_future(self) {
        self.slot.polled_at.store(NEVER, Ordering::Relaxed);
    }

    /// Records that thread `tid` begins to poll the task's future.
    pub fn poll_begins(self, tid: c_int, at: Nanos) {
        self.slot.polled_by.store(tid, Ordering::Relaxed);
        self.slot.polled_at.store(at.0, Ordering::Relaxed);
        self.slot.is_polled.store(1, Ordering::Relaxed);
    }

    /// Records that the poll is over.
    pub fn poll_ends(self) {
        self.slot.is_polled.store(0, Ordering::Relaxed);
    }

    /// Records that the coordinator has stopped waiting for the task.
    pub fn mark_abandoned(self) {
        // Fails if the task was removed; the slot may be another task's.
        let _ = self.slot.state.compare_exchange(
            self.listed,
            self.listed | ABANDONED,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }
}

pub(super) fn key(index: u32, listed: u32) -> u64 {
    u64::from(index) << 32 | u64::from(listed)
}

/// A slot for one task.
#[derive(Debug)]
pub(crate) struct Slot {
    state: AtomicU32,
    kind: AtomicTaskKind,
    name: Words<{ words(TASK_NAME_LEN) }>,
    phase: Words<{ words(PHASE_NAME_LEN) }>,
    file: Words<{ words(SOURCE_PATH_LEN) }>,
    line: AtomicU32,
    started: AtomicU64,
    budget: AtomicU64,
    ended: AtomicU64,
    tid: AtomicI32,
    /// The time of the last poll of its future; 0 for a task that is none.
    polled_at: AtomicU64,
    polled_by: AtomicI32,
    /// Set while it is being polled.
    is_polled: AtomicU32,
    progress: Text<{ words(PROGRESS_LEN) }>,
}

/// Stands for a future that was never polled.
const NEVER: u64 = u64::MAX;

impl Slot {
    pub(super) const fn empty() -> Self {
        Self {
            state: AtomicU32::new(FREE),
            kind: AtomicTaskKind::new(),
            name: Words::empty(),
            phase: Words::empty(),
            file: Words::empty(),
            line: AtomicU32::new(0),
            started: AtomicU64::new(0),
            budget: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            tid: AtomicI32::new(0),
            polled_at: AtomicU64::new(0),
            polled_by: AtomicI32::new(0),
            is_polled: AtomicU32::new(0),
            progress: Text::empty(),
        }
    }

    #[inline]
    pub(super) fn is_free(state: u32) -> bool {
        state & STATE == FREE
    }

    pub(super) fn is_over(state: u32) -> bool {
        matches!(state & STATE, DONE | FAILED | LATE)
    }

    pub(super) fn touch(&self) {
        self.state.fetch_add(0, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn claim(&self, is_claimable: impl Fn(u32) -> bool) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        let filling = (state & !STATE).wrapping_add(NEXT_USE) | FILLING;
        is_claimable(state)
            && self
                .state
                .compare_exchange(state, filling, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
    }

    /// Fills a claimed slot, and returns its state.
    pub(super) fn fill(&self, entry: &Entry<'_>) -> u32 {
        fence(Ordering::Release);
        self.kind.store(TaskKind::Task);
        self.name.write(entry.name);
        self.phase.write(entry.phase);
        self.file.write(tail(entry.file, SOURCE_PATH_LEN));
        self.line.store(entry.line, Ordering::Relaxed);
        self.started.store(entry.started.0, Ordering::Relaxed);
        let budget = u64::try_from(entry.budget.as_nanos());
        self.budget
            .store(budget.unwrap_or(u64::MAX), Ordering::Relaxed);
        self.tid.store(0, Ordering::Relaxed);
        self.polled_at.store(0, Ordering::Relaxed);
        // The task that wrote it has let go of the slot.
        self.progress.clear();
        let listed = self.state.load(Ordering::Relaxed) & !STATE | LISTED;
        self.state.store(listed, Ordering::Release);
        listed
    }

    /// Returns the state and the thread of an entry that is listed.
    pub(super) fn listed(&self) -> Option<(u32, c_int)> {
        let before = self.state.load(Ordering::Acquire);
        let tid = self.thread();
        fence(Ordering::Acquire);
        let is_same = before == self.state.load(Ordering::Relaxed);
        (is_same && before & STATE == LISTED).then_some((before, tid))
    }

    /// The thread that it runs on; 0 if that is not known.
    pub(crate) fn thread(&self) -> c_int {
        self.tid.load(Ordering::Relaxed)
    }

    fn polls(&self) -> Polls {
        match self.polled_at.load(Ordering::Relaxed) {
            0 => Polls::NoFuture,
            NEVER => Polls::Never,
            at => Polls::Last {
                at: Nanos(at),
                tid: self.polled_by.load(Ordering::Relaxed),
                is_polled: self.is_polled.load(Ordering::Relaxed) != 0,
            },
        }
    }

    #[inline]
    pub(super) fn started(&self) -> Nanos {
        Nanos(self.started.load(Ordering::Relaxed))
    }

    pub(super) fn end(&self, at: Nanos, failed: bool) {
        self.ended.store(at.0, Ordering::Relaxed);
        let state = self.state.load(Ordering::Relaxed);
        let ended = match (state & STATE, failed) {
            (ABANDONED, _) => LATE,
            (_, true) => FAILED,
            (_, false) => DONE,
        };
        let over = state & !STATE | ended;
        // Fails if the task is abandoned at this moment; it is then late.
        let noted = self
            .state
            .compare_exchange(state, over, Ordering::Release, Ordering::Relaxed);
        if noted.is_err() {
            self.state.swap(state & !STATE | LATE, Ordering::Release);
        }
    }

    #[inline]
    pub(super) fn free(&self) {
        let state = self.state.load(Ordering::Relaxed) & !STATE;
        // A thread that abandons it at this moment changes a bit that is dropped.
        self.state
            .swap(state.wrapping_add(NEXT_USE), Ordering::Release);
    }

    /// Returns the status of the task and when it started, without its texts.
    pub(crate) fn peek(&self) -> Option<(TaskStatus, Nanos)> {
        let status = TaskStatus::of(self.state.load(Ordering::Acquire))?;
        Some((status, self.started()))
    }

    #[inline(never)] // In an unrolled loop for each table, it is 4 KB of program.
    pub(super) fn reset_after_fork(&self) {
        self.free();
        self.progress.reset_after_fork();
    }

    /// Reads the entry with its texts into `buffer`. `None` if there is none, or
    /// if the slot was reused meanwhile.
    #[inline(never)] // Only reports read, and many parts of them.
    pub(crate) fn read<'a>(&self, buffer: &'a mut TaskBuffer) -> Option<TaskReading<'a>> {
        let before = self.state.load(Ordering::Acquire);
        let status = TaskStatus::of(before)?;
        let reading = TaskReading {
            kind: self.kind.load(),
            name: self.name.read(&mut buffer.name).unwrap_or("?"),
            phase: self.phase.read(&mut buffer.phase).unwrap_or("?"),
            file: self.file.read(&mut buffer.file).unwrap_or("?"),
            line: self.line.load(Ordering::Relaxed),
            started: self.started(),
            ended: Nanos(self.ended.load(Ordering::Relaxed)),
            budget: Duration::from_nanos(self.budget.load(Ordering::Relaxed)),
            tid: self.tid.load(Ordering::Relaxed),
            // Empty while the task is writing it.
            progress: self.progress.read(&mut buffer.progress).unwrap_or(""),
            polls: self.polls(),
            status,
        };
        fence(Ordering::Acquire);
        let after = self.state.load(Ordering::Relaxed);
        // The task may have been abandoned or have ended meanwhile. All other
        // fields stay valid, and `ended` is used only where it had ended.
        match (before ^ after) & !STATE {
            0 if after & STATE != FREE => Some(reading),
            _ => None,
        }
    }
}

/// Returns the longest end of `path` that has at most `len` bytes and begins at
/// a character boundary: the file's name matters most.
fn tail(path: &str, len: usize) -> &str {
    let mut start = path.len().saturating_sub(len);
    loop {
        if let Some(tail) = path.get(start..) {
            return tail;
        }
        start = start.saturating_add(1);
    }
}
