//! The list of faults, which the victim prints. The tests use the same list.

use std::path::Path;

use crate::end::End;
use crate::fault_list;

/// A fault, and the end of its process according to the list.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    listed: End,
}

/// Faults that the watchdog ends if there is no timer, and that the timer ends otherwise: no code
/// of the process runs between the deadline and the timer's expiry.
const ENDED_BY_THE_TIMER: &[&str] = &[
    // The process is stopped for a whole grace after its deadline.
    "continued_after_the_deadline",
];

pub(crate) const OURS: End = End::Status(124);
const KILLED: End = End::Signal(libc::SIGKILL);
const AS_IF_KILLED: End = End::Status(137);
const FAULT: End = End::Signal(libc::SIGILL);

/// Returns the faults of the victim at `program`.
pub(crate) fn read(program: &Path) -> Vec<Fault> {
    let program = program.to_str().expect("a path in UTF-8");
    let faults = fault_list::read(program).into_iter();
    faults
        .map(|(name, listed)| Fault { name, listed })
        .collect()
}

impl Fault {
    /// Returns `true` if the list says that the watchdog ends it.
    pub(crate) fn is_for_the_watchdog(&self) -> bool {
        matches!(self.end(), OURS | FAULT)
    }

    /// Returns the end of a process that has a watchdog and a backup timer.
    pub(crate) fn end(&self) -> End {
        match ENDED_BY_THE_TIMER.contains(&self.name) {
            true => KILLED,
            false => self.listed,
        }
    }

    /// Returns `true` if `end` is by the backup timer.
    pub(crate) fn is_by_the_backup_timer(end: End) -> bool {
        matches!(end, KILLED | AS_IF_KILLED)
    }
}
