//! Descriptors on a system that does not say what a thread waits for.

use core::ffi::c_int;

use crate::sys::{FileIdentity, FileKind};

/// Returns `None`: no thread is known to wait for a descriptor.
pub fn file_kind(_descriptor: c_int) -> Option<FileKind> {
    None
}

/// Returns `None`, for the same reason.
pub fn file_identity(_descriptor: c_int) -> Option<FileIdentity> {
    None
}
