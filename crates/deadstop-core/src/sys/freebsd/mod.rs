//! The FreeBSD backend. It was type-checked, and never run.
//!
//! | need | here |
//! | --- | --- |
//! | wait and wake-up | `_umtx_op`, with an absolute deadline |
//! | end | `_exit` |
//! | backup timer | `timer_create` with `SIGKILL` |
//! | threads | not listed |

mod clock;
#[path = "../posix/cpu.rs"]
mod cpu;
#[path = "../shared/no_descriptors.rs"]
mod descriptor;
#[path = "../posix/errno.rs"]
mod errno;
#[path = "../shared/event_count.rs"]
mod event_count;
#[path = "../posix/file.rs"]
mod file;
#[path = "../shared/no_fork_mark.rs"]
mod fork_mark;
#[path = "../posix/kill.rs"]
mod kill;
#[path = "../posix/memory.rs"]
mod memory;
#[path = "../shared/no_newborn.rs"]
mod newborn;
mod process;
#[path = "../shared/no_processes.rs"]
mod processes;
#[path = "../posix/sched.rs"]
mod sched;
#[path = "../posix/signal_actions.rs"]
mod signal_actions;
#[path = "../posix/signal_mask.rs"]
mod signal_mask;
#[path = "../posix/signal_numbers.rs"]
pub mod signal_numbers;
#[path = "../shared/no_sockets.rs"]
mod socket;
#[path = "../shared/no_syscalls.rs"]
mod syscalls;
#[path = "../posix/terminal.rs"]
mod terminal;
#[path = "../posix/terminate.rs"]
mod terminate;
#[path = "../shared/no_threads.rs"]
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
pub use self::kill::{inode_of, open_pidfd, yield_now};
pub use self::memory::read_memory;
pub use self::newborn::{Newborn, NewbornAnnouncer};
pub use self::process::{main_tid, pid, tid};
pub use self::processes::{ProcessDescriptors, Processes, local_peer, process_file};
pub use self::sched::{request_prompt_wakeups, request_real_time};
pub use self::signal_actions::{action_of, handle_if_free, set_default_action};
pub use self::signal_mask::SignalMask;
pub use self::socket::{
    AF_INET, AF_INET6, AF_UNIX, Address, peer_process, protocol, socket, tcp_state,
};
pub use self::syscalls::{blocking_call, revealing_call, thread_status};
pub use self::terminal::{ControllingTerminal, TERMINAL_ATTRIBUTES_LEN};
pub use self::terminate::{end_by_signal, terminate};
pub use self::threads::{NumberedEntries, ThreadReader, ThreadSource};
pub use self::timer::Timer;
