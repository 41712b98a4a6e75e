//! Finds the caller of a frame: by the tables in `.eh_frame`, and by the frame pointer
//! where there are none. Allocates nothing.
//!
//! gimli reads the tables. Of a frame only the registers are followed that these two ways
//! need: where the code is, the stack pointer, the frame pointer, and the link register.

#[cfg(target_arch = "aarch64")]
use addr2line::gimli::AArch64;
#[cfg(target_arch = "x86_64")]
use addr2line::gimli::X86_64;
use addr2line::gimli::{
    BaseAddresses, CfaRule, EhFrame, EhFrameHdr, EndianSlice, FrameDescriptionEntry, LittleEndian,
    Register, RegisterRule, UnwindContext, UnwindContextStorage, UnwindExpression, UnwindSection,
    UnwindTableRow,
};

use super::expression;
use super::image::Tables;
use crate::sys::stacks::registers::Registers;

type Bytes = EndianSlice<'static, LittleEndian>;
type Row = UnwindTableRow<usize, OnStack>;

/// A function that reads a word of the stack.
pub(super) type Read<'a> = dyn FnMut(u64) -> Option<u64> + 'a;

/// Bytes of an address.
const ADDRESS: u8 = 8;

#[cfg(target_arch = "x86_64")]
const STACK_POINTER: Register = X86_64::RSP;
#[cfg(target_arch = "x86_64")]
const FRAME_POINTER: Register = X86_64::RBP;
/// The column of the return address.
#[cfg(target_arch = "x86_64")]
const RETURN: Register = X86_64::RA;
#[cfg(target_arch = "aarch64")]
const STACK_POINTER: Register = AArch64::SP;
#[cfg(target_arch = "aarch64")]
const FRAME_POINTER: Register = AArch64::X29;
#[cfg(target_arch = "aarch64")]
const RETURN: Register = AArch64::X30;

/// Set if a call leaves its return address in a register.
const HAS_LINK: bool = cfg!(target_arch = "aarch64");

/// Addresses of programs have 48 bits. Above them, a signed return address has its
/// signature.
const ADDRESS_BITS: u64 = if HAS_LINK { u64::MAX >> 16 } else { u64::MAX };

/// Memory for the evaluation of tables. A row names some twenty registers.
struct OnStack;

impl UnwindContextStorage<usize> for OnStack {
    type Rules = [(Register, RegisterRule<usize>); 96];
    type Stack = [UnwindTableRow<usize, Self>; 4];
}

/// The result of a step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Caller {
    /// Returns to this address.
    At(u64),
    /// The function that the thread began with has none.
    None,
    /// Nothing describes the frame, or what describes it cannot be true.
    Unknown,
}

/// A frame whose caller is looked for.
pub(super) struct Frame<'a> {
    pub(super) tables: Option<&'a Tables>,
    /// The address of the code, by the file's own count.
    pub(super) address: u64,
    /// Set if it has called the frame before. Else the thread was interrupted here.
    pub(super) is_call: bool,
}

impl Frame<'_> {
    /// Finds the caller, and moves `registers` there unless it is unknown.
    #[cold]
    pub(super) fn caller(&self, registers: &mut Registers, read: &mut Read<'_>) -> Caller {
        let found = match self
            .tables
            .map_or(Described::Not, |it| self.by(it, registers, read))
        {
            Described::Step(step) => step,
            Described::Not => by_frame_pointer(registers, read),
            // A function's first instruction, or one of a stub.
            Described::Uncovered if !self.is_call => by_leaf(registers, read).map(Step::To),
            Described::Uncovered => by_frame_pointer(registers, read),
        };
        match found {
            Some(Step::To(next)) => {
                let address = next.pc;
                let stands = next.sp == registers.sp && (self.is_call || !HAS_LINK);
                if stands && (HAS_LINK || address == registers.pc) {
                    return Caller::Unknown;
                }
                *registers = next;
                match address {
                    0 => Caller::None,
                    address => Caller::At(address),
                }
            }
            Some(Step::End) => Caller::None,
            None => Caller::Unknown,
        }
    }

    /// By the tables of the file.
    #[cold]
    fn by(&self, tables: &Tables, registers: &Registers, read: &mut Read<'_>) -> Described {
        let Some(sections) = Sections::of(tables) else {
            return Described::Not;
        };
        let Some(entry) = sections.entry(self.address) else {
            return Described::Not;
        };
        let mut context = UnwindContext::<usize, OnStack>::new_in();
        let row = entry.unwind_info_for_address(
            &sections.frames,
            &sections.bases,
            &mut context,
            self.address,
        );
        match row {
            Ok(row) => {
                let mut by = ByRow {
                    row,
                    frames: &sections.frames,
                    registers,
                    read,
                };
                Described::Step(by.step(self.is_call))
            }
            Err(_) => Described::Uncovered,
        }
    }
}

/// The tables' description of a frame.
enum Described {
    Not,
    /// The function is there, and the address is not.
    Uncovered,
    Step(Option<Step>),
}

/// A step outwards.
enum Step {
    To(Registers),
    End,
}

/// The sections, for gimli.
struct Sections {
    bases: BaseAddresses,
    index: Option<Bytes>,
    frames: EhFrame<Bytes>,
}

impl Sections {
    fn of(tables: &Tables) -> Option<Self> {
        let section = tables.frames.as_ref()?;
        let mut frames = EhFrame::new(section.bytes, LittleEndian);
        frames.set_address_size(ADDRESS);
        let index = tables.index.as_ref();
        let bases = BaseAddresses::default().set_eh_frame(section.start);
        Some(Self {
            bases: match index {
                Some(index) => bases.set_eh_frame_hdr(index.start),
                None => bases,
            },
            index: index.map(|index| EndianSlice::new(index.bytes, LittleEndian)),
            frames,
        })
    }

    /// The entry of the function at `address`.
    fn entry(&self, address: u64) -> Option<FrameDescriptionEntry<Bytes>> {
        let Some(index) = self.index else {
            // Rare: a linker makes the index except with `--no-eh-frame-hdr`.
            let entry = self
                .frames
                .fde_for_address(&self.bases, address, EhFrame::cie_from_offset);
            return entry.ok();
        };
        let index = EhFrameHdr::from(index).parse(&self.bases, ADDRESS).ok()?;
        let table = index.table()?;
        let pointer = table.lookup(address, &self.bases).ok()?;
        let offset = table.pointer_to_offset(pointer).ok()?;
        let entry = self
            .frames
            .fde_from_offset(&self.bases, offset, EhFrame::cie_from_offset);
        entry.ok()
    }
}

/// A row of the tables, and what it is about.
struct ByRow<'a, 'r> {
    row: &'a Row,
    frames: &'a EhFrame<Bytes>,
    registers: &'a Registers,
    read: &'a mut Read<'r>,
}

impl ByRow<'_, '_> {
    fn step(&mut self, is_call: bool) -> Option<Step> {
        let Registers { pc, sp, fp, lr } = *self.registers;
        let cfa_rule = self.row.cfa().clone();
        let return_rule = self.row.register(RETURN);
        let fp_rule = self.row.register(FRAME_POINTER);
        let is_by = |register: Register| matches!(&cfa_rule, CfaRule::RegisterAndOffset { register: by, .. } if *by == register);
        let is_read = |rule: &RegisterRule<usize>| matches!(rule, RegisterRule::Offset(_));
        let (fp_was_read, return_was_read) = (is_read(&fp_rule), is_read(&return_rule));
        if matches!(return_rule, RegisterRule::Undefined) {
            // On a processor with a link register, "undefined" may mean "not changed".
            let is_outermost = is_call && is_by(STACK_POINTER) && !fp_was_read;
            if !HAS_LINK || is_outermost {
                return Some(Step::End);
            }
        }
        if !HAS_LINK && fp == 0 && is_by(FRAME_POINTER) {
            return Some(Step::End);
        }
        let cfa = match cfa_rule {
            CfaRule::RegisterAndOffset { register, offset } => {
                self.register(register)?.checked_add_signed(offset)?
            }
            CfaRule::Expression(expression) => self.evaluate(expression)?,
        };
        let least = match is_by(FRAME_POINTER) || HAS_LINK && is_call {
            true => sp.checked_add(1)?,
            // A function's first instruction may be interrupted.
            false if is_call => sp,
            false => 0,
        };
        if cfa < least {
            return None;
        }
        let next_fp = self.value(fp_rule, cfa, fp);
        let next_fp = match next_fp {
            // Registers that were popped may still be named in an epilogue.
            None if HAS_LINK && is_call && fp_was_read => return None,
            next => next.unwrap_or(fp),
        };
        if HAS_LINK && is_by(FRAME_POINTER) {
            match next_fp {
                0 => return Some(Step::End),
                next if next <= fp => return None,
                _ => {}
            }
        }
        let before = if HAS_LINK { lr } else { pc };
        let address = match self.value(return_rule, cfa, before) {
            Some(address) if return_was_read || !is_call || !HAS_LINK => address,
            Some(address) if address != before => address,
            // The link register is the caller's own by now.
            Some(_) => return None,
            None if !HAS_LINK => (self.read)(cfa.checked_sub(ADDRESS.into())?)?,
            None if !is_call => lr,
            None => return None,
        };
        Some(Step::To(moved(address, cfa, next_fp)))
    }

    /// The value that a register has in the caller; `None` if that is not known.
    fn value(&mut self, rule: RegisterRule<usize>, cfa: u64, before: u64) -> Option<u64> {
        match rule {
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
        known(self.registers, register)
    }

    fn evaluate(&mut self, expression: UnwindExpression<usize>) -> Option<u64> {
        let code = expression.get(self.frames).ok()?.0;
        let registers = self.registers;
        expression::evaluate(code, |register| known(registers, register), self.read)
    }
}

/// The value of a register that is followed.
fn known(registers: &Registers, register: Register) -> Option<u64> {
    match register {
        STACK_POINTER => Some(registers.sp),
        FRAME_POINTER => Some(registers.fp),
        RETURN if HAS_LINK => Some(registers.lr),
        RETURN => Some(registers.pc),
        _ => None,
    }
}

/// The caller of a function that keeps the chain of frame pointers.
fn by_frame_pointer(registers: &Registers, read: &mut Read<'_>) -> Option<Step> {
    let Registers { sp, fp, .. } = *registers;
    if fp == 0 {
        return Some(Step::End);
    }
    let cfa = fp.checked_add(2 * u64::from(ADDRESS))?;
    let next_fp = read(fp)?;
    let address = read(fp.checked_add(ADDRESS.into())?)?;
    match next_fp {
        0 if HAS_LINK => return Some(Step::End),
        // Code without a frame pointer has anything in that register.
        next if HAS_LINK && next <= fp => return None,
        _ => {}
    }
    (cfa > sp).then(|| Step::To(moved(address, cfa, next_fp)))
}

/// The caller of a function that has not moved the stack pointer.
pub(super) fn by_leaf(registers: &Registers, read: &mut Read<'_>) -> Option<Registers> {
    let Registers { sp, fp, lr, .. } = *registers;
    match HAS_LINK {
        true => Some(moved(lr, sp, fp)),
        false => Some(moved(read(sp)?, sp.checked_add(ADDRESS.into())?, fp)),
    }
}

/// The registers in the caller, to which the code at `address` belongs.
pub(super) fn moved(address: u64, sp: u64, fp: u64) -> Registers {
    Registers {
        pc: address & ADDRESS_BITS,
        sp,
        fp,
        lr: if HAS_LINK { address } else { 0 },
    }
}
