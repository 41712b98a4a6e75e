//! System calls and registrations that the kill path does not make.
//!
//! The other folder with `unsafe` blocks is `crates/deadstop-core/src/sys`. The
//! functions here may allocate, lock, or register a callback.

#![expect(unsafe_code, reason = "system calls; each block argues its case")]

#[cfg(feature = "shutdown")]
pub(crate) mod atexit;
#[cfg_attr(windows, path = "windows/bare_thread.rs")]
pub(crate) mod bare_thread;
#[cfg(all(target_os = "linux", feature = "shutdown"))]
pub(crate) mod cgroup;
#[cfg(all(unix, feature = "shutdown"))]
pub(crate) mod checked_descriptor;
#[cfg(all(unix, feature = "shutdown"))]
#[cfg_attr(not(target_os = "linux"), path = "bsd/child.rs")]
pub(crate) mod child;
#[cfg(feature = "shutdown")]
#[cfg_attr(windows, path = "windows/command.rs")]
pub(crate) mod command;
#[cfg(all(unix, feature = "shutdown"))]
mod descriptor;
#[cfg_attr(windows, path = "windows/errno.rs")]
pub(crate) mod errno;
#[cfg(feature = "shutdown")]
#[cfg_attr(windows, path = "windows/exit.rs")]
pub(crate) mod exit;
#[cfg(feature = "shutdown")]
#[cfg_attr(windows, path = "windows/file.rs")]
pub(crate) mod file;
#[cfg_attr(windows, path = "windows/fork.rs")]
pub(crate) mod fork;
#[cfg(all(target_os = "linux", feature = "shutdown"))]
pub(crate) mod handover;
#[cfg(feature = "health")]
pub(crate) mod listener;
#[cfg(all(target_os = "linux", feature = "shutdown"))]
pub(crate) mod main_signal_stack;
#[cfg_attr(windows, path = "windows/memory.rs")]
pub(crate) mod memory;
pub(crate) mod own_code;
#[cfg(feature = "health")]
pub(crate) mod own_descriptors;
#[cfg(all(unix, feature = "shutdown"))]
pub(crate) mod poll;
#[cfg(feature = "health")]
pub(crate) mod poll_set;
#[cfg(feature = "shutdown")]
pub(crate) mod published;
#[cfg(unix)]
pub(crate) mod quiet_write;
#[cfg(feature = "shutdown")]
pub(crate) mod recent_time;
#[cfg(feature = "signals")]
#[cfg_attr(windows, path = "windows/signals.rs")]
pub(crate) mod signals;
#[cfg(all(unix, feature = "shutdown"))]
pub(crate) mod spawn;
#[cfg(deadstop_stacks)]
pub(crate) mod stacks;
#[cfg_attr(windows, path = "windows/standard_error.rs")]
pub(crate) mod standard_error;
#[cfg(feature = "terminal")]
pub(crate) mod terminal;
#[cfg_attr(windows, path = "windows/thread.rs")]
#[cfg_attr(
    not(feature = "shutdown"),
    expect(dead_code, reason = "threads of tasks are named from outside")
)]
#[cfg_attr(all(unix, not(target_os = "linux")), path = "bsd/thread.rs")]
pub(crate) mod thread;

#[cfg_attr(windows, path = "windows/verified_file.rs")]
pub(crate) mod verified_file;

#[cfg(all(unix, feature = "shutdown"))]
pub(crate) use self::descriptor::{descriptor_is_writable, process_is_secure};
