//! The system calls of the room, and nothing above them.
//!
//! This folder is one of two with `unsafe` blocks; the other, `src/sys`, is for
//! calls that the room must not make. Each file is one capability, and offers
//! it as safe functions on plain values.

#![expect(unsafe_code, reason = "system calls; each block argues its case")]

mod clock;
mod errno;
mod event_count;
mod mask;
mod process;
mod sched;
mod stderr;
mod terminate;
mod timer;

pub(crate) use self::clock::{Nanos, now};
pub(crate) use self::errno::Errno;
pub(crate) use self::event_count::EventCount;
pub(crate) use self::mask::{Mask, SignalSet};
pub(crate) use self::process::{pid, tid};
pub(in crate::kill_path) use self::sched::ask_for_real_time;
pub(crate) use self::sched::settle;
pub(in crate::kill_path) use self::stderr::write;
pub(crate) use self::terminate::die_of;
pub(in crate::kill_path) use self::terminate::terminate;
pub(in crate::kill_path) use self::timer::{Target, Timer};
