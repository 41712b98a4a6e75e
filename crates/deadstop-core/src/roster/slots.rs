//! The fixed tables of running, pending and finished tasks.
//!
//! The coordinator and the tasks write them; the report is rendered from them.
//! They are tables of atomics because a report cannot take a lock that the stuck
//! task may hold. A full table drops entries and counts them.
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
//! (after an `Acquire` fence) has read one entry, and not the halves of two.
//! Adding an entry publishes its fields with a `Release` of the state.

use core::ffi::c_int;
use core::time::Duration;

use super::labels::Labels;
use super::phases::Phases;
use super::task_kind::{AtomicTaskKind, TaskKind};
use super::text::Text;
use crate::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering, fence};
use crate::sizes::{
    CAUSE_LEN, MAX_PENDING_TASKS, MAX_RUNNING_TASKS, MAX_STALLS, PHASE_NAME_LEN, PROGRESS_LEN,
    SOURCE_PATH_LEN, TASK_NAME_LEN,
};
use crate::sys::Nanos;

const FREE: u32 = 0;
const FILLING: u32 = 1;
const LISTED: u32 = 2;
const ABANDONED: u32 = 3;
const DONE: u32 = 4;
const FAILED: u32 = 5;
const LATE: u32 = 6;
const STATE: u32 = 7;
const NEXT_USE: u32 = 8;

/// A finished task that took less is not kept: it delayed no other task.
const MIN_KEPT_LENGTH: Duration = Duration::from_millis(1);

/// The state of a shutdown: its phases, tasks and cause.
#[derive(Debug)]
pub struct Roster {
    /// The phases that have begun.
    pub phases: Phases,
    /// Tasks whose thread has started and has not returned.
    pub running: Table<MAX_RUNNING_TASKS>,
    /// Tasks that have not started.
    pub pending: Table<MAX_PENDING_TASKS>,
    /// Heartbeats that are stalled: `started` is their last tick, `budget` their limit,
    /// and `phase` the word for what follows from the stall.
    pub stalls: Table<MAX_STALLS>,
    /// The cause of the shutdown.
    pub cause: Text<CAUSE_LEN>,
    /// What the application says that its threads are doing.
    pub labels: Labels,
}

impl Roster {
    /// Creates an empty roster.
    pub const fn empty() -> Self {
        Self {
            phases: Phases::none(),
            running: Table::empty(),
            pending: Table::empty(),
            stalls: Table::empty(),
            cause: Text::empty(),
            labels: Labels::none(),
        }
    }

    /// Makes the roster empty in a child of `fork`, whose parent's tasks are not
    /// its own. No other thread may use it.
    pub fn reset_after_fork(&self) {
        self.phases.reset_after_fork();
        self.running.reset_after_fork();
        self.pending.reset_after_fork();
        self.stalls.reset_after_fork();
        self.cause.reset_after_fork();
        self.labels.reset_after_fork();
    }
}

/// Up to `N` tasks, and a count of the tasks without a slot.
#[derive(Debug)]
pub struct Table<const N: usize> {
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

    /// Adds a task. `None` if the table is full: the task is then only counted.
    pub fn add(&'static self, entry: &Entry<'_>) -> Option<SlotRef> {
        let find = |is_claimable: fn(u32) -> bool| {
            let mut places = (0..).zip(&self.slots);
            places.find(|(_, slot)| slot.claim(is_claimable))
        };
        match find(Slot::is_free).or_else(|| find(Slot::is_over)) {
            Some((place, slot)) => Some(SlotRef {
                slot,
                listed: slot.fill(entry),
                place,
            }),
            None => {
                self.unlisted.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// Returns how many tasks the table lists at most.
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Counts `tasks` without listing them.
    pub fn count_unlisted(&self, tasks: usize) {
        self.unlisted.fetch_add(tasks as u32, Ordering::Relaxed);
    }

    /// Subtracts `tasks` from the count of unlisted ones.
    pub fn uncount_unlisted(&self, tasks: usize) {
        self.unlisted.fetch_sub(tasks as u32, Ordering::Relaxed);
    }

    /// Removes a task, or subtracts it from the count if it has no slot.
    pub fn remove(&self, place: Option<SlotRef>) {
        match place {
            Some(place) => place.slot.free(),
            None => {
                self.unlisted.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Records that a task has ended at `at`. The entry is kept for the report if
    /// the task failed or took at least 1 ms.
    pub fn finish(&self, place: Option<SlotRef>, at: Nanos, failed: bool) {
        match place {
            Some(place) if failed || at.since(place.slot.started()) >= MIN_KEPT_LENGTH => {
                place.slot.end(at, failed);
            }
            place => self.remove(place),
        }
    }

    fn reset_after_fork(&self) {
        for slot in &self.slots {
            slot.reset_after_fork();
        }
        self.unlisted.store(0, Ordering::Relaxed);
    }

    /// Counts the tasks that have not returned: those that the coordinator waits for, and
    /// those that it has abandoned.
    pub fn count_unfinished(&self) -> (u32, u32) {
        let mut counts = (self.unlisted(), 0_u32);
        for (status, _) in self.slots.iter().filter_map(Slot::peek) {
            match status {
                TaskStatus::Running => counts.0 = counts.0.saturating_add(1),
                TaskStatus::Abandoned => counts.1 = counts.1.saturating_add(1),
                _ => {}
            }
        }
        counts
    }

    /// Returns the [key](SlotRef::key) and the thread of each entry that was not marked
    /// or finished; the thread is 0 if it has none. Allocates nothing and waits for no
    /// other thread.
    pub fn threads(&self) -> impl Iterator<Item = (u64, c_int)> {
        let places = (0..).zip(&self.slots);
        places.filter_map(|(place, slot)| {
            let (listed, tid) = slot.listed()?;
            Some((key(place, listed), tid))
        })
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter()
    }

    pub(crate) fn unlisted(&self) -> u32 {
        self.unlisted.load(Ordering::Relaxed)
    }
}

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
    /// When it started.
    pub started: Nanos,
    /// Its budget.
    pub budget: Duration,
}

/// A reference to one task's slot. It has no effect after the task was removed.
#[derive(Clone, Copy, Debug)]
pub struct SlotRef {
    slot: &'static Slot,
    listed: u32,
    place: u32,
}

impl SlotRef {
    /// Returns a number that no other entry of the table has, now or later (until the
    /// slot was used 2^29 times). Its upper half is the slot's place in the table.
    pub fn key(self) -> u64 {
        key(self.place, self.listed)
    }

    /// Sets the thread that runs the task.
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
    pub fn is_future(self) {
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

fn key(place: u32, listed: u32) -> u64 {
    u64::from(place) << 32 | u64::from(listed)
}

/// A slot for one task.
#[derive(Debug)]
pub(crate) struct Slot {
    state: AtomicU32,
    kind: AtomicTaskKind,
    name: Text<TASK_NAME_LEN>,
    phase: Text<PHASE_NAME_LEN>,
    file: Text<SOURCE_PATH_LEN>,
    line: AtomicU32,
    started: AtomicU64,
    budget: AtomicU64,
    ended: AtomicU64,
    tid: AtomicI32,
    /// When its future was last polled; 0 for a task that is none.
    polled_at: AtomicU64,
    polled_by: AtomicI32,
    /// Whether it is being polled.
    is_polled: AtomicU32,
    progress: Text<PROGRESS_LEN>,
}

/// Stands for a future that was never polled.
const NEVER: u64 = u64::MAX;

impl Slot {
    const fn empty() -> Self {
        Self {
            state: AtomicU32::new(FREE),
            kind: AtomicTaskKind::new(),
            name: Text::empty(),
            phase: Text::empty(),
            file: Text::empty(),
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

    fn is_free(state: u32) -> bool {
        state & STATE == FREE
    }

    fn is_over(state: u32) -> bool {
        matches!(state & STATE, DONE | FAILED | LATE)
    }

    fn claim(&self, is_claimable: fn(u32) -> bool) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        let filling = (state & !STATE).wrapping_add(NEXT_USE) | FILLING;
        is_claimable(state)
            && self
                .state
                .compare_exchange(state, filling, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
    }

    /// Fills a claimed slot, and returns its state.
    fn fill(&self, entry: &Entry<'_>) -> u32 {
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
        self.progress.write("");
        let listed = self.state.load(Ordering::Relaxed) & !STATE | LISTED;
        self.state.store(listed, Ordering::Release);
        listed
    }

    /// Returns the state and the thread of an entry that is listed.
    fn listed(&self) -> Option<(u32, c_int)> {
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
        // Fails if the task is abandoned at this moment; it is then late.
        let noted = self
            .state
            .compare_exchange(state, over, Ordering::Release, Ordering::Relaxed);
        if noted.is_err() {
            self.state.swap(state & !STATE | LATE, Ordering::Release);
        }
    }

    fn free(&self) {
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

    fn reset_after_fork(&self) {
        self.free();
        self.name.reset_after_fork();
        self.phase.reset_after_fork();
        self.file.reset_after_fork();
        self.progress.reset_after_fork();
    }

    /// Reads the entry with its texts into `buffer`. `None` if there is none, or
    /// if the slot was reused meanwhile.
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

/// A buffer for the texts of one task.
pub(crate) struct TaskBuffer {
    name: [u8; TASK_NAME_LEN],
    phase: [u8; PHASE_NAME_LEN],
    file: [u8; SOURCE_PATH_LEN],
    progress: [u8; PROGRESS_LEN],
}

impl TaskBuffer {
    pub(crate) const fn new() -> Self {
        Self {
            name: [0; TASK_NAME_LEN],
            phase: [0; PHASE_NAME_LEN],
            file: [0; SOURCE_PATH_LEN],
            progress: [0; PROGRESS_LEN],
        }
    }
}

/// One task, as it was at one moment.
pub(crate) struct TaskReading<'a> {
    pub(crate) kind: TaskKind,
    pub(crate) name: &'a str,
    pub(crate) phase: &'a str,
    pub(crate) file: &'a str,
    pub(crate) line: u32,
    pub(crate) started: Nanos,
    /// Valid only if the task has ended.
    pub(crate) ended: Nanos,
    pub(crate) budget: Duration,
    pub(crate) tid: c_int,
    pub(crate) progress: &'a str,
    pub(crate) polls: Polls,
    pub(crate) status: TaskStatus,
}

/// When a task's future was polled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Polls {
    /// The task is no future, or is polled on its own thread.
    NoFuture,
    Never,
    Last {
        /// When the last poll began.
        at: Nanos,
        /// The thread that polled.
        tid: c_int,
        /// Whether that poll is not over.
        is_polled: bool,
    },
}

/// The status of a task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TaskStatus {
    Abandoned,
    Done,
    Failed,
    /// It returned after it was abandoned.
    Late,
    Running,
}

impl TaskStatus {
    /// Returns the status for a slot in `state`. `None` if it has no task.
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

    /// Returns `true` if the task has not returned.
    pub(crate) fn is_unfinished(self) -> bool {
        matches!(self, Self::Abandoned | Self::Running)
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
