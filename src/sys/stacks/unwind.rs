//! The calling thread's frames, by the C compiler's unwinder.

use std::ffi::{c_int, c_void};

/// A frame, as the unwinder has it.
pub(crate) struct Frame {
    pub(crate) address: usize,
    /// At a call, and the address is where that returns. Else the thread was
    /// interrupted here by a signal.
    pub(crate) is_call: bool,
}

/// Shows `visit` every frame of the calling thread, from the inside out, until
/// it returns false.
///
/// Async-signal-safe, if `visit` is, with an unwinder that looks frames up by
/// `_dl_find_object`, and once it has been called before: see
/// [`loader`](super::loader). It allocates nothing. It takes libgcc's lock in a
/// program that has registered frames of code it has made itself, up to GCC 12.
pub(crate) fn walk<F: FnMut(Frame) -> bool>(mut visit: F) {
    // SAFETY: the function is called on this thread only, before this call
    // returns, with the pointer given, which is to a live `F`. The unwinder may
    // be called in any place that a signal may interrupt.
    unsafe { _Unwind_Backtrace(show::<F>, (&raw mut visit).cast()) };
}

/// Where the unwinder itself is.
pub(crate) fn address() -> usize {
    _Unwind_Backtrace as *const () as usize
}

/// `_URC_NO_REASON`: go on.
const ON: c_int = 0;
/// `_URC_END_OF_STACK`: any code but that one ends the walk.
const ENOUGH: c_int = 5;

extern "C" fn show<F: FnMut(Frame) -> bool>(context: *mut Context, visit: *mut c_void) -> c_int {
    let mut is_exact = 0;
    // SAFETY: the context is the unwinder's own, and the pointer is valid for
    // writes.
    let address = unsafe { _Unwind_GetIPInfo(context, &raw mut is_exact) };
    // SAFETY: the pointer is `walk`'s, to an `F` that lives until `walk`
    // returns, and of which there is no other reference.
    let visit = unsafe { &mut *visit.cast::<F>() };
    let frame = Frame {
        address,
        is_call: is_exact == 0,
    };
    if visit(frame) { ON } else { ENOUGH }
}

/// The unwinder's, and opaque.
#[repr(C)]
struct Context {
    _opaque: [u8; 0],
}

// From libgcc, which `std` unwinds with: they are there in every program.
unsafe extern "C" {
    fn _Unwind_Backtrace(
        show: extern "C" fn(*mut Context, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIPInfo(context: *mut Context, is_exact: *mut c_int) -> usize;
}
