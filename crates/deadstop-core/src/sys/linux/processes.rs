//! Files and descriptors of processes, from `/proc`, read with bare system calls.
//!
//! Files of `/proc` are opened, and never those that a process has open: the kernel answers
//! from memory, and no file server is asked.

use core::ffi::{CStr, c_int};

use super::descriptor::{close, inode_at, mode_at, open, read, read_link, rewind};
use super::threads::NumberedEntries;
use crate::buffer::TextBuffer;
use crate::sys::HeldFile;

/// `/proc`, open.
#[derive(Debug)]
pub struct Processes {
    number: c_int,
}

/// `/proc/PID/fd`, open.
#[derive(Debug)]
pub struct ProcessDescriptors {
    number: c_int,
}

impl Processes {
    /// Opens `/proc`. `None` if there is none, or no descriptor is free.
    pub fn open() -> Option<Self> {
        let number = open(libc::AT_FDCWD, c"/proc", FOLDER).ok()?;
        Some(Self { number })
    }

    /// Goes back to the first process.
    pub fn rewind(&self) {
        rewind(self.number);
    }

    /// Returns the ids of the next processes; empty at the end.
    pub fn next<'a>(&self, buffer: &'a mut [u8]) -> NumberedEntries<'a> {
        NumberedEntries::read(self.number, buffer)
    }

    /// Opens the descriptors of a process. `None` if it is gone, or if the kernel does
    /// not let this process see them: it is another user's, for example.
    pub fn descriptors(&self, pid: c_int) -> Option<ProcessDescriptors> {
        let mut path = TextBuffer::<32>::new();
        path.number(u64::try_from(pid).ok()?).text("/fd\0");
        let path = CStr::from_bytes_with_nul(path.as_bytes()).ok()?;
        let number = open(self.number, path, FOLDER).ok()?;
        Some(ProcessDescriptors { number })
    }
}

impl ProcessDescriptors {
    /// Returns the next descriptors; empty at the end.
    pub fn next<'a>(&self, buffer: &'a mut [u8]) -> NumberedEntries<'a> {
        NumberedEntries::read(self.number, buffer)
    }

    /// Reads the link of a descriptor, which names its file. `None` if it is closed.
    pub fn link<'a>(&self, descriptor: c_int, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        let mut path = TextBuffer::<16>::new();
        read_link(self.number, name(&mut path, descriptor)?, buffer).ok()
    }

    /// Returns the file of a descriptor, and what the process may do with it. `None` if
    /// it is closed.
    pub fn file(&self, descriptor: c_int) -> Option<HeldFile> {
        let mut path = TextBuffer::<16>::new();
        let path = name(&mut path, descriptor)?;
        // The link's own mode says how the descriptor was opened.
        let mode = mode_at(self.number, path)?;
        Some(HeldFile {
            inode: inode_at(self.number, path)?,
            is_read: mode & libc::S_IRUSR != 0,
            is_written: mode & libc::S_IWUSR != 0,
        })
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        close(self.number);
    }
}

impl Drop for ProcessDescriptors {
    fn drop(&mut self) {
        close(self.number);
    }
}

/// Reads the beginning of `file`, such as `/comm`, of the process `pid`.
pub fn process_file<'a>(pid: c_int, file: &str, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    let mut path = TextBuffer::<48>::new();
    path.text("/proc/").number(u64::try_from(pid).ok()?);
    path.text(file).text("\0");
    let path = CStr::from_bytes_with_nul(path.as_bytes()).ok()?;
    let number = open(libc::AT_FDCWD, path, libc::O_RDONLY).ok()?;
    let len = read(number, buffer);
    close(number);
    buffer.get(..len.ok()?)
}

const FOLDER: c_int = libc::O_RDONLY | libc::O_DIRECTORY;

fn name(path: &mut TextBuffer<16>, descriptor: c_int) -> Option<&CStr> {
    path.number(u64::try_from(descriptor).ok()?).text("\0");
    CStr::from_bytes_with_nul(path.as_bytes()).ok()
}
