//! The registers of a walk, on each of the processors that framehop knows.

use framehop::UnwindRegsNative;

use crate::sys::stacks::registers::Registers;

/// The registers as they were in the frame that a walk has come to.
#[derive(Clone, Copy)]
pub(super) struct Native(UnwindRegsNative);

impl Native {
    pub(super) fn registers(&mut self) -> &mut UnwindRegsNative {
        &mut self.0
    }

    pub(super) fn sp(&self) -> u64 {
        self.0.sp()
    }

    /// Moves the stack pointer to where a return address was found, and past it where the
    /// processor takes return addresses from the stack.
    pub(super) fn leave_to(&mut self, found_at: u64, caller: u64) {
        let word = u64::from(cfg!(target_arch = "x86_64")) * 8;
        self.0.set_sp(found_at.wrapping_add(word));
        #[cfg(target_arch = "x86_64")]
        self.0.set_ip(caller);
        #[cfg(target_arch = "aarch64")]
        self.0.set_lr(caller);
    }
}

#[cfg(target_arch = "x86_64")]
impl Native {
    pub(super) fn new(registers: &Registers) -> Self {
        let Registers { pc, sp, fp, .. } = *registers;
        Self(UnwindRegsNative::new(pc, sp, fp))
    }

    /// Leaves a function that has not moved the stack pointer. Returns where it
    /// returns to.
    pub(super) fn leave_leaf(&mut self, read: &mut impl FnMut(u64) -> Option<u64>) -> Option<u64> {
        let caller = read(self.0.sp())?;
        self.0.set_ip(caller);
        self.0.set_sp(self.0.sp().checked_add(8)?);
        Some(caller)
    }
}

#[cfg(target_arch = "aarch64")]
impl Native {
    pub(super) fn new(registers: &Registers) -> Self {
        /// Addresses of programs have 48 bits. Above them, a signed return
        /// address has its signature.
        const ADDRESS: framehop::aarch64::PtrAuthMask =
            framehop::aarch64::PtrAuthMask(u64::MAX >> 16);
        let Registers { sp, fp, lr, .. } = *registers;
        Self(UnwindRegsNative::new_with_ptr_auth_mask(
            ADDRESS, lr, sp, fp,
        ))
    }

    /// Leaves a function that has not moved the stack pointer. Returns where it
    /// returns to.
    pub(super) fn leave_leaf(&mut self, _read: &mut impl FnMut(u64) -> Option<u64>) -> Option<u64> {
        Some(self.0.lr())
    }
}
