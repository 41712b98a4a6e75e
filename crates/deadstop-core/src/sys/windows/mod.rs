//! The Windows backend.
//!
//! It calls Windows through `windows-sys`: declarations that Microsoft generates from the
//! interface's metadata, without code.
//!
//! | need | here |
//! | --- | --- |
//! | wait and wake-up | `WaitOnAddress`; the watchdog's last wait is on a timer of high resolution |
//! | end | `TerminateProcess` on the own process: no `DllMain` runs |
//! | backup timer | another process, if the program has started one: no timer of Windows ends a process |
//! | signals | none: console events and services call functions |
//! | threads | a snapshot of ids, names and processor times; not what they wait for |

#[path = "../shared/no_descriptors.rs"]
mod descriptor;

mod clock;
mod cpu;
mod errno;
#[path = "../shared/event_count.rs"]
mod event_count;
mod file;
#[path = "../shared/no_fork_mark.rs"]
mod fork_mark;
mod guard;
mod handle;
mod kill;
mod memory;
#[path = "../shared/no_newborn.rs"]
mod newborn;
mod process;
#[path = "../shared/no_processes.rs"]
mod processes;
mod sched;
#[expect(missing_docs, reason = "the names say it")]
pub mod signal_numbers;
mod signals;
#[path = "../shared/no_sockets.rs"]
mod socket;
#[path = "../shared/no_syscalls.rs"]
mod syscalls;
mod terminal;
mod terminate;
mod threads;
mod timer;
mod wait_word;

pub use self::clock::now;
pub use self::cpu::cpu_time;
pub use self::descriptor::{file_identity, file_kind};
pub use self::errno::ErrnoGuard;
pub use self::event_count::EventCount;
pub use self::file::unlink;
pub use self::fork_mark::ForkMark;
pub use self::guard::GuardChannel;
pub use self::kill::{inode_of, open_pidfd, yield_now};
pub use self::memory::read_memory;
pub use self::newborn::{Newborn, NewbornAnnouncer};
pub use self::process::{main_tid, pid, tid};
pub use self::processes::{ProcessDescriptors, Processes, local_peer, process_file};
pub use self::sched::{request_prompt_wakeups, request_real_time};
pub use self::signals::SignalMask;
pub use self::socket::{
    AF_INET, AF_INET6, AF_UNIX, Address, peer_process, protocol, socket, tcp_state,
};
pub use self::syscalls::{blocking_call, revealing_call, thread_status};
pub use self::terminal::{ControllingTerminal, TERMINAL_ATTRIBUTES_LEN};
pub use self::terminate::{end_by_signal, terminate};
pub use self::threads::{NumberedEntries, ThreadReader, ThreadSource};
pub use self::timer::Timer;
