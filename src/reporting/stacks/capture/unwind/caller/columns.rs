//! The registers that are followed, by their columns in the tables.

#[cfg(target_arch = "aarch64")]
use addr2line::gimli::AArch64;
use addr2line::gimli::Register;
#[cfg(target_arch = "x86_64")]
use addr2line::gimli::X86_64;

use crate::sys::stacks::registers::Registers;

#[cfg(target_arch = "x86_64")]
pub(super) const STACK_POINTER: Register = X86_64::RSP;
#[cfg(target_arch = "aarch64")]
pub(super) const STACK_POINTER: Register = AArch64::SP;

#[cfg(target_arch = "x86_64")]
pub(super) const FRAME_POINTER: Register = X86_64::RBP;
#[cfg(target_arch = "aarch64")]
pub(super) const FRAME_POINTER: Register = AArch64::X29;

/// The return address.
#[cfg(target_arch = "x86_64")]
pub(super) const RETURN: Register = X86_64::RA;
/// The link register, in which a call leaves its return address.
#[cfg(target_arch = "aarch64")]
pub(super) const RETURN: Register = AArch64::X30;

/// Returns the value of a register that is followed.
pub(super) fn value(registers: &Registers, register: Register) -> Option<u64> {
    match register {
        STACK_POINTER => Some(registers.sp),
        FRAME_POINTER => Some(registers.fp),
        #[cfg(target_arch = "x86_64")]
        RETURN => Some(registers.pc),
        #[cfg(target_arch = "aarch64")]
        RETURN => Some(registers.lr),
        _ => None,
    }
}
