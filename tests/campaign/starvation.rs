//! Measures for how long the machine kept a victim past its deadline: the victim waited for a
//! processor, or slept uninterruptibly in the kernel, for a disk for example.
//!
//! The kernel counts for each thread how long it was ready and did not run, up to its last run
//! (the second field of `schedstat`). Inspections measure the time since then, and the sleep. A
//! process that ends waits for one thread at a time: first for the watchdog, and then for the
//! last thread that must exit. So only the two threads of each process that waited longest are
//! counted.
//!
//! Two times are added. One is the time that the host of a virtual machine took meanwhile. The
//! other is the time between two inspections for which the monitor itself did not run, if that
//! is longer and the victim did not sleep throughout.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// The maximum number of threads of a process that are inspected: inspections are a load too.
const THREADS: usize = 80;

/// The observations of one victim, from just before its deadline on.
#[derive(Debug)]
pub(crate) struct Starvation {
    /// The victim and all its descendants that were ever seen. When the victim ends, its children
    /// get another parent. A child that traces it must run before it can disappear.
    family: Vec<u32>,
    /// The threads, by process and thread.
    threads: HashMap<(u32, u32), Thread>,
    stolen: Duration,
    /// The number of threads at the last inspection.
    seen: usize,
}

#[derive(Debug)]
struct Thread {
    /// The thread's waiting time before the observation began.
    before: Duration,
    last: Look,
    /// The time at which the state in `last` was first seen.
    since: u64,
    /// The time of the last inspection.
    seen_at: u64,
    /// The thread's sleep without a wake-up, since the observation began.
    slept: Duration,
    /// The thread's wait since the observation began, that sleep included.
    waited: Duration,
}

/// The observed state of a thread.
#[derive(Clone, Copy, Debug)]
struct Look {
    is_ready: bool,
    /// The thread sleeps and cannot be woken: `D`.
    is_fast_asleep: bool,
    ran: Duration,
    waited: Duration,
    turns: u64,
}

impl Starvation {
    /// Begins to count, for the victim `id`, at the time `now`.
    pub(crate) fn begin(id: u32, now: u64) -> Self {
        let mut starved = Self {
            family: vec![id],
            threads: HashMap::new(),
            stolen: stolen(),
            seen: 0,
        };
        starved.look(now);
        starved
    }

    /// Inspects all threads of the victim, at the time `now`. Returns `true` if one of them has
    /// run since the last inspection, is ready to run, or has ended.
    pub(crate) fn look(&mut self, now: u64) -> bool {
        let mut stirs = false;
        let mut seen = 0;
        add_descendants(&mut self.family);
        for &process in &self.family {
            for thread in threads(process) {
                let Some(look) = Look::at(process, thread) else {
                    continue;
                };
                let known = self.threads.entry((process, thread));
                stirs |= look.is_ready;
                seen += 1;
                known
                    .and_modify(|known| {
                        stirs |= look.turns != known.last.turns;
                        known.update(look, now);
                    })
                    .or_insert_with(|| Thread {
                        before: look.waited,
                        last: look,
                        since: now,
                        seen_at: now,
                        slept: Duration::ZERO,
                        waited: Duration::ZERO,
                    });
            }
        }
        stirs |= seen < self.seen;
        self.seen = seen;
        stirs
    }

    /// Returns for how long the machine has kept the victim so far.
    pub(crate) fn time(&self) -> Duration {
        let mut of_process: HashMap<u32, [Duration; 2]> = HashMap::new();
        for ((process, _), thread) in &self.threads {
            let longest = of_process.entry(*process).or_default();
            let [first, second] = longest;
            if thread.waited > *first {
                *longest = [thread.waited, *first];
            } else if thread.waited > *second {
                *second = thread.waited;
            }
        }
        let waited: Duration = of_process.values().flatten().sum();
        waited + stolen().saturating_sub(self.stolen)
    }
}

impl Thread {
    fn update(&mut self, look: Look, now: u64) {
        let last = &self.last;
        if look.is_fast_asleep && last.is_fast_asleep && look.turns == last.turns {
            self.slept += Duration::from_nanos(now.saturating_sub(self.seen_at));
        }
        self.seen_at = now;
        if !look.is_ready
            || !last.is_ready
            || look.turns != last.turns
            || look.waited != last.waited
        {
            (self.last, self.since) = (look, now);
        }
        // The thread has been ready since then: the time that it did not run, it waited.
        let pending = match look.is_ready {
            true => {
                let ready = Duration::from_nanos(now.saturating_sub(self.since));
                ready.saturating_sub(look.ran - self.last.ran.min(look.ran))
            }
            false => Duration::ZERO,
        };
        let waited = look.waited.saturating_sub(self.before) + pending + self.slept;
        self.waited = self.waited.max(waited);
    }
}

impl Look {
    /// Inspects a thread. `None` if it has ended.
    fn at(process: u32, thread: u32) -> Option<Self> {
        let folder = format!("/proc/{process}/task/{thread}");
        let stat = fs::read_to_string(format!("{folder}/stat")).ok()?;
        // The name before it may contain any character.
        let state = stat.rsplit_once(')')?.1.trim_start();
        let is = |letter| state.starts_with(letter);
        let [ran, waited, turns] = schedstat(&folder)?;
        Some(Self {
            is_ready: is('R'),
            is_fast_asleep: is('D'),
            ran: Duration::from_nanos(ran),
            waited: Duration::from_nanos(waited),
            turns,
        })
    }
}

/// Returns for how long a thread ran, for how long it waited for a processor, and how often it
/// ran.
fn schedstat(folder: &str) -> Option<[u64; 3]> {
    let text = fs::read_to_string(format!("{folder}/schedstat")).ok()?;
    let mut words = text.split_whitespace().map(|word| word.parse().ok());
    Some([words.next()??, words.next()??, words.next()??])
}

/// Adds new descendants that were forked by main threads.
fn add_descendants(family: &mut Vec<u32>) {
    let mut next = 0;
    while let Some(member) = family.get(next) {
        let children = fs::read_to_string(format!("/proc/{member}/task/{member}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            let child = child.parse().ok();
            if let Some(child) = child.filter(|child| !family.contains(child)) {
                family.push(child);
            }
        }
        next += 1;
    }
}

fn threads(process: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{process}/task"));
    let names = tasks
        .into_iter()
        .flatten()
        .flatten()
        .map(|task| task.file_name());
    let ids = names.filter_map(|name| name.to_str()?.parse().ok());
    ids.take(THREADS).collect()
}

/// Returns the time for which this thread has waited for a processor, in all.
pub(crate) fn own_wait() -> Duration {
    let schedstat = schedstat("/proc/thread-self");
    Duration::from_nanos(schedstat.map_or(0, |[_, waited, _]| waited))
}

/// Returns the largest time that the host took from a processor.
fn stolen() -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let of_each = stat.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let name = words.next()?;
        let ticks: u64 = words.nth(7)?.parse().ok()?;
        (name.starts_with("cpu") && name != "cpu").then_some(ticks)
    });
    // A tick is 10 ms to a reader of this file.
    Duration::from_millis(10 * of_each.max().unwrap_or(0))
}
