//! Unwinds a copied stack, without an allocator.
//!
//! `caller` finds each caller's frame. This file gives it the tables of the file that the
//! code is in, steps over signal handlers, and ends the walk at an address that is not
//! code.

use std::cell::OnceCell;
use std::ops::ControlFlow;

use super::call_site::{LONGEST_CALL, called_from, ends_with_call};
use super::caller::{Caller, Frame, Read, by_leaf, moved};
use crate::reporting::stacks::capture::files::{Module, Modules, Tables, maps};
use crate::sys::stacks::registers::{Registers, SIGNAL_FRAME};

/// Frames of a walk at most: endless recursion has a hundred thousand.
pub(crate) const FRAMES: usize = 200;

/// Words of the stack that are searched for the caller of a function without tables.
const SEARCHED_WORDS: u64 = 64;

/// Bytes of such a function at most; longer ones are rare in a C library.
const LONGEST_FUNCTION: u64 = 2048;

/// The modules, by address, with what was found of their tables so far.
pub(crate) struct Unwinder(Vec<Entry>);

struct Entry {
    module: Module,
    /// Set when it is first needed, in place.
    found: OnceCell<Found>,
}

/// The data from a module's file.
struct Found {
    bias: Option<u64>,
    tables: Tables,
}

/// A frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Seen {
    pub(crate) address: u64,
    /// At a call, and the address is where that returns. Else the thread was
    /// interrupted here.
    pub(crate) is_call: bool,
}

/// The result of a walk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Walk {
    /// At the function that the thread began with.
    Whole,
    /// Earlier: at a frame that nothing describes, or at the bound.
    Cut,
}

impl Unwinder {
    /// Allocates all that a walk needs, and reads none of the files. The modules are sorted
    /// by address.
    pub(crate) fn new(modules: &Modules) -> Self {
        let entries = modules.iter().cloned().map(|module| Entry {
            module,
            found: OnceCell::new(),
        });
        let entries: Vec<_> = entries.collect();
        debug_assert!(entries.is_sorted_by_key(|entry| entry.module.code.start));
        Self(entries)
    }

    /// Shows `visit` each frame, from the inside out, of a thread that stood at
    /// `registers`, and the words of whose stack `read` returns. Allocates nothing.
    #[cold]
    pub(crate) fn walk(
        &self,
        registers: &Registers,
        mut read: impl FnMut(u64) -> Option<u64>,
        mut visit: impl FnMut(Seen, Option<&Module>),
    ) -> Walk {
        let mut registers = *registers;
        let mut seen = Seen {
            address: registers.pc,
            is_call: false,
        };
        for _ in 0..FRAMES {
            let entry = self.entry(seen.code());
            visit(seen, entry.map(|entry| &entry.module));
            match self.step(seen, &mut registers, &mut read) {
                ControlFlow::Continue(next) => seen = next,
                ControlFlow::Break(end) => return end,
            }
        }
        Walk::Cut
    }

    /// The module with code at `address`.
    fn entry(&self, address: u64) -> Option<&Entry> {
        let Self(entries) = self;
        let n = entries.partition_point(|entry| entry.module.code.start <= address);
        let entry = entries.get(n.checked_sub(1)?)?;
        entry.module.code.contains(&address).then_some(entry)
    }

    /// The caller of `seen`, if there is one.
    #[cold]
    fn step(
        &self,
        seen: Seen,
        registers: &mut Registers,
        read: &mut Read<'_>,
    ) -> ControlFlow<Walk, Seen> {
        if seen.is_call && self.is_signal_return(seen.address) {
            return match interrupted(registers.sp, read) {
                Some(before) => {
                    *registers = before;
                    let address = before.pc;
                    let is_call = false;
                    ControlFlow::Continue(Seen { address, is_call })
                }
                None => ControlFlow::Break(Walk::Cut),
            };
        }
        let found = self.entry(seen.code()).map(Entry::found);
        let bias = found.and_then(|found| found.bias);
        let frame = Frame {
            tables: found.filter(|_| bias.is_some()).map(|found| &found.tables),
            address: seen.code().wrapping_sub(bias.unwrap_or(0)),
            is_call: seen.is_call,
        };
        let before = *registers;
        let caller = match frame.caller(registers, read) {
            Caller::At(caller) if self.is_code(caller) => Some(caller),
            Caller::None => return ControlFlow::Break(Walk::Whole),
            _ => {
                *registers = before;
                self.without_tables(seen, registers, read)
            }
        };
        match caller {
            Some(address) => ControlFlow::Continue(Seen {
                address,
                is_call: true,
            }),
            None => ControlFlow::Break(Walk::Cut),
        }
    }

    /// Returns `true` if a call may return to `address`: it is a module's code, or
    /// other code, such as a just-in-time compiler's.
    fn is_code(&self, address: u64) -> bool {
        let code = address.wrapping_sub(1);
        self.entry(code).is_some() || is_executable(code)
    }

    /// Returns the caller of a function without tables, as every one of musl.
    ///
    /// One that calls no other, such as a stub for a system call, has not moved the stack
    /// pointer. In other functions the innermost word counts that is the return address of
    /// a call whose target is the function at hand: an earlier call's remains would name
    /// another target.
    #[cold]
    fn without_tables(
        &self,
        seen: Seen,
        registers: &mut Registers,
        read: &mut Read<'_>,
    ) -> Option<u64> {
        if !seen.is_call {
            let leaf = by_leaf(registers, read);
            if let Some(caller) = leaf.filter(|caller| self.is_after_call(caller.pc)) {
                *registers = caller;
                return Some(caller.pc);
            }
        }
        let Registers { sp, fp, .. } = *registers;
        let mut words = (0..SEARCHED_WORDS).filter_map(|word| sp.checked_add(word * 8));
        words.find_map(|address| {
            let caller = read(address).filter(|caller| self.calls_near(*caller, seen.address))?;
            // Past it where the processor takes return addresses from the stack.
            let word = u64::from(cfg!(target_arch = "x86_64")) * 8;
            *registers = moved(caller, address.wrapping_add(word), fp);
            Some(caller)
        })
    }

    /// Returns `true` if the call before `address` has a target that can be the
    /// beginning of the function at `inside`.
    fn calls_near(&self, address: u64, inside: u64) -> bool {
        let start = address.wrapping_sub(LONGEST_CALL as u64);
        let code = self.code_at(start, LONGEST_CALL);
        let target = code.and_then(|code| called_from(code, address));
        target.is_some_and(|target| target <= inside && inside - target < LONGEST_FUNCTION)
    }

    /// Returns `true` if the instruction before `address` is a call, in a module.
    fn is_after_call(&self, address: u64) -> bool {
        let start = address.wrapping_sub(LONGEST_CALL as u64);
        let code = self.code_at(start, LONGEST_CALL);
        code.is_some_and(ends_with_call)
    }

    /// Returns `true` if the code at `address` ends a signal handler.
    fn is_signal_return(&self, address: u64) -> bool {
        let code = SIGNAL_FRAME.code;
        self.code_at(address, code.len()) == Some(code)
    }

    fn code_at(&self, address: u64, len: usize) -> Option<&'static [u8]> {
        let entry = self.entry(address)?;
        let address = address.wrapping_sub(entry.found().bias?);
        entry.module.image.bytes_at(address, len)
    }
}

impl Entry {
    fn found(&self) -> &Found {
        self.found.get_or_init(|| Found {
            bias: self.module.bias(),
            tables: self.module.image.tables(),
        })
    }
}

impl Seen {
    /// Returns the address of the code in question: a call may be the last instruction of a
    /// function, and of a file.
    fn code(self) -> u64 {
        self.address.wrapping_sub(u64::from(self.is_call))
    }
}

/// The registers that a signal handler's frame at `sp` will restore.
fn interrupted(sp: u64, read: &mut Read<'_>) -> Option<Registers> {
    let mut at = |offset: u64| read(sp.checked_add(offset)?);
    Some(Registers {
        pc: at(SIGNAL_FRAME.pc)?,
        sp: at(SIGNAL_FRAME.sp)?,
        fp: at(SIGNAL_FRAME.fp)?,
        lr: match SIGNAL_FRAME.lr {
            Some(lr) => at(lr)?,
            None => 0,
        },
    })
}

/// Returns `true` if code is mapped at `address`, by the kernel's own list. Slow.
fn is_executable(address: u64) -> bool {
    let mut is_executable = false;
    maps::each(&mut |mapping| {
        if !mapping.range.contains(&address) {
            return ControlFlow::Continue(());
        }
        is_executable = mapping.is_executable;
        ControlFlow::Break(())
    });
    is_executable
}
