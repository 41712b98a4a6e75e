//! A row of the tables: where each register of the caller is, as seen from one instruction.

use addr2line::gimli::{
    CfaRule, EhFrame, Register, RegisterRule, UnwindContextStorage, UnwindExpression,
    UnwindTableRow,
};

use super::super::expression;
use super::columns::{self, FRAME_POINTER, RETURN};
use super::sections::Bytes;
use crate::sys::stacks::registers::Registers;

/// A function that reads a word of the stack.
pub(crate) type Read<'a> = dyn FnMut(u64) -> Option<u64> + 'a;

/// Memory for the evaluation of tables. A row names some twenty registers.
pub(super) struct OnStack;

impl UnwindContextStorage<usize> for OnStack {
    type Rules = [(Register, RegisterRule<usize>); 96];
    type Stack = [UnwindTableRow<usize, Self>; 4];
}

/// A row, and the frame that it is about.
pub(super) struct Row<'a, 'r> {
    pub(super) rules: &'a UnwindTableRow<usize, OnStack>,
    pub(super) frames: &'a EhFrame<Bytes>,
    pub(super) registers: &'a Registers,
    pub(super) read: &'a mut Read<'r>,
}

impl Row<'_, '_> {
    /// Returns `true` if the caller's stack pointer is an offset from `register`.
    pub(super) fn is_by(&self, register: Register) -> bool {
        matches!(self.rules.cfa(), CfaRule::RegisterAndOffset { register: by, .. } if *by == register)
    }

    /// Returns the caller's stack pointer, "canonical frame address" in the tables' words.
    pub(super) fn cfa(&mut self) -> Option<u64> {
        match self.rules.cfa().clone() {
            CfaRule::RegisterAndOffset { register, offset } => {
                self.register(register)?.checked_add_signed(offset)
            }
            CfaRule::Expression(expression) => self.evaluate(expression),
        }
    }

    /// Returns `true` if the row has no rule for the return address.
    pub(super) fn is_return_undefined(&self) -> bool {
        matches!(self.rules.register(RETURN), RegisterRule::Undefined)
    }

    /// Returns `true` if the register is on the stack.
    #[cfg(target_arch = "aarch64")]
    pub(super) fn is_saved(&self, register: Register) -> bool {
        matches!(self.rules.register(register), RegisterRule::Offset(_))
    }

    /// Returns the frame pointer in the caller; `None` if that is not known.
    pub(super) fn frame_pointer(&mut self, cfa: u64) -> Option<u64> {
        self.value(FRAME_POINTER, cfa, self.registers.fp)
    }

    /// Returns the return address; `None` if that is not known. Where the row says that the
    /// register was not changed, it is `before`.
    pub(super) fn return_address(&mut self, cfa: u64, before: u64) -> Option<u64> {
        self.value(RETURN, cfa, before)
    }

    /// The value that a register has in the caller; `None` if that is not known.
    fn value(&mut self, register: Register, cfa: u64, before: u64) -> Option<u64> {
        match self.rules.register(register) {
            RegisterRule::SameValue => Some(before),
            RegisterRule::Offset(offset) => (self.read)(cfa.checked_add_signed(offset)?),
            RegisterRule::ValOffset(offset) => cfa.checked_add_signed(offset),
            RegisterRule::Register(register) => self.register(register),
            RegisterRule::Expression(expression) => {
                let address = self.evaluate(expression)?;
                (self.read)(address)
            }
            RegisterRule::ValExpression(expression) => self.evaluate(expression),
            _ => None,
        }
    }

    fn register(&self, register: Register) -> Option<u64> {
        columns::value(self.registers, register)
    }

    fn evaluate(&mut self, expression: UnwindExpression<usize>) -> Option<u64> {
        let code = expression.get(self.frames).ok()?.0;
        let registers = self.registers;
        expression::evaluate(
            code,
            |register| columns::value(registers, register),
            self.read,
        )
    }
}
