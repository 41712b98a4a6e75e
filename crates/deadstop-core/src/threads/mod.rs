//! The thread dump: the threads of the process, and what each is doing.
//!
//! It is collected shortly before the deadline, when nothing of the process can
//! be relied on: by bare system calls, into a table on the collector's stack.
//! Unavailable values are left out, and the report says so.
//!
//! Nothing here waits for another thread, with one exception: the kernel lets a
//! reader of `syscall` wait while the process itself is in `exec`. Measured:
//! 0.2 ms of processor time for 10 threads, 2.6 ms for 1,000, and a pause of
//! 20 ms.
//!
//! ```text
//! collect ──▶ table           which threads are listed
//!         ──▶ cpu_samples     in which order
//!         ──▶ inspect ──▶ parse     one thread's files
//!                     ──▶ infer     what they mean
//!                     ──▶ describe  its descriptor: address, sanitize
//!         ──▶ find_blockers   which other thread or process holds up each
//!         ──▶ find_other_ends     by the other end of a pipe or a socket
//! format                      a thread in the report's words
//! ```

mod activity;
pub mod address;
mod blocker;
mod collect;
mod cpu_samples;
mod describe;
mod find_blockers;
mod find_other_ends;
pub mod format;
mod heap_sort;
pub mod infer;
mod inspect;
pub mod own;
pub mod parse;
pub mod sanitize;
mod table;
mod thread;

pub use self::activity::{Activity, Descriptor, DescriptorKind, SystemCall};
pub use self::blocker::{Blocker, Hold};
pub(crate) use self::heap_sort::heap_sort_by_key;
pub use self::table::{ThreadList, ThreadTable};
pub use self::thread::Thread;

use crate::sys::{Nanos, now};

/// Returns `true` if it is `until`, or later.
#[inline(never)] // Reading the clock is 150 bytes in each function that does it.
fn is_over(until: Nanos) -> bool {
    now() >= until
}
