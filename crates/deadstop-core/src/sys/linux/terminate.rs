//! The last system call of the process.

use core::ffi::c_int;

use super::process::{pid, tid};
use super::signal_actions::set_default_action;
use super::signal_mask::SignalMask;
use crate::sys::SignalSet;

/// Ends the process now, with `status`, from any thread.
///
/// No destructor, `atexit` handler or flush runs: one of those may be what
/// hangs.
///
/// It does the same as `_exit`, without calling it: a preloaded library may
/// have replaced `_exit`, and its loop around a refused `exit_group` would leave
/// no room for the two steps that follow here, `SIGKILL` to the process and a
/// fault that no filter can refuse.
///
/// Async-signal-safe.
pub fn terminate(status: c_int) -> ! {
    loop {
        // SAFETY: `exit_group` takes an integer and has no other precondition.
        unsafe { libc::syscall(libc::SYS_exit_group, status) };
        // Reached only where a seccomp filter refuses the call.
        // SAFETY: kill(2) takes two integers; it is async-signal-safe.
        unsafe { libc::kill(pid(), libc::SIGKILL) };
        fault();
    }
}

/// Ends the process by `signal`'s default action, as if the program had never
/// handled it, so that its parent sees the signal.
///
/// As pid 1 of a PID namespace, where the kernel protects a process from its
/// own signals, ends the process with status 128 + `signal` instead.
///
/// Async-signal-safe.
pub fn end_by_signal(signal: c_int) -> ! {
    set_default_action(signal);
    SignalMask::unblock(SignalSet::EMPTY.with(signal));
    // SAFETY: tgkill(2) takes three integers, and these name the calling
    // thread, which no longer blocks the signal: it is delivered before the
    // call returns.
    unsafe { libc::syscall(libc::SYS_tgkill, pid(), tid(), signal) };
    terminate(128_i32.wrapping_add(signal))
}

/// Runs an instruction that the processor refuses. On a thread that blocks
/// every signal, the kernel ends the process for it, whatever handlers there
/// are.
fn fault() {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    // SAFETY: an invalid opcode touches no memory; the trap is the purpose.
    unsafe {
        core::arch::asm!("ud2", options(nomem, nostack));
    }
    #[cfg(any(target_arch = "arm", target_arch = "aarch64"))]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!("udf #0", options(nomem, nostack));
    }
    #[cfg(any(target_arch = "riscv32", target_arch = "riscv64"))]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!("unimp", options(nomem, nostack));
    }
}
