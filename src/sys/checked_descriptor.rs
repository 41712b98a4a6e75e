//! A descriptor that is checked before each use: its number may belong to another file by then.

use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd};

use deadstop_core::sys::{FileIdentity, file_identity};

/// A descriptor of deadstop's own. A program that closes all descriptors, as daemons do, closes
/// this one too, and its number may go to another file.
///
/// One whose number no longer stands for its file is not closed: the number is another file's,
/// or free.
pub(crate) struct Checked<T: AsFd> {
    value: Option<T>,
    identity: Identity,
}

/// The number of a descriptor, and which file it stood for.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Identity {
    number: i32,
    /// `None` for all where a filter refuses the call: then nothing is checked.
    file: Option<FileIdentity>,
}

impl Identity {
    fn of(descriptor: &impl AsFd) -> Self {
        let number = descriptor.as_fd().as_raw_fd();
        let file = file_identity(number);
        Self { number, file }
    }

    /// Returns `true` if the number still stands for the file.
    pub(crate) fn is_kept(self) -> bool {
        file_identity(self.number) == self.file
    }
}

impl<T: AsFd> Checked<T> {
    pub(crate) fn new(value: T) -> Self {
        let identity = Identity::of(&value);
        let value = Some(value);
        Self { value, identity }
    }

    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    /// Returns the descriptor, if its number still stands for its file.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.identity.is_kept())
    }
}

impl<T: AsFd> Drop for Checked<T> {
    fn drop(&mut self) {
        if !self.identity.is_kept() {
            let _kept_open = self.value.take().map(ManuallyDrop::new);
        }
    }
}
