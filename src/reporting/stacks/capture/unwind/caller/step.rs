//! A step from a frame to its caller's.

use crate::sys::stacks::registers::Registers;

/// A step outwards.
pub(super) enum Step {
    /// The registers in the caller.
    To(Registers),
    /// The function that the thread began with has no caller.
    End,
}

/// What the next frame pointer of a chain says.
#[cfg_attr(
    target_arch = "x86_64",
    expect(dead_code, reason = "any frame pointer can be the next there")
)]
pub(super) enum Link {
    /// It can be the caller's.
    Next,
    /// The caller keeps no frame pointer: the chain is over.
    Last,
    /// It cannot be the caller's.
    Broken,
}
