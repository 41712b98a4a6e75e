//! Registers that a signal interrupted, as the kernel saved them.

use std::ffi::c_void;

/// The registers that unwinding begins with.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Registers {
    /// The next instruction.
    pub(crate) pc: u64,
    /// The stack pointer.
    pub(crate) sp: u64,
    /// The frame pointer, or whatever the code keeps in that register.
    pub(crate) fp: u64,
    /// The link register; 0 where the processor has none.
    pub(crate) lr: u64,
}

/// Bytes below the stack pointer that a function may use without moving it.
#[cfg(target_arch = "x86_64")]
pub(crate) const RED_ZONE: u64 = 128;
#[cfg(target_arch = "aarch64")]
pub(crate) const RED_ZONE: u64 = 0;

/// Reads the registers out of a signal handler's third argument.
/// Async-signal-safe.
///
/// # Safety
///
/// `context` must be the third argument of a handler with `SA_SIGINFO` that has
/// not returned.
#[cfg(target_arch = "x86_64")]
pub(super) unsafe fn interrupted(context: *const c_void) -> Registers {
    let context = context.cast::<libc::ucontext_t>();
    // SAFETY: the contract says that the kernel's context is there, and no
    // other code writes to it while the handler runs.
    let registers = unsafe { &(*context).uc_mcontext.gregs };
    let read = |index: libc::c_int| registers[index as usize] as u64;
    Registers {
        pc: read(libc::REG_RIP),
        sp: read(libc::REG_RSP),
        fp: read(libc::REG_RBP),
        lr: 0,
    }
}

/// Reads the registers out of a signal handler's third argument.
/// Async-signal-safe.
///
/// # Safety
///
/// `context` must be the third argument of a handler with `SA_SIGINFO` that has
/// not returned.
#[cfg(target_arch = "aarch64")]
pub(super) unsafe fn interrupted(context: *const c_void) -> Registers {
    let context = context.cast::<libc::ucontext_t>();
    // SAFETY: the contract says that the kernel's context is there, and no
    // other code writes to it while the handler runs.
    let machine = unsafe { &(*context).uc_mcontext };
    Registers {
        pc: machine.pc,
        sp: machine.sp,
        fp: machine.regs[29],
        lr: machine.regs[30],
    }
}

/// The positions of the interrupted registers, as offsets from the stack pointer at which a
/// signal handler returns.
pub(crate) struct SignalFrame {
    pub(crate) pc: u64,
    pub(crate) sp: u64,
    pub(crate) fp: u64,
    /// `None` where the processor has no link register.
    pub(crate) lr: Option<u64>,
    /// The code that a handler returns to: the system call `rt_sigreturn`.
    pub(crate) code: &'static [u8],
}

/// `struct rt_sigframe` of the kernel, which is part of its binary interface:
/// a `ucontext`, after the handler has popped its return address.
#[cfg(target_arch = "x86_64")]
pub(crate) const SIGNAL_FRAME: SignalFrame = SignalFrame {
    fp: 120,
    sp: 160,
    pc: 168,
    lr: None,
    // mov $15, %rax; syscall
    code: &[0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05],
};

/// `struct rt_sigframe` of the kernel, which is part of its binary interface:
/// a `siginfo` of 128 bytes, and a `ucontext`.
#[cfg(target_arch = "aarch64")]
pub(crate) const SIGNAL_FRAME: SignalFrame = SignalFrame {
    fp: 128 + 416,
    lr: Some(128 + 424),
    sp: 128 + 432,
    pc: 128 + 440,
    // mov x8, #139; svc #0
    code: &[0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4],
};

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn signal_frame_offsets_are_those_of_the_c_library() {
        let registers = offset_of!(libc::ucontext_t, uc_mcontext);
        let at = |index: libc::c_int| (registers + 8 * index as usize) as u64;
        assert_eq!(SIGNAL_FRAME.fp, at(libc::REG_RBP));
        assert_eq!(SIGNAL_FRAME.sp, at(libc::REG_RSP));
        assert_eq!(SIGNAL_FRAME.pc, at(libc::REG_RIP));
    }

    #[test]
    #[cfg(target_arch = "aarch64")]
    fn signal_frame_offsets_are_those_of_the_c_library() {
        let machine = 128 + offset_of!(libc::ucontext_t, uc_mcontext);
        let at = |offset: usize| (machine + offset) as u64;
        let registers = offset_of!(libc::mcontext_t, regs);
        assert_eq!(SIGNAL_FRAME.fp, at(registers + 29 * 8));
        assert_eq!(SIGNAL_FRAME.lr, Some(at(registers + 30 * 8)));
        assert_eq!(SIGNAL_FRAME.sp, at(offset_of!(libc::mcontext_t, sp)));
        assert_eq!(SIGNAL_FRAME.pc, at(offset_of!(libc::mcontext_t, pc)));
    }
}
