//! Tables in which the names of a stack are looked up.

/// The parts of a frame that are looked up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LookUp {
    /// The names of functions, from the symbol table, which takes little time.
    Names,
    /// The lines of the frames that may be the application's, by their names: they say
    /// most, and each takes longer than a name.
    OwnLines,
    /// The lines, and the functions that were inlined, from the debug information.
    Lines,
}
