//! Other processes on a system that does not say what a thread waits for.

use core::ffi::c_int;

use super::threads::NumberedEntries;
use crate::sys::HeldFile;

/// A list of processes that is never made.
#[derive(Debug)]
pub struct Processes(Never);

/// A list of descriptors that is never made.
#[derive(Debug)]
pub struct ProcessDescriptors(Never);

#[derive(Debug)]
enum Never {}

impl Processes {
    /// Returns `None`.
    pub fn open() -> Option<Self> {
        None
    }

    /// Is never called.
    pub fn rewind(&self) {
        match self.0 {}
    }

    /// Is never called.
    pub fn next<'a>(&self, _buffer: &'a mut [u8]) -> NumberedEntries<'a> {
        match self.0 {}
    }

    /// Is never called.
    pub fn descriptors(&self, _pid: c_int) -> Option<ProcessDescriptors> {
        match self.0 {}
    }
}

impl ProcessDescriptors {
    /// Is never called.
    pub fn next<'a>(&self, _buffer: &'a mut [u8]) -> NumberedEntries<'a> {
        match self.0 {}
    }

    /// Is never called.
    pub fn link<'a>(&self, _descriptor: c_int, _buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        match self.0 {}
    }

    /// Is never called.
    pub fn file(&self, _descriptor: c_int) -> Option<HeldFile> {
        match self.0 {}
    }
}

/// Returns `None`.
pub fn local_peer(_inode: u64) -> Option<u64> {
    None
}

/// Returns `None`: there are no files about processes.
pub fn process_file<'a>(_pid: c_int, _file: &str, _buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    None
}
