//! Names for frames, from the files that their code is mapped from.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use object::read::{Object, ObjectSymbol, SymbolKind};

use super::debug_info::{CodeLocation, DebugInfo, Elf, debug_sections_len};
use crate::reporting::stacks::capture::files::Image;
use crate::reporting::stacks::capture::memory_limit::{self, Need};

/// Symbols that begin before an address and are tried: most end before the next
/// one begins.
const TRIED: usize = 16;

/// The addresses that debug information takes at most, as a multiple of its file: it may be
/// compressed.
const DEBUG_INFO_ADDRESSES: u64 = 8;

/// The memory that debug information takes, as a multiple of its sections. Measured: 1.4 times in
/// a program of 19 MB.
const DEBUG_INFO_MEMORY: u64 = 2;

/// The part of a file that a list of its functions takes at most.
const NAMES_PART: u64 = 4;

/// The files whose names were asked for so far.
#[derive(Default)]
pub(crate) struct Symbols(Vec<FileSymbols>);

/// The names in one file.
pub(crate) struct FileSymbols {
    image: Arc<Image>,
    /// The functions, by address.
    functions: Vec<Function>,
    /// Read when it is first asked for: it takes longer than the symbol table, which has
    /// the names of functions.
    debug_info: OnceCell<Option<DebugInfo>>,
}

struct Function {
    address: u64,
    size: u64,
    name: &'static [u8],
}

impl Symbols {
    /// The names in the file of `image`, read now if they were not yet.
    pub(crate) fn of(&mut self, image: &Arc<Image>) -> &FileSymbols {
        let files = &mut self.0;
        let known = files
            .iter()
            .position(|known| Arc::ptr_eq(&known.image, image));
        let n = known.unwrap_or_else(|| {
            files.push(FileSymbols::read(image));
            files.len() - 1
        });
        &files[n]
    }
}

impl FileSymbols {
    #[cold]
    fn read(image: &Arc<Image>) -> Self {
        let file = image.file.as_ref();
        let file = file.filter(|file| {
            let len = file.bytes.len() as u64;
            memory_limit::leaves(Need {
                addresses: len,
                memory: len / NAMES_PART,
            })
        });
        let elf = file.and_then(|file| Elf::parse(file.bytes).ok());
        Self {
            image: Arc::clone(image),
            functions: elf.map_or_else(Vec::new, |elf| functions(&elf)),
            debug_info: OnceCell::new(),
        }
    }

    /// The function whose symbol covers `offset`, as the file's own symbols count.
    /// The symbol that is merely the last before it may be any: a library that is
    /// stripped has only those that others call.
    #[cold]
    pub(crate) fn function(&self, offset: u64) -> Option<String> {
        let functions = &self.functions;
        let end = functions.partition_point(|function| function.address <= offset);
        let covering = functions[..end].iter().rev().take(TRIED);
        let mut covering = covering.filter(|function| offset - function.address < function.size);
        let last = covering.next()?;
        // If a function has several names, the first in the file counts.
        let same = covering.take_while(|function| function.address == last.address);
        let name = same.last().unwrap_or(last).name;
        let name = std::str::from_utf8(name).ok()?;
        Some(addr2line::demangle_auto(Cow::Borrowed(name), None).into_owned())
    }

    /// Returns what the debug information says about `offset`, as
    /// [`DebugInfo::locations`] does.
    #[cold]
    pub(crate) fn locations(&self, offset: u64) -> Vec<CodeLocation> {
        let debug_info = self.debug_info();
        debug_info.map_or_else(Vec::new, |debug_info| debug_info.locations(offset))
    }

    /// Reads the debug information, if that was not done yet.
    pub(crate) fn debug_info(&self) -> Option<&DebugInfo> {
        let read = || {
            let file = self.image.file.as_ref()?;
            let elf = Elf::parse(file.bytes).ok()?;
            let need = Need {
                addresses: (file.bytes.len() as u64).saturating_mul(DEBUG_INFO_ADDRESSES),
                memory: debug_sections_len(&elf).saturating_mul(DEBUG_INFO_MEMORY),
            };
            match memory_limit::leaves(need) {
                true => DebugInfo::open(&elf, file),
                false => None,
            }
        };
        self.debug_info.get_or_init(read).as_ref()
    }
}

#[cold]
fn functions(elf: &Elf) -> Vec<Function> {
    let symbols = elf.symbols().chain(elf.dynamic_symbols());
    let is_function = |kind| matches!(kind, SymbolKind::Text | SymbolKind::Unknown);
    let mut functions: Vec<_> = symbols
        .filter(|symbol| symbol.is_definition() && is_function(symbol.kind()))
        .filter(|symbol| symbol.size() > 0)
        .filter_map(|symbol| {
            Some(Function {
                address: symbol.address(),
                size: symbol.size(),
                name: symbol.name_bytes().ok()?,
            })
        })
        .collect();
    functions.sort_by_key(|function| function.address);
    functions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporting::stacks::capture::files::Modules;

    fn function(address: u64, size: u64, name: &'static str) -> Function {
        let name = name.as_bytes();
        Function {
            address,
            size,
            name,
        }
    }

    /// The file of this test, and where this function is in it.
    fn own() -> (FileSymbols, u64) {
        let mut modules = Modules::default();
        modules.read();
        let here = own as fn() -> (FileSymbols, u64) as usize as u64;
        let module = modules.iter().find(|module| module.code.contains(&here));
        let module = module.expect("it is mapped");
        (
            FileSymbols::read(&module.image),
            here - module.bias().expect("it is ELF"),
        )
    }

    #[test]
    fn symbol_that_covers_the_offset_names_it() {
        let (mut symbols, _) = own();
        symbols.functions = vec![
            function(0x10, 0x100, "outer"),
            function(0x20, 8, "first"),
            function(0x20, 8, "second"),
            function(0x30, 8, "last"),
        ];
        let name = |offset| symbols.function(offset);
        assert_eq!(name(0xf), None);
        assert_eq!(name(0x20).as_deref(), Some("first"));
        assert_eq!(name(0x27).as_deref(), Some("first"));
        assert_eq!(name(0x28).as_deref(), Some("outer"));
        assert_eq!(name(0x37).as_deref(), Some("last"));
        assert_eq!(name(0x200), None);
        assert_eq!(name(u64::MAX), None);
    }

    /// In an unoptimized build of a large program the names must not wait for it.
    #[test]
    fn names_need_no_debug_information() {
        let (symbols, here) = own();
        let name = symbols.function(here).expect("it has a symbol");
        assert!(name.ends_with("symbols::tests::own"), "{name}");
        assert!(symbols.debug_info.get().is_none());
        // An optimized build of the tests has none.
        let mut locations = symbols.locations(here).into_iter();
        let site = locations.next().and_then(|location| location.site);
        assert!(site.is_none_or(|site| site.contains("symbols.rs:")));
        assert!(symbols.debug_info.get().is_some());
    }
}
