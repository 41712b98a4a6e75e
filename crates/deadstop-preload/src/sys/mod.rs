//! The system calls that `deadstop-core` does not make, and the C library's functions
//! that are replaced.

#![expect(
    unsafe_code,
    reason = "system calls and symbols; each block states its preconditions"
)]

pub(crate) mod descriptor;
pub(crate) mod descriptor_table;
pub(crate) mod directory;
pub(crate) mod environment;
pub(crate) mod fork;
pub(crate) mod interrupted;
pub(crate) mod kept_file;
pub(crate) mod lines;
pub(crate) mod next;
#[cfg(all(panic = "abort", not(test)))]
mod no_std;
pub(crate) mod python;
pub(crate) mod quiet;
pub(crate) mod raise;
pub(crate) mod raw_thread;
pub(crate) mod signal_info;
