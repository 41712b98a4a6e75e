//! What it takes to have another thread's stack: a signal, an unwinder, and
//! who has mapped which code.

pub(crate) mod loader;
pub(crate) mod proc_status;
pub(crate) mod signal;
pub(crate) mod unwind;
