//! `exit`, and `main`'s return, as triggers: only if `DEADSTOP_ON` names `exit`.
//!
//! A return from `main` does not call `exit` by its name, so `main` is wrapped. With glibc
//! the constructor has run by then, and without `exit` in `DEADSTOP_ON` the program's own
//! `main` is called. musl calls the constructors later, so `main` is always wrapped there.

use core::ffi::{c_char, c_int, c_void};
use core::mem::transmute;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::cause::Trigger;
use crate::settings::SETTINGS;
use crate::sys::next::Next;
use crate::watch;

type Exit = unsafe extern "C-unwind" fn(c_int) -> !;
type Main = unsafe extern "C-unwind" fn(c_int, *mut *mut c_char, *mut *mut c_char) -> c_int;
type StartMain = unsafe extern "C-unwind" fn(
    Main,
    c_int,
    *mut *mut c_char,
    *mut c_void,
    *mut c_void,
    *mut c_void,
    *mut c_void,
) -> c_int;

// SAFETY: the type of that function in the C library.
static EXIT: Next<Exit> = unsafe { Next::new(c"exit") };
// SAFETY: the type of that function in the C library.
static START_MAIN: Next<StartMain> = unsafe { Next::new(c"__libc_start_main") };

/// The program's `main`.
static MAIN: AtomicUsize = AtomicUsize::new(0);

pub(super) fn look_up() {
    EXIT.look_up();
}

fn leaving() {
    if SETTINGS.hears_exit() {
        watch::arm(Trigger::Exit);
    }
}

/// C's `exit`.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn exit(status: c_int) -> ! {
    leaving();
    let Some(real) = EXIT.function() else {
        deadstop_core::sys::terminate(status)
    };
    // SAFETY: no precondition.
    unsafe { real(status) }
}

unsafe extern "C-unwind" fn main_then_exit(
    count: c_int,
    arguments: *mut *mut c_char,
    environment: *mut *mut c_char,
) -> c_int {
    // SAFETY: `__libc_start_main` has stored the program's `main`, and calls this after.
    let main = unsafe { transmute::<usize, Main>(MAIN.load(Ordering::Acquire)) };
    // SAFETY: the arguments are the C library's.
    let status = unsafe { main(count, arguments, environment) };
    leaving();
    status
}

/// The C library's function that a program's first instructions call.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn __libc_start_main(
    main: Main,
    count: c_int,
    arguments: *mut *mut c_char,
    init: *mut c_void,
    fini: *mut c_void,
    loader_fini: *mut c_void,
    stack_end: *mut c_void,
) -> c_int {
    let called = if SETTINGS.hears_exit() || cfg!(not(target_env = "gnu")) {
        MAIN.store(main as *const () as usize, Ordering::Release);
        main_then_exit
    } else {
        main
    };
    let Some(real) = START_MAIN.function() else {
        deadstop_core::sys::terminate(127)
    };
    // SAFETY: the caller's contract; `main` has the same type.
    unsafe { real(called, count, arguments, init, fini, loader_fini, stack_end) }
}
