//! The list of faults, which the tests have too.

use crate::end::End;

/// A way to get stuck, and how the list says that a process ends that is.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) end: End,
}

const OURS: End = End::Status(124);
const KILLED: End = End::Signal(libc::SIGKILL);
const AS_IF_KILLED: End = End::Status(137);
const FAULT: End = End::Signal(libc::SIGILL);

macro_rules! faults {
    ($($name:ident => $end:ident,)*) => {
        pub(crate) const FAULTS: &[Fault] = &[$(Fault {
            name: stringify!($name),
            end: $end,
        },)*];
    };
}

include!("../faults/list.rs");

impl Fault {
    /// Whether the list says that the second line ends it.
    pub(crate) fn is_for_the_second_line(&self) -> bool {
        matches!(self.end, OURS | FAULT)
    }

    /// Whether `end` is that of the third line of defence.
    pub(crate) fn is_by_the_third_line(end: End) -> bool {
        matches!(end, KILLED | AS_IF_KILLED)
    }
}
