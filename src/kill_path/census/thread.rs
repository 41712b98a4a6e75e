//! What is known of one thread.

use ::core::ffi::c_int;
use ::core::option::Option::{self, None};
use ::core::time::Duration;

use super::super::line::Line;
use super::super::sizes::{COMM, PLACE};
use super::doing::Doing;
use super::looks::Look;

/// One thread, as it stood when it was looked at.
pub(crate) struct Thread {
    pub(crate) tid: c_int,
    /// Its name. Bytes that are not UTF-8 are U+FFFD; empty if it has none, or
    /// none could be read.
    pub(crate) name: Line<COMM>,
    /// As `ps` has it: `R` runs, `S` sleeps, `D` sleeps uninterruptibly, `T` is
    /// stopped, `t` is held by a tracer, `Z` and `X` have ended. `?` if it is
    /// not known.
    pub(crate) state: u8,
    /// The kernel's function that it waits in, a C identifier; empty if it does
    /// not wait, or that could not be read.
    pub(crate) place: Line<PLACE>,
    pub(crate) doing: Doing,
    /// Processor time since it began.
    pub(crate) cpu: Option<Duration>,
    /// Per cent of a processor between two looks, up to 100.
    pub(crate) busy: Option<u8>,
}

impl Thread {
    pub(crate) const fn empty() -> Self {
        Self {
            tid: 0,
            name: Line::new(),
            state: b'?',
            place: Line::new(),
            doing: Doing::Unknown,
            cpu: None,
            busy: None,
        }
    }

    /// Begins anew, with what is known already.
    pub(super) fn begin(&mut self, look: &Look) {
        *self = Self {
            tid: look.tid,
            cpu: look.cpu,
            busy: look.busy,
            ..Self::empty()
        };
    }

    /// Notes that there is no such thread any more.
    pub(super) fn ended(&mut self) {
        self.state = b'X';
        self.doing = Doing::Ended;
    }
}
