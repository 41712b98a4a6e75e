//! The last call the process makes.

use ::core::ffi::c_int;

use super::mask::{Mask, SignalSet};
use super::process::{pid, tid};

/// Ends the process now, with `status`, from whichever thread calls it.
///
/// No destructor, `atexit` handler or flush runs: we are here because one of
/// those did not return.
///
/// It is `_exit` without its name. `_exit` is one `exit_group` in a loop; a
/// preloaded library may have put its own in that place, which would be someone
/// else's code, and a loop around a refused call leaves no room for what stands
/// behind it here: `SIGKILL` to oneself, and a fault that no filter can refuse.
///
/// Async-signal-safe.
pub(crate) fn terminate(status: c_int) -> ! {
    loop {
        // SAFETY: `exit_group` takes an integer and asks for nothing else, and
        // may be called whatever locks are held, and by whom.
        unsafe { ::libc::syscall(::libc::SYS_exit_group, status) };
        // Reached only where a seccomp filter refuses the call.
        // SAFETY: kill(2) takes two integers; it is async-signal-safe.
        unsafe { ::libc::kill(pid(), ::libc::SIGKILL) };
        fault();
    }
}

/// Ends the process by `signal`'s default action, as if nobody had ever handled
/// it, so that whoever waits for the process sees which signal it was.
///
/// As pid 1 of a PID namespace, where the kernel shields a process from its own
/// signals, it ends with 128 + `signal` instead.
///
/// Async-signal-safe.
pub(crate) fn die_of(signal: c_int) -> ! {
    Mask::default_action(signal);
    Mask::hear(SignalSet::EMPTY.with(signal));
    // SAFETY: tgkill(2) takes three integers, and these name the calling
    // thread, which no longer blocks the signal: it is delivered before the
    // call returns.
    unsafe { ::libc::syscall(::libc::SYS_tgkill, pid(), tid(), signal) };
    terminate(128_i32.wrapping_add(signal))
}

/// An instruction that the processor refuses. On a thread that blocks every
/// signal, the kernel ends the process for it whatever handlers there are.
fn fault() {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    // SAFETY: an invalid opcode touches no memory; the trap is the purpose.
    unsafe {
        ::core::arch::asm!("ud2", options(nomem, nostack));
    }
    #[cfg(any(target_arch = "arm", target_arch = "aarch64"))]
    // SAFETY: as above.
    unsafe {
        ::core::arch::asm!("udf #0", options(nomem, nostack));
    }
    #[cfg(any(target_arch = "riscv32", target_arch = "riscv64"))]
    // SAFETY: as above.
    unsafe {
        ::core::arch::asm!("unimp", options(nomem, nostack));
    }
}
