//! The steps of 64-bit ARM: a call leaves its return address in the link register, and each function
//! that calls another keeps a frame pointer.

use super::columns::{FRAME_POINTER, RETURN, STACK_POINTER};
use super::row::{Read, Row};
use super::step::{Link, Step};
use crate::sys::stacks::registers::Registers;

/// Addresses of programs have 48 bits. Above them, a signed return address has its
/// signature.
const ADDRESS_BITS: u64 = u64::MAX >> 16;

/// Finds the caller by a row. `is_call` is set if the frame has called another.
pub(super) fn step(row: &mut Row<'_, '_>, is_call: bool) -> Option<Step> {
    let Registers { sp, fp, lr, .. } = *row.registers;
    let is_by_frame_pointer = row.is_by(FRAME_POINTER);
    let is_fp_saved = row.is_saved(FRAME_POINTER);
    // "Undefined" may mean "not changed" too.
    if row.is_return_undefined() && is_call && row.is_by(STACK_POINTER) && !is_fp_saved {
        return Some(Step::End);
    }
    let cfa = row.cfa()?;
    let least = match is_by_frame_pointer || is_call {
        true => sp.checked_add(1)?,
        false => 0,
    };
    if cfa < least {
        return None;
    }
    let next_fp = match row.frame_pointer(cfa) {
        // Registers that were popped may still be named in an epilogue.
        None if is_call && is_fp_saved => return None,
        next => next.unwrap_or(fp),
    };
    if is_by_frame_pointer {
        match link(fp, next_fp) {
            Link::Next => {}
            Link::Last => return Some(Step::End),
            Link::Broken => return None,
        }
    }
    let address = match row.return_address(cfa, lr) {
        Some(address) if row.is_saved(RETURN) || !is_call => address,
        Some(address) if address != lr => address,
        // The link register is the caller's own by now.
        Some(_) => return None,
        None if !is_call => lr,
        None => return None,
    };
    Some(Step::To(moved(address, cfa, next_fp)))
}

/// Each frame pointer is above the one before, and zero in the outermost function.
pub(super) fn link(fp: u64, next_fp: u64) -> Link {
    match next_fp {
        0 => Link::Last,
        next if next <= fp => Link::Broken,
        _ => Link::Next,
    }
}

/// Returns `true` if a step has gone nowhere: only a function that calls no other leaves the
/// stack pointer alone.
pub(super) fn stands(next: &Registers, registers: &Registers, is_call: bool) -> bool {
    next.sp == registers.sp && is_call
}

/// Returns the caller of a function that has not moved the stack pointer.
#[expect(
    clippy::unnecessary_wraps,
    reason = "other processors read the stack for it"
)]
pub(crate) fn by_leaf(registers: &Registers, _: &mut Read<'_>) -> Option<Registers> {
    let Registers { sp, fp, lr, .. } = *registers;
    Some(moved(lr, sp, fp))
}

/// Returns the registers in the caller, to which the code at `address` belongs.
pub(crate) fn moved(address: u64, sp: u64, fp: u64) -> Registers {
    Registers {
        pc: address & ADDRESS_BITS,
        sp,
        fp,
        lr: address,
    }
}
