//! Finds the caller of a frame: by the tables in `.eh_frame`, and by the frame pointer
//! where there are none. Allocates nothing.
//!
//! gimli reads the tables. Of a frame only the registers are followed that these two ways
//! need: where the code is, the stack pointer, the frame pointer, and the link register.
//!
//! | file | holds |
//! | --- | --- |
//! | [`sections`] | the tables of a file, and which entry of them describes a function |
//! | [`row`] | what an entry says about one instruction |
//! | [`columns`] | the registers' numbers in the tables |
//! | `x86_64`, `aarch64` | what each processor makes of that: the same functions in both |

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod columns;
mod row;
mod sections;
mod step;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use addr2line::gimli::UnwindContext;

#[cfg(target_arch = "aarch64")]
use self::aarch64 as processor;
use self::row::{OnStack, Row};
use self::sections::Sections;
use self::step::{Link, Step};
#[cfg(target_arch = "x86_64")]
use self::x86_64 as processor;
use crate::reporting::stacks::capture::files::Tables;
use crate::sys::stacks::registers::Registers;

pub(super) use self::processor::{by_leaf, moved};
pub(super) use self::row::Read;

/// Bytes of a word of the stack.
const WORD: u64 = 8;

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
                if processor::stands(&next, registers, self.is_call) {
                    return Caller::Unknown;
                }
                *registers = next;
                match next.pc {
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
                let mut row = Row {
                    rules: row,
                    frames: &sections.frames,
                    registers,
                    read,
                };
                Described::Step(processor::step(&mut row, self.is_call))
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

/// The caller of a function that keeps the chain of frame pointers.
fn by_frame_pointer(registers: &Registers, read: &mut Read<'_>) -> Option<Step> {
    let Registers { sp, fp, .. } = *registers;
    if fp == 0 {
        return Some(Step::End);
    }
    let cfa = fp.checked_add(2 * WORD)?;
    let next_fp = read(fp)?;
    let address = read(fp.checked_add(WORD)?)?;
    match processor::link(fp, next_fp) {
        Link::Next => (cfa > sp).then(|| Step::To(moved(address, cfa, next_fp))),
        Link::Last => Some(Step::End),
        Link::Broken => None,
    }
}
