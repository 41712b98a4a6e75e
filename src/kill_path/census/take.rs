//! Taking a census.

use ::core::cmp::Ord;
use ::core::convert::TryFrom;
use ::core::ffi::c_int;
use ::core::iter::Iterator;
use ::core::matches;
use ::core::option::Option::{self, None, Some};
use ::core::result::Result::{Err, Ok};
use ::core::time::Duration;

use super::super::line::Line;
use super::super::sizes::{COMM, THREADS};
use super::super::sys::{EventCount, File, Nanos, Proc, Tasks, now, pid, tid};
use super::look::{self, Found};
use super::looks::{Look, Looks, Rank};
use super::{Census, outside, parse};

/// How long lies between the two looks at processor times: several of the
/// kernel's ticks, so that a thread that waits for its turn has had one.
const PAUSE: Duration = Duration::from_millis(20);

/// A pause that is shorter than this says nothing.
const TOO_SHORT: Duration = Duration::from_millis(1);

/// How many threads of the library's are passed over: more than it has.
const OURS: usize = 64;

/// What the names of the library's threads begin with.
const PREFIX: &str = "deadstop-";

impl Census {
    /// Looks at the threads of the process, those of `tasks` first. Begins
    /// nothing after `until`; what is not known by then is left out.
    ///
    /// It takes some 20 ms, most of which it sleeps. The calling thread and
    /// the library's own are counted, but not listed unless they run a task.
    pub(crate) fn take(&mut self, proc: &Proc, tasks: impl Iterator<Item = c_int>, until: Nanos) {
        self.len = 0;
        self.refused = 0;
        self.looks.clear();
        self.expect(tasks);
        let folder = match proc.tasks() {
            Ok(folder) => Some(folder),
            Err(refused) => {
                self.refused = refused;
                None
            }
        };
        let counted = match &folder {
            Some(folder) => find(&mut self.looks, folder, until),
            None => 0,
        };
        self.looks.first(until);
        if pause(until) {
            self.looks.second(until);
        }
        self.looks.sort();
        self.list(folder.as_ref(), until);
        self.total = counted.max(u32::try_from(self.len).unwrap_or(0));
    }

    /// Notes the threads that are listed whatever is found.
    fn expect(&mut self, tasks: impl Iterator<Item = c_int>) {
        for (n, tid) in (0..).zip(tasks.filter(|tid| *tid > 0).take(THREADS)) {
            if !self.looks.is_expected(tid) {
                self.looks.add(tid, Rank::Task(n));
            }
        }
        if !self.looks.is_expected(pid()) {
            self.looks.add(pid(), Rank::Main);
        }
    }

    /// Lists as many as there is room for, in the order that they are in now.
    fn list(&mut self, folder: Option<&Tasks<'_>>, until: Nanos) {
        let program = folder.map_or(Line::new(), name_of_main);
        let mut passed_over = 0_usize;
        let mut next = 0_usize;
        while let Some(look) = self.looks.get(next) {
            next = next.saturating_add(1);
            let Some(thread) = self.threads.get_mut(self.len) else {
                return;
            };
            thread.begin(&look);
            let found = match folder {
                Some(folder) if now() < until => look::name(thread, folder),
                _ => Found::NotAsked,
            };
            match found {
                Found::Yes if is_ours(&look, thread.name.as_str(), program.as_str()) => {
                    passed_over = passed_over.saturating_add(1);
                    if passed_over == OURS {
                        return;
                    }
                    continue;
                }
                Found::Yes => {
                    if let Some(folder) = folder {
                        look::rest(thread, folder);
                    }
                }
                Found::Gone => thread.ended(),
                Found::Refused(refused) => self.refused = refused,
                Found::NotAsked => {}
            }
            // Of the others, an id alone says nothing.
            if look.rank == Rank::Other && !matches!(found, Found::Yes) {
                continue;
            }
            self.len = self.len.saturating_add(1);
        }
    }
}

/// Adds the threads that there are to those that are expected, and counts
/// them.
fn find(looks: &mut Looks, folder: &Tasks<'_>, until: Nanos) -> u32 {
    let this = tid();
    let mut found = 0_u32;
    let mut buffer = [0; 2048];
    folder.rewind();
    while now() < until && !looks.is_full() {
        let ids = folder.next(&mut buffer);
        if ids.is_empty() {
            break;
        }
        for tid in ids {
            found = found.saturating_add(1);
            if tid != this && !looks.is_expected(tid) {
                looks.add(tid, Rank::Other);
            }
        }
    }
    folder.count().unwrap_or(0).max(found)
}

/// Lets some time go by, a quarter of what there is at most. False if that is
/// too little.
fn pause(until: Nanos) -> bool {
    let begun = now();
    let quarter = until.since(begun).checked_div(4).unwrap_or(Duration::ZERO);
    let length = PAUSE.min(quarter);
    if length < TOO_SHORT {
        return false;
    }
    let end = begun.saturating_add(length);
    let nothing = EventCount::new();
    while now() < end {
        nothing.wait_past(0, Some(end));
    }
    true
}

/// Whether a thread is of the library's own, and runs no task. By its name,
/// unless the program has such a name too: its threads then inherit it.
fn is_ours(look: &Look, name: &str, program: &str) -> bool {
    look.rank == Rank::Other && name.starts_with(PREFIX) && name != program
}

fn name_of_main(folder: &Tasks<'_>) -> Line<COMM> {
    let mut name = Line::new();
    let mut buffer = [0; 64];
    if let Ok(comm) = folder.read(pid(), File::Name, &mut buffer) {
        outside::lossy(&mut name, parse::name(comm));
    }
    name
}
