//! Collects the threads that a report lists.

use core::ffi::c_int;
use core::time::Duration;

use super::cpu_samples::{CpuSamples, Rank};
use super::inspect::{self, Presence};
use super::table::ThreadTable;
use super::{find_blockers, find_other_ends, is_over, own, parse, sanitize};
use crate::buffer::TextBuffer;
use crate::sizes::{MAX_THREADS, THREAD_NAME_LEN};
use crate::sys::{
    EventCount, Nanos, ThreadFile, ThreadReader, ThreadSource, main_tid, now, pid, tid,
};

/// The length between the two samples of processor times: several kernel ticks,
/// so that a runnable thread has run in between.
const PAUSE: Duration = Duration::from_millis(20);

/// A shorter pause yields no percentage.
const TOO_SHORT: Duration = Duration::from_millis(1);

/// The number of threads that are skipped by their names, which are read for that.
const SKIPPED: usize = 64;

impl ThreadTable {
    /// Collects the threads of the process, those of `tasks` first. Begins nothing
    /// after `until`; values that are not known by then are left out.
    ///
    /// Takes some 20 ms, most of which it sleeps. The calling thread and the
    /// library's own are counted, but not listed unless they run a task.
    pub fn collect(
        &mut self,
        proc: &ThreadSource,
        tasks: impl Iterator<Item = c_int>,
        until: Nanos,
    ) {
        self.len = 0;
        self.proc_error = 0;
        self.samples.clear();
        self.expect(tasks);
        let folder = match proc.tasks() {
            Ok(folder) => Some(folder),
            Err(proc_error) => {
                self.proc_error = proc_error;
                None
            }
        };
        let counted = match &folder {
            Some(folder) => find(&mut self.samples, folder, until),
            None => 0,
        };
        self.samples.sample_first(until);
        if pause(until) {
            self.samples.sample_again(until);
        }
        self.samples.sort();
        self.list(folder.as_ref(), until);
        if let Some(folder) = &folder {
            find_blockers::find(self, folder, until);
            find_other_ends::find(self, folder, until);
        }
        self.total = counted.max(u32::try_from(self.len).unwrap_or(0));
    }

    /// Adds the threads that are listed in any case.
    fn expect(&mut self, tasks: impl Iterator<Item = c_int>) {
        for (n, tid) in (0..).zip(tasks.filter(|tid| *tid > 0).take(MAX_THREADS)) {
            if !self.samples.is_expected(tid) {
                self.samples.add(tid, Rank::Task(n));
            }
        }
        if let Some(main) = main_tid().filter(|main| !self.samples.is_expected(*main)) {
            self.samples.add(main, Rank::Main);
        }
    }

    /// Fills the table in the current order of the samples.
    fn list(&mut self, folder: Option<&ThreadReader<'_>>, until: Nanos) {
        let program = folder.map_or(TextBuffer::new(), name_of_main);
        let mut skipped = 0_usize;
        let mut next = 0_usize;
        while let Some(sample) = self.samples.get(next) {
            next = next.saturating_add(1);
            let Some(thread) = self.threads.get_mut(self.len) else {
                return;
            };
            thread.begin(&sample);
            thread.is_own = own::is_marked(sample.tid);
            if thread.is_own && sample.rank == Rank::Other {
                continue;
            }
            let found = match folder {
                Some(folder) if !is_over(until) => inspect::name(thread, folder),
                _ => Presence::NotAsked,
            };
            match found {
                Presence::Yes => {
                    thread.is_own |= own::is_own_by_name(thread.name.as_str(), program.as_str());
                    if thread.is_own && sample.rank == Rank::Other {
                        skipped = skipped.saturating_add(1);
                        if skipped == SKIPPED {
                            return;
                        }
                        continue;
                    }
                    if let Some(folder) = folder {
                        inspect::rest(thread, folder);
                    }
                }
                Presence::Gone => thread.ended(),
                Presence::Refused(proc_error) => self.proc_error = proc_error,
                Presence::NotAsked => {}
            }
            // An id alone is of no use for the others.
            if sample.rank == Rank::Other && !matches!(found, Presence::Yes) {
                continue;
            }
            self.len = self.len.saturating_add(1);
        }
    }
}

/// Adds the threads of the process to the samples, and returns their number.
fn find(samples: &mut CpuSamples, folder: &ThreadReader<'_>, until: Nanos) -> u32 {
    let this = tid();
    let mut found = 0_u32;
    let mut buffer = [0; 2048];
    folder.rewind();
    while !is_over(until) && !samples.is_full() {
        let ids = folder.next(&mut buffer);
        if ids.is_empty() {
            break;
        }
        for tid in ids {
            found = found.saturating_add(1);
            if tid != this && !samples.is_expected(tid) {
                samples.add(tid, Rank::Other);
            }
        }
    }
    folder.count().unwrap_or(0).max(found)
}

/// Sleeps for a quarter of the time that is left, and 20 ms at most. Returns
/// `false` if that is too short.
fn pause(until: Nanos) -> bool {
    let begun = now();
    let quarter = until.since(begun).checked_div(4).unwrap_or(Duration::ZERO);
    let length = PAUSE.min(quarter);
    if length < TOO_SHORT {
        return false;
    }
    let end = begun.saturating_add(length);
    let nothing = EventCount::new();
    while !is_over(end) {
        nothing.wait_past(0, Some(end));
    }
    true
}

fn name_of_main(folder: &ThreadReader<'_>) -> TextBuffer<THREAD_NAME_LEN> {
    let mut name = TextBuffer::new();
    let mut buffer = [0; 64];
    if let Ok(comm) = folder.read(pid(), ThreadFile::Name, &mut buffer) {
        sanitize::lossy(&mut name, parse::name(comm));
    }
    name
}
