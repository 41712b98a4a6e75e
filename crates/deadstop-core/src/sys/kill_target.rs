//! A child process to kill, as a plain value that every backend uses.

use core::ffi::c_int;

/// A child process to kill.
#[derive(Clone, Copy, Debug)]
pub struct KillTarget {
    /// The child's process id.
    pub pid: c_int,
    /// A pidfd of the child. Only Linux has them.
    pub pidfd: Option<c_int>,
    /// The inode of the pidfd, which tells whether the number is still its own. Zero if it
    /// is not known.
    pub inode: u64,
    /// Also kill the process group that the child leads. Windows has no groups that could
    /// be killed.
    pub kills_group: bool,
}
