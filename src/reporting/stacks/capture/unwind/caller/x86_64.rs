//! The steps of x86-64: a call pushes its return address, and the frame pointer is often a register
//! like any other.

use super::columns::FRAME_POINTER;
use super::row::{Read, Row};
use super::step::{Link, Step};
use crate::sys::stacks::registers::Registers;

/// Bytes of a word of the stack.
const WORD: u64 = 8;

/// Finds the caller by a row. `is_call` is set if the frame has called another.
pub(super) fn step(row: &mut Row<'_, '_>, is_call: bool) -> Option<Step> {
    let Registers { pc, sp, fp, .. } = *row.registers;
    let is_by_frame_pointer = row.is_by(FRAME_POINTER);
    if row.is_return_undefined() || fp == 0 && is_by_frame_pointer {
        return Some(Step::End);
    }
    let cfa = row.cfa()?;
    let least = match is_by_frame_pointer {
        true => sp.checked_add(1)?,
        // A function's first instruction may be interrupted.
        false if is_call => sp,
        false => 0,
    };
    if cfa < least {
        return None;
    }
    let next_fp = row.frame_pointer(cfa).unwrap_or(fp);
    let address = match row.return_address(cfa, pc) {
        Some(address) => address,
        None => (row.read)(cfa.checked_sub(WORD)?)?,
    };
    Some(Step::To(moved(address, cfa, next_fp)))
}

/// Code without a frame pointer has anything in that register.
pub(super) fn link(_fp: u64, _next_fp: u64) -> Link {
    Link::Next
}

/// Returns `true` if a step has gone nowhere.
pub(super) fn stands(next: &Registers, registers: &Registers, _is_call: bool) -> bool {
    next.sp == registers.sp && next.pc == registers.pc
}

/// Returns the caller of a function that has not moved the stack pointer.
pub(crate) fn by_leaf(registers: &Registers, read: &mut Read<'_>) -> Option<Registers> {
    let Registers { sp, fp, .. } = *registers;
    Some(moved(read(sp)?, sp.checked_add(WORD)?, fp))
}

/// Returns the registers in the caller, to which the code at `address` belongs.
pub(crate) fn moved(address: u64, sp: u64, fp: u64) -> Registers {
    Registers {
        pc: address,
        sp,
        fp,
        lr: 0,
    }
}
