//! Unwinds a copied stack, without an allocator.
//!
//! framehop finds each caller's frame by the tables in `.eh_frame`, and by frame
//! pointers where there are none. This file gives it the modules and the copy,
//! steps over signal handlers, and ends the walk at an address that is not code.

use std::ops::ControlFlow;

use framehop::{
    CacheNative, ExplicitModuleSectionInfo, FrameAddress, MustNotAllocateDuringUnwind,
    Unwinder as _, UnwinderNative,
};

use super::call_site::{LONGEST_CALL, called_from, ends_with_call};
use super::maps;
use super::modules::{Module, Modules};
use super::native::Native;
use crate::sys::stacks::registers::{Registers, SIGNAL_FRAME};

type Policy = MustNotAllocateDuringUnwind;

/// Frames of a walk at most: endless recursion has a hundred thousand.
pub(super) const FRAMES: usize = 200;

/// Words of the stack that are searched for the caller of a function without tables.
const SEARCHED_WORDS: u64 = 64;

/// Bytes of such a function at most; longer ones are rare in a C library.
const LONGEST_FUNCTION: u64 = 2048;

/// The modules, what framehop made of them, and its memory.
pub(super) struct Unwinder {
    tables: Tables,
    cache: CacheNative<Policy>,
}

/// The modules, by address, and what framehop made of them.
pub(super) struct Tables {
    modules: Vec<Module>,
    framehop: UnwinderNative<&'static [u8], Policy>,
}

/// A frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Seen {
    pub(super) address: u64,
    /// At a call, and the address is where that returns. Else the thread was
    /// interrupted here.
    pub(super) is_call: bool,
}

/// How a walk ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Walk {
    /// At the function that the thread began with.
    Whole,
    /// Earlier: at a frame that nothing describes, or at the bound.
    Cut,
}

impl Unwinder {
    /// Allocates all that a walk needs.
    pub(super) fn new(modules: &Modules) -> Self {
        let mut framehop = UnwinderNative::new();
        for module in modules.iter() {
            framehop.add_module(with_tables(module));
        }
        let mut modules: Vec<_> = modules.iter().cloned().collect();
        modules.sort_by_key(|module| module.code.start);
        Self {
            tables: Tables { modules, framehop },
            cache: CacheNative::new_in(),
        }
    }

    /// Shows `visit` each frame, from the inside out, of a thread that stood at
    /// `registers`, and the words of whose stack `read` returns. Allocates nothing.
    pub(super) fn walk(
        &mut self,
        registers: &Registers,
        mut read: impl FnMut(u64) -> Option<u64>,
        mut visit: impl FnMut(Seen, Option<&Module>),
    ) -> Walk {
        let Self { tables, cache } = self;
        let mut native = Native::new(registers);
        let mut seen = Seen {
            address: registers.pc,
            is_call: false,
        };
        for _ in 0..FRAMES {
            visit(seen, tables.module(seen.code()));
            match tables.step(seen, &mut native, cache, &mut read) {
                ControlFlow::Continue(next) => seen = next,
                ControlFlow::Break(end) => return end,
            }
        }
        Walk::Cut
    }
}

impl Seen {
    /// Where the code in question is: a call may be a function's last
    /// instruction, and a file's.
    fn code(self) -> u64 {
        self.address.wrapping_sub(u64::from(self.is_call))
    }
}

impl Tables {
    /// The module with code at `address`.
    fn module(&self, address: u64) -> Option<&Module> {
        let modules = &self.modules;
        let n = modules.partition_point(|module| module.code.start <= address);
        let module = modules.get(n.checked_sub(1)?)?;
        module.code.contains(&address).then_some(module)
    }

    /// The caller of `seen`, if there is one.
    fn step(
        &self,
        seen: Seen,
        native: &mut Native,
        cache: &mut CacheNative<Policy>,
        read: &mut impl FnMut(u64) -> Option<u64>,
    ) -> ControlFlow<Walk, Seen> {
        if seen.is_call && self.is_signal_return(seen.address) {
            return match interrupted(native.sp(), read) {
                Some(registers) => {
                    *native = Native::new(&registers);
                    let address = registers.pc;
                    let is_call = false;
                    ControlFlow::Continue(Seen { address, is_call })
                }
                None => ControlFlow::Break(Walk::Cut),
            };
        }
        let address = match seen.is_call {
            true => FrameAddress::from_return_address(seen.address),
            false => Some(FrameAddress::from_instruction_pointer(seen.address)),
        };
        let Some(address) = address else {
            return ControlFlow::Break(Walk::Whole);
        };
        let before = *native;
        let registers = native.registers();
        let caller = self
            .framehop
            .unwind_frame(address, registers, cache, &mut |at| read(at).ok_or(()));
        let caller = match caller {
            Ok(Some(caller)) if self.is_code(caller) => Some(caller),
            Ok(None) => return ControlFlow::Break(Walk::Whole),
            _ => {
                *native = before;
                self.without_tables(seen, native, read)
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

    /// Whether a call may return to `address`: it is a module's code, or other
    /// code, such as a just-in-time compiler's.
    fn is_code(&self, address: u64) -> bool {
        let code = address.wrapping_sub(1);
        self.module(code).is_some() || is_executable(code)
    }

    /// Returns the caller of a function without tables, as every one of musl.
    ///
    /// One that calls no other, such as a stub for a system call, has not moved the stack
    /// pointer. In other functions the innermost word counts that is the return address of
    /// a call whose target is the function at hand: an earlier call's remains would name
    /// another target.
    fn without_tables(
        &self,
        seen: Seen,
        native: &mut Native,
        read: &mut impl FnMut(u64) -> Option<u64>,
    ) -> Option<u64> {
        let before = *native;
        if !seen.is_call {
            let leaf = native.leave_leaf(read);
            if let Some(caller) = leaf.filter(|caller| self.is_after_call(*caller)) {
                return Some(caller);
            }
            *native = before;
        }
        let mut places = (0..SEARCHED_WORDS).filter_map(|word| before.sp().checked_add(word * 8));
        places.find_map(|place| {
            let caller = read(place).filter(|caller| self.calls_near(*caller, seen.address))?;
            native.leave_to(place, caller);
            Some(caller)
        })
    }

    /// Whether the call before `address` has a target that can be the beginning of the
    /// function at `inside`.
    fn calls_near(&self, address: u64, inside: u64) -> bool {
        let start = address.wrapping_sub(LONGEST_CALL as u64);
        let code = self.code_at(start, LONGEST_CALL);
        let target = code.and_then(|code| called_from(code, address));
        target.is_some_and(|target| target <= inside && inside - target < LONGEST_FUNCTION)
    }

    /// Whether the instruction before `address` is a call, in a module.
    fn is_after_call(&self, address: u64) -> bool {
        let start = address.wrapping_sub(LONGEST_CALL as u64);
        let code = self.code_at(start, LONGEST_CALL);
        code.is_some_and(ends_with_call)
    }

    /// Whether the code at `address` ends a signal handler.
    fn is_signal_return(&self, address: u64) -> bool {
        let code = SIGNAL_FRAME.code;
        self.code_at(address, code.len()) == Some(code)
    }

    fn code_at(&self, address: u64, len: usize) -> Option<&'static [u8]> {
        let module = self.module(address)?;
        module
            .image
            .bytes_at(address.wrapping_sub(module.bias), len)
    }
}

/// The registers that a signal handler's frame at `sp` will restore.
fn interrupted(sp: u64, read: &mut impl FnMut(u64) -> Option<u64>) -> Option<Registers> {
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

/// Whether code is mapped at `address`, by the kernel's own list. Slow.
fn is_executable(address: u64) -> bool {
    let found = maps::each(|mapping| match mapping.range.contains(&address) {
        true => ControlFlow::Break(mapping.is_executable),
        false => ControlFlow::Continue(()),
    });
    found == Some(true)
}

/// A module, in framehop's terms.
fn with_tables(module: &Module) -> framehop::Module<&'static [u8]> {
    let image = &module.image;
    // framehop counts addresses from here, in 32 bits.
    let base = module.code.start.wrapping_sub(module.bias);
    let index = image.eh_frame_hdr.as_ref();
    let frames = image.eh_frame.as_ref();
    framehop::Module::new(
        String::new(),
        module.code.clone(),
        module.code.start,
        ExplicitModuleSectionInfo {
            base_svma: base,
            eh_frame_hdr_svma: index.map(|table| table.range.clone()),
            eh_frame_hdr: index.map(|table| table.bytes),
            eh_frame_svma: frames.map(|table| table.range.clone()),
            eh_frame: frames.map(|table| table.bytes),
            ..Default::default()
        },
    )
}
