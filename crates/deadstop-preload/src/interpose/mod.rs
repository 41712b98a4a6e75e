//! The functions that the program calls in place of the C library's.
//!
//! Each must be async-signal-safe where the C library's is: none allocates or locks.

#![expect(unsafe_code, reason = "functions of the C library, with its contracts")]

mod actions;
mod exit;
mod signalfd;
mod standard_error;
mod waits;

/// Looks up the functions that are replaced. For the constructor.
pub(crate) fn look_up() {
    actions::look_up();
    exit::look_up();
    signalfd::look_up();
    standard_error::look_up();
    waits::look_up();
}
