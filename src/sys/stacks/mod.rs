//! System calls for capturing another thread's stack: a signal, the registers
//! that it interrupted, a copy of memory that cannot fault, and mapped files.

pub(crate) mod mapped_file;
pub(crate) mod memory;
pub(crate) mod registers;
pub(crate) mod signal;
