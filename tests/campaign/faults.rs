//! The list of faults, which the tests have too: the victim prints it.

use std::path::Path;

use crate::end::End;
use crate::fault_list;

/// A way to get stuck, and how the list says that a process ends that is.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    listed: End,
}

/// Faults that the watchdog ends where it is alone, and the timer where there is one:
/// no code of the process runs between the deadline and the timer's expiry.
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
    /// Returns `true` if the list says that the second line of defense ends it.
    pub(crate) fn is_for_the_second_line(&self) -> bool {
        matches!(self.end(), OURS | FAULT)
    }

    /// Returns the end of a process that has all lines of defense.
    pub(crate) fn end(&self) -> End {
        match ENDED_BY_THE_TIMER.contains(&self.name) {
            true => KILLED,
            false => self.listed,
        }
    }

    /// Returns `true` if `end` is that of the third line of defense.
    pub(crate) fn is_by_the_third_line(end: End) -> bool {
        matches!(end, KILLED | AS_IF_KILLED)
    }
}
