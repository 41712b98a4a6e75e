//! Threads of a system whose list of them is not read: a dump has the threads of tasks.

use core::ffi::c_int;

use crate::sys::ThreadFile;

/// A source of no threads.
#[derive(Debug)]
pub struct ThreadSource;

impl ThreadSource {
    /// Returns the source.
    pub fn open() -> Self {
        Self
    }

    /// Fails.
    ///
    /// # Errors
    ///
    /// Always with `ENOSYS`.
    pub fn tasks(&self) -> Result<ThreadReader<'_>, c_int> {
        Err(libc::ENOSYS)
    }
}

/// A reader that is never made.
#[derive(Debug)]
pub struct ThreadReader<'a> {
    never: &'a Never,
}

#[derive(Debug)]
enum Never {}

impl ThreadReader<'_> {
    /// Is never called.
    pub fn count(&self) -> Option<u32> {
        match *self.never {}
    }

    /// Is never called.
    pub fn rewind(&self) {
        match *self.never {}
    }

    /// Is never called.
    pub fn next<'a>(&self, _buffer: &'a mut [u8]) -> NumberedEntries<'a> {
        match *self.never {}
    }

    /// Is never called.
    ///
    /// # Errors
    ///
    /// None.
    pub fn read<'a>(
        &self,
        _tid: c_int,
        _file: ThreadFile,
        _buffer: &'a mut [u8],
    ) -> Result<&'a [u8], c_int> {
        match *self.never {}
    }

    /// Is never called.
    ///
    /// # Errors
    ///
    /// None.
    pub fn link<'a>(
        &self,
        _tid: c_int,
        _descriptor: c_int,
        _buffer: &'a mut [u8],
    ) -> Result<&'a [u8], c_int> {
        match *self.never {}
    }
}

/// No ids.
#[derive(Debug)]
pub struct NumberedEntries<'a>(core::marker::PhantomData<&'a [u8]>);

impl NumberedEntries<'_> {
    /// Returns `true`.
    pub fn is_empty(&self) -> bool {
        true
    }
}

impl Iterator for NumberedEntries<'_> {
    type Item = c_int;

    fn next(&mut self) -> Option<c_int> {
        None
    }
}
