//! Looks at the threads, and asks the suspicious ones for their stacks.

use std::ffi::c_int;
use std::time::Duration;

use deadstop_core::render::Repeats;
use deadstop_core::render::suspects::may_be_suspicious;
use deadstop_core::stack::Stack;
use deadstop_core::sys::{ThreadSource, cpu_time};
use deadstop_core::threads::{Activity, Blocker, Thread, ThreadTable};
use deadstop_core::{MAX_STACKS, Nanos};

use super::patience::Patience;
use super::stacks::Stacks;
use crate::process::ROSTER;

/// The longest time for the table of threads, and which part of the time that is
/// left.
const TABLE: Duration = Duration::from_millis(100);
const TABLE_PART: u32 = 8;

/// The part of the time that is left in which stacks are asked for.
const STACKS_PART: u32 = 8;

/// Tasks whose stacks are asked for: the others are for threads that may hold
/// them up.
const TASKS: usize = MAX_STACKS * 2 / 3;

/// Looks at the threads of tasks that have not returned, at the coordinator's if it is late after
/// the shutdown was `requested`, at main, and at others.
#[cold]
pub(super) fn threads(
    table: &mut ThreadTable,
    proc: &ThreadSource,
    requested: Option<Nanos>,
    patience: Patience,
) {
    let now = deadstop_core::now();
    let length = (patience.end().since(now) / TABLE_PART).min(TABLE);
    let mut threads = [0; MAX_STACKS];
    let hung = ROSTER.hung_threads(&mut threads);
    let tasks = threads[..hung].iter().copied();
    let coordinator = ROSTER.late_coordinator(requested, now);
    let wanted = stalled_threads().chain(tasks).chain(coordinator);
    table.collect(proc, wanted, now.saturating_add(length));
}

/// The threads whose heartbeat is stalled.
fn stalled_threads() -> impl Iterator<Item = c_int> {
    let threads = ROSTER.stalls.threads().map(|(_, tid)| tid);
    threads.filter(|tid| *tid != 0)
}

/// Asks threads for their stacks, the most suspicious first, and returns how many.
#[cold]
pub(super) fn stacks(
    stacks: &mut [Stack; MAX_STACKS],
    table: &ThreadTable,
    capture: &Stacks,
    patience: Patience,
) -> usize {
    let part = || {
        let now = deadstop_core::now();
        now.saturating_add(patience.end().since(now) / STACKS_PART)
    };
    let chosen = Chosen::of(table);
    capture.refresh(part());
    let until = part();
    for (tid, stack) in chosen.iter().zip(&mut *stacks) {
        match deadstop_core::now() < until {
            true => capture.capture(tid, stack, until),
            false => stack.clear(tid),
        }
    }
    chosen.len
}

/// Stacks that are taken of a culprit that runs, and the part of the time that is left in
/// which that must be done.
const REPEATS: usize = 8;
const REPEATS_PART: u32 = 4;

/// The time between two of them: a part of that, at most this.
const BETWEEN_PART: u32 = 16;
const BETWEEN: Duration = Duration::from_millis(5);

/// A thread that ran for less than this since the last stack says nothing new: on a busy
/// machine it had no processor.
const RAN: Duration = Duration::from_millis(1);

/// Takes some more stacks of the first culprit if it runs: whether they are the same
/// tells a loop from progress. One that does not run is known to stand still.
#[cold]
pub(super) fn repeats(
    stacks: &[Stack; MAX_STACKS],
    table: &ThreadTable,
    capture: &Stacks,
    patience: Patience,
) -> Option<Repeats> {
    let mut first = [0; 1];
    let hung = ROSTER.hung_threads(&mut first);
    let tid = first[..hung].first().copied()?;
    let is_busy = |thread: &Thread| thread.busy.is_some_and(|busy| busy > 0);
    table.find(tid).filter(|thread| is_busy(thread))?;
    let known = stacks.iter().find(|stack| stack.tid == tid)?;
    let mut seen = [0; REPEATS];
    seen[0] = fingerprint(known)?;
    let mut samples = 1;
    let mut stack = Stack::empty();
    let begun = deadstop_core::now();
    let length = patience.end().since(begun) / REPEATS_PART;
    let until = begun.saturating_add(length);
    let mut ran_before = cpu_time(tid)?;
    while samples < REPEATS && deadstop_core::now() < until.min(patience.end()) {
        std::thread::sleep(BETWEEN.min(length / BETWEEN_PART));
        let ran = cpu_time(tid)?;
        if ran.saturating_sub(ran_before) < RAN {
            continue;
        }
        let answers_until = deadstop_core::now().saturating_add(BETWEEN * 2);
        capture.capture(tid, &mut stack, answers_until);
        ran_before = cpu_time(tid)?;
        if let Some(fingerprint) = fingerprint(&stack) {
            seen[samples] = fingerprint;
            samples += 1;
        }
    }
    if samples == 1 {
        return None;
    }
    let taken = &seen[..samples];
    let is_new = |place: usize| !taken[..place].contains(&taken[place]);
    let distinct = (0..samples).filter(|place| is_new(*place)).count();
    Some(Repeats {
        tid,
        samples: samples as u32,
        distinct: distinct as u32,
    })
}

/// A number that two stacks share if their callers are the same: the innermost place
/// changes within a loop of one function.
fn fingerprint(stack: &Stack) -> Option<u64> {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut frames = 0;
    for frame in stack.frames().skip(1) {
        hash = (hash ^ frame.address as u64).wrapping_mul(0x100_0000_01b3);
        frames += 1;
    }
    (frames > 0).then_some(hash)
}

/// The threads to ask, in order.
struct Chosen {
    threads: [c_int; MAX_STACKS],
    len: usize,
}

impl Chosen {
    fn of(table: &ThreadTable) -> Self {
        let mut threads = [0; MAX_STACKS];
        let len = ROSTER.hung_threads(&mut threads[..TASKS]);
        let mut chosen = Self { threads, len };
        for tid in stalled_threads() {
            chosen.add(tid);
        }
        // Workers that a task's future blocks.
        let mut pollers = [0; MAX_STACKS];
        let polling = ROSTER.pollers(&mut pollers);
        for tid in &pollers[..polling] {
            chosen.add(*tid);
        }
        // Threads that hold up tasks, and those that hold up these.
        let mut place = 0;
        while place < chosen.len {
            let waiter = table.find(chosen.threads[place]);
            if let Some(Blocker::Thread { tid, .. }) = waiter.map(|thread| &thread.blocker) {
                chosen.add(*tid);
            }
            place += 1;
        }
        let main = deadstop_core::pid();
        if chosen.len == 0 {
            chosen.add(main);
        }
        // Threads in a system call of their own choice say more than those that
        // wait for others. The last place is main's, which mostly waits.
        let waits = |thread: &&Thread| matches!(thread.activity, Activity::WaitsForLock);
        let others = || {
            let others = table.iter().filter(|thread| may_be_suspicious(thread));
            others.filter(move |thread| thread.tid != main)
        };
        let first = others().filter(|thread| !waits(thread));
        for thread in first.chain(others().filter(waits)) {
            if chosen.len + 1 < MAX_STACKS {
                chosen.add(thread.tid);
            }
        }
        chosen.add(main);
        chosen
    }

    fn add(&mut self, tid: c_int) {
        if !self.iter().any(|known| known == tid) && self.len < MAX_STACKS {
            self.threads[self.len] = tid;
            self.len += 1;
        }
    }

    fn iter(&self) -> impl Iterator<Item = c_int> {
        self.threads[..self.len].iter().copied()
    }
}
