//! The Linux backend.

mod bypass;
mod clock;
mod cpu;
mod descriptor;
#[path = "../posix/errno.rs"]
mod errno;
#[path = "../shared/event_count.rs"]
mod event_count;
#[path = "../posix/file.rs"]
mod file;
mod fork_mark;
mod kill;
mod local_peer;
mod memory;
mod newborn;
mod process;
mod processes;
mod sched;
#[path = "../posix/signal_actions.rs"]
mod signal_actions;
mod signal_mask;
#[path = "../posix/signal_numbers.rs"]
pub mod signal_numbers;
mod socket;
mod syscalls;
mod terminal;
mod terminate;
mod thread_status;
mod threads;
mod timer;
mod wait_word;

pub use self::bypass::bypass_libc;
pub use self::clock::{now, recent};
pub use self::cpu::cpu_time;
pub use self::descriptor::{file_identity, file_kind};
pub use self::errno::ErrnoGuard;
pub use self::event_count::EventCount;
pub use self::file::unlink;
pub use self::fork_mark::ForkMark;
pub use self::kill::{inode_of, open_pidfd, yield_now};
pub use self::local_peer::local_peer;
pub use self::memory::read_memory;
pub use self::newborn::{Newborn, NewbornAnnouncer};
pub use self::process::{main_tid, pid, tid};
pub use self::processes::{ProcessDescriptors, Processes, process_file};
pub use self::sched::{request_prompt_wakeups, request_real_time};
pub use self::signal_actions::{action_of, handle_if_free, set_default_action};
pub use self::signal_mask::SignalMask;
pub use self::socket::{
    AF_INET, AF_INET6, AF_UNIX, Address, peer_process, protocol, socket, tcp_state,
};
pub use self::syscalls::{blocking_call, revealing_call};
pub use self::terminal::{ControllingTerminal, TERMINAL_ATTRIBUTES_LEN};
pub use self::terminate::{end_by_signal, terminate};
pub use self::thread_status::thread_status;
pub use self::threads::{NumberedEntries, ThreadReader, ThreadSource};
pub use self::timer::Timer;
