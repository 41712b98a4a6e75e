//! Differences between systems.

#[cfg_attr(windows, path = "system/windows.rs")]
#[cfg_attr(unix, path = "system/unix.rs")]
mod backend;

pub(crate) use self::backend::{
    TRIGGERS, in_child, load_library, send_trigger, start_guard, stop_process,
};
