//! Evaluates the expressions of unwind tables.
//!
//! gimli's evaluator also knows types, pieces and calls, which debug information has, and is
//! 14 KB of program. Unwind tables have a few words of arithmetic: in the stubs of the
//! procedure linkage table, and where a function has realigned its stack.

use addr2line::gimli::{self, EndianSlice, LittleEndian, Reader, Register};

/// Values on the stack of an evaluation at most.
const DEPTH: usize = 16;

const LIT0: u8 = gimli::DW_OP_lit0.0;
const LIT31: u8 = gimli::DW_OP_lit31.0;
const BREG0: u8 = gimli::DW_OP_breg0.0;
const BREG31: u8 = gimli::DW_OP_breg31.0;

/// Evaluates `code` with the registers that `register` returns and the words of the stack
/// that `read` returns. `None` if it is malformed, or asks for more than that. Allocates
/// nothing.
#[cold]
pub(super) fn evaluate(
    mut code: EndianSlice<'_, LittleEndian>,
    register: impl Fn(Register) -> Option<u64>,
    read: &mut dyn FnMut(u64) -> Option<u64>,
) -> Option<u64> {
    let mut stack = Stack {
        values: [0; DEPTH],
        len: 0,
    };
    while !code.is_empty() {
        let opcode = code.read_u8().ok()?;
        let value = match gimli::DwOp(opcode) {
            gimli::DW_OP_nop => continue,
            gimli::DW_OP_addr | gimli::DW_OP_const8u | gimli::DW_OP_const8s => {
                code.read_u64().ok()?
            }
            gimli::DW_OP_const1u => code.read_u8().ok()?.into(),
            gimli::DW_OP_const1s => i64::from(code.read_i8().ok()?) as u64,
            gimli::DW_OP_const2u => code.read_u16().ok()?.into(),
            gimli::DW_OP_const2s => i64::from(code.read_i16().ok()?) as u64,
            gimli::DW_OP_const4u => code.read_u32().ok()?.into(),
            gimli::DW_OP_const4s => i64::from(code.read_i32().ok()?) as u64,
            gimli::DW_OP_constu => code.read_uleb128().ok()?,
            gimli::DW_OP_consts => code.read_sleb128().ok()? as u64,
            gimli::DW_OP_plus_uconst => stack.pop()?.wrapping_add(code.read_uleb128().ok()?),
            gimli::DW_OP_deref => read(stack.pop()?)?,
            gimli::DW_OP_dup => *stack.values[..stack.len].last()?,
            _ if (LIT0..=LIT31).contains(&opcode) => u64::from(opcode - LIT0),
            _ if (BREG0..=BREG31).contains(&opcode) => {
                let offset = code.read_sleb128().ok()?;
                register(Register(u16::from(opcode - BREG0)))?.wrapping_add_signed(offset)
            }
            operator => {
                let (last, first) = (stack.pop()?, stack.pop()?);
                of_two(operator, first, last)?
            }
        };
        *stack.values.get_mut(stack.len)? = value;
        stack.len += 1;
    }
    stack.pop()
}

struct Stack {
    values: [u64; DEPTH],
    len: usize,
}

impl Stack {
    fn pop(&mut self) -> Option<u64> {
        self.len = self.len.checked_sub(1)?;
        self.values.get(self.len).copied()
    }
}

/// Returns what an operator makes of the two last values.
fn of_two(operator: gimli::DwOp, first: u64, last: u64) -> Option<u64> {
    let shift = u32::try_from(last).unwrap_or(u32::MAX);
    let signed = (first as i64).cmp(&(last as i64));
    Some(match operator {
        gimli::DW_OP_and => first & last,
        gimli::DW_OP_or => first | last,
        gimli::DW_OP_xor => first ^ last,
        gimli::DW_OP_plus => first.wrapping_add(last),
        gimli::DW_OP_minus => first.wrapping_sub(last),
        gimli::DW_OP_mul => first.wrapping_mul(last),
        gimli::DW_OP_shl => first.checked_shl(shift).unwrap_or(0),
        gimli::DW_OP_shr => first.checked_shr(shift).unwrap_or(0),
        gimli::DW_OP_eq => signed.is_eq().into(),
        gimli::DW_OP_ne => signed.is_ne().into(),
        gimli::DW_OP_ge => signed.is_ge().into(),
        gimli::DW_OP_gt => signed.is_gt().into(),
        gimli::DW_OP_le => signed.is_le().into(),
        gimli::DW_OP_lt => signed.is_lt().into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tests' registers 7 and 16 hold 1000 and `pc`; each word is its address and one.
    fn value(code: &[u8], pc: u64) -> Option<u64> {
        let register = |register: Register| match register.0 {
            7 => Some(1000),
            16 => Some(pc),
            _ => None,
        };
        let code = EndianSlice::new(code, LittleEndian);
        evaluate(code, register, &mut |address| Some(address + 1))
    }

    /// rsp + 8 + ((rip & 15 >= 11) << 3): a stub pushes a word in its eleventh byte.
    #[test]
    fn stub_of_the_linkage_table_has_one_word_more_after_its_push() {
        let code = [0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22];
        assert_eq!(value(&code, 0x5560), Some(1008));
        assert_eq!(value(&code, 0x556a), Some(1008));
        assert_eq!(value(&code, 0x556b), Some(1016));
    }

    /// The place of the caller's frame is in a word below the frame pointer.
    #[test]
    fn realigned_stack_is_found_by_a_word_in_memory() {
        assert_eq!(value(&[0x77, 0x78, 0x06], 0), Some(1000 - 8 + 1));
    }

    #[test]
    fn arithmetic_is_that_of_the_standard() {
        // const1s -1; lit2; shr — const2u 600; lit1; minus — lit5; dup; mul.
        assert_eq!(value(&[0x09, 0xff, 0x32, 0x25], 0), Some(u64::MAX >> 2));
        assert_eq!(value(&[0x0a, 0x58, 0x02, 0x31, 0x1c], 0), Some(599));
        assert_eq!(value(&[0x35, 0x12, 0x1e], 0), Some(25));
        // const1s -1 < lit0, as signed numbers; lit1 << 64.
        assert_eq!(value(&[0x09, 0xff, 0x30, 0x2d], 0), Some(1));
        assert_eq!(value(&[0x31, 0x08, 64, 0x24], 0), Some(0));
    }

    #[test]
    fn malformed_code_has_no_value() {
        // Nothing, an operator without values, a register that is not known, an offset that
        // is missing, a branch, and more values than there is room for.
        let codes: [&[u8]; 6] = [
            &[],
            &[0x31, 0x22],
            &[0x70, 0],
            &[0x77],
            &[0x2f, 0, 0],
            &[0x31; 17],
        ];
        for code in codes {
            assert_eq!(value(code, 0), None, "{code:?}");
        }
    }
}
