//! The system calls of the room, and nothing above them.
//!
//! This folder is one of two with `unsafe` blocks; the other, `src/sys`, is for
//! calls that the room must not make. Each file is one capability, and offers
//! it as safe functions on plain values.

#![expect(unsafe_code, reason = "system calls; each block argues its case")]

mod calls;
mod clock;
mod cpu;
mod descriptor;
mod errno;
mod event_count;
mod mask;
mod proc;
mod process;
mod sched;
mod socket;
mod terminate;
mod timer;

pub(in crate::kill_path) use self::calls::{Sort, call};
pub(crate) use self::clock::{Nanos, now};
pub(in crate::kill_path) use self::cpu::cpu;
pub(in crate::kill_path) use self::descriptor::{FileKind, kind};
pub(crate) use self::errno::Errno;
pub(crate) use self::event_count::EventCount;
pub(crate) use self::mask::{Mask, SignalSet};
pub(crate) use self::proc::Proc;
pub(in crate::kill_path) use self::proc::{File, Tasks};
pub(crate) use self::process::{pid, tid};
pub(in crate::kill_path) use self::sched::ask_for_real_time;
pub(crate) use self::sched::settle;
pub(in crate::kill_path) use self::socket::{End, socket};
pub(crate) use self::terminate::die_of;
pub(in crate::kill_path) use self::terminate::terminate;
pub(in crate::kill_path) use self::timer::{Target, Timer};
