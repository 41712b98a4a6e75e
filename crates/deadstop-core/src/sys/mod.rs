//! The operating system, as far as this crate uses it: one folder for each
//! backend, all with the same functions.
//!
//! [`Nanos`], [`SignalSet`], [`KillTarget`], [`Target`] and the types of `inspection` are
//! plain values that every backend uses. Each file of a backend offers one capability as
//! safe functions on plain values. `posix` and `shared` have the files that several
//! backends share.

#![expect(
    unsafe_code,
    reason = "system calls; each block states its preconditions"
)]

#[cfg_attr(target_os = "linux", path = "linux/mod.rs")]
#[cfg_attr(target_os = "freebsd", path = "freebsd/mod.rs")]
#[cfg_attr(target_os = "macos", path = "macos/mod.rs")]
#[cfg_attr(windows, path = "windows/mod.rs")]
mod backend;
mod inspection;
mod kill_target;
mod nanos;
mod signal_set;
mod timer_target;
mod words;

#[cfg(windows)]
pub use self::backend::GuardChannel;
pub use self::backend::{
    AF_INET, AF_INET6, AF_UNIX, Address, ControllingTerminal, ErrnoGuard, EventCount, ForkMark,
    Newborn, NewbornAnnouncer, NumberedEntries, ProcessDescriptors, Processes, SignalMask,
    TERMINAL_ATTRIBUTES_LEN, ThreadReader, ThreadSource, Timer, blocking_call, cpu_time,
    end_by_signal, file_identity, file_kind, inode_of, local_peer, main_tid, now, open_pidfd,
    peer_process, pid, process_file, protocol, read_memory, request_prompt_wakeups,
    request_real_time, revealing_call, signal_numbers, socket, tcp_state, terminate, thread_status,
    tid, unlink, yield_now,
};
#[cfg(unix)]
pub use self::backend::{action_of, handle_if_free, set_default_action};
#[cfg(target_os = "linux")]
pub use self::backend::{bypass_libc, recent};
pub use self::inspection::{
    FileIdentity, FileKind, HeldFile, RevealingCall, Socket, SocketEnd, ThreadFile, ThreadStatus,
    WaitKind,
};
pub use self::kill_target::KillTarget;
pub use self::nanos::Nanos;
pub use self::signal_set::SignalSet;
pub use self::timer_target::Target;
pub use self::words::{read_u32, read_usize};
