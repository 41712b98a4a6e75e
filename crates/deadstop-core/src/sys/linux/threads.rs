//! `/proc/self/task`, read with bare system calls.
//!
//! Two descriptors are kept from install: the directory, for a process that
//! changes its root later, and a spare, which is closed while reading, for a
//! process that has used up its limit. A program that daemonizes may have closed
//! both, and their numbers may be another file's, so each is verified before its
//! use.

use core::cell::Cell;
use core::ffi::{CStr, c_int};

use super::descriptor::{VerifiedDescriptor, close, links, open, read, read_link, repeat, rewind};
use super::process::{pid, tid};
use crate::buffer::TextBuffer;
use crate::number;
use crate::sys::ThreadFile;

/// The descriptors that are kept to read `/proc/self/task`.
pub struct ThreadSource {
    tasks: Option<VerifiedDescriptor>,
    spare: Cell<Option<VerifiedDescriptor>>,
    /// The process that opened them: a child of `fork` inherits its parent's
    /// directory.
    owner_pid: c_int,
}

impl core::fmt::Debug for ThreadSource {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ThreadSource")
            .field("tasks", &self.tasks)
            .finish_non_exhaustive()
    }
}

impl ThreadSource {
    /// Opens the descriptors. On a system without `/proc` there are none: a
    /// thread dump then says less, and why.
    pub fn open() -> Self {
        Self {
            tasks: open_tasks().ok().and_then(VerifiedDescriptor::new),
            spare: Cell::new(spare()),
            owner_pid: pid(),
        }
    }

    /// Closes the spare, and returns the directory.
    ///
    /// # Errors
    ///
    /// Fails with the kernel's `errno` if there is no directory.
    pub fn tasks(&self) -> Result<ThreadReader<'_>, c_int> {
        // A child of `fork` has its parent's directory, and none of the threads.
        let tasks = match &self.tasks {
            Some(tasks) if self.owner_pid == pid() && tasks.is_ours() => Some(tasks.number()),
            _ => None,
        };
        if let Some(spare) = self.spare.take() {
            if spare.is_ours() {
                close(spare.number());
            }
        }
        let number = tasks.map_or_else(open_tasks, Ok);
        let tasks = ThreadReader {
            number: number.inspect_err(|_| self.keep_spare())?,
            is_opened: tasks.is_none(),
            source: self,
        };
        // A `/proc` of another PID namespace knows this thread by another id.
        tasks.read(tid(), ThreadFile::Name, &mut [0; 32])?;
        Ok(tasks)
    }

    fn keep_spare(&self) {
        self.spare.set(spare());
    }

    /// Returns the numbers of the directory and the spare.
    #[cfg(test)]
    pub fn numbers(&self) -> [Option<c_int>; 2] {
        let spare = self.spare.take();
        let numbers = [&self.tasks, &spare].map(|kept| kept.as_ref().map(|kept| kept.number()));
        self.spare.set(spare);
        numbers
    }

    /// Closes both, as a program does that closes every descriptor.
    #[cfg(test)]
    pub fn close_as_a_daemon_does(&self) {
        let numbers = self.numbers();
        numbers.iter().flatten().copied().for_each(close);
    }
}

/// Returns the name of a file in a thread's folder.
const fn file_name(file: ThreadFile) -> &'static str {
    match file {
        ThreadFile::Name => "/comm",
        ThreadFile::Stat => "/stat",
        ThreadFile::WaitChannel => "/wchan",
        ThreadFile::Syscall => "/syscall",
    }
}

/// `/proc/self/task`, open.
#[derive(Debug)]
pub struct ThreadReader<'a> {
    number: c_int,
    /// Set if the reader opened the directory, and must close it.
    is_opened: bool,
    source: &'a ThreadSource,
}

impl ThreadReader<'_> {
    /// Returns the number of threads. `None` if the kernel does not say.
    pub fn count(&self) -> Option<u32> {
        // The directory itself has two links, and each thread is one more.
        links(self.number)?.checked_sub(2)
    }

    /// Goes back to the first thread.
    pub fn rewind(&self) {
        rewind(self.number);
    }

    /// Returns the ids of the next threads; empty at the end.
    pub fn next<'a>(&self, buffer: &'a mut [u8]) -> NumberedEntries<'a> {
        NumberedEntries::read(self.number, buffer)
    }

    /// Reads the beginning of a thread's file.
    ///
    /// # Errors
    ///
    /// Fails with the kernel's `errno`; `ENOENT` and `ESRCH` mean that there is
    /// no such thread.
    pub fn read<'a>(
        &self,
        tid: c_int,
        file: ThreadFile,
        buffer: &'a mut [u8],
    ) -> Result<&'a [u8], c_int> {
        let mut path = Path::new();
        path.number(non_negative(tid)).text(file_name(file));
        let number = open(self.number, terminated(&mut path), libc::O_RDONLY)?;
        let read = read(number, buffer);
        close(number);
        Ok(buffer.get(..read?).unwrap_or(&[]))
    }

    /// Reads the link of a thread's descriptor.
    ///
    /// # Errors
    ///
    /// Fails with the kernel's `errno`; `ENOENT` means that the descriptor is
    /// closed, or the thread gone.
    pub fn link<'a>(
        &self,
        tid: c_int,
        descriptor: c_int,
        buffer: &'a mut [u8],
    ) -> Result<&'a [u8], c_int> {
        let mut path = Path::new();
        path.number(non_negative(tid))
            .text("/fd/")
            .number(non_negative(descriptor));
        read_link(self.number, terminated(&mut path), buffer)
    }
}

impl Drop for ThreadReader<'_> {
    /// Opens a spare for the next time, if the limit allows it.
    fn drop(&mut self) {
        if self.is_opened {
            close(self.number);
        }
        self.source.keep_spare();
    }
}

/// The entries of a directory whose names are numbers: threads, processes or descriptors. One
/// read of the directory (`struct linux_dirent64`, several times), which may be a part of it.
#[derive(Debug)]
pub struct NumberedEntries<'a> {
    entries: &'a [u8],
}

impl<'a> NumberedEntries<'a> {
    /// Reads the next entries of a directory that is open.
    pub(super) fn read(folder: c_int, buffer: &'a mut [u8]) -> Self {
        // SAFETY: the pointer is valid for writes of the length given.
        let read = repeat(|| unsafe {
            libc::syscall(
                libc::SYS_getdents64,
                folder,
                buffer.as_mut_ptr(),
                buffer.len(),
            )
        });
        Self {
            entries: buffer.get(..read.unwrap_or(0)).unwrap_or(&[]),
        }
    }

    /// Returns `true` if there are no entries left.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Iterator for NumberedEntries<'_> {
    type Item = c_int;

    fn next(&mut self) -> Option<c_int> {
        // Two words, the entry's length, its type, and its name.
        const LEN: usize = 16;
        const NAME: usize = 19;
        loop {
            let len = self.entries.get(LEN..)?.first_chunk()?;
            let len = usize::from(u16::from_ne_bytes(*len)).max(NAME);
            let entry = self.entries.get(..len)?;
            self.entries = self.entries.get(len..)?;
            let name = CStr::from_bytes_until_nul(entry.get(NAME..)?).ok()?;
            // `.` and `..` are no numbers.
            let name = name.to_str().unwrap_or("");
            if let Some(Ok(number)) = number::parse(name, 10).map(c_int::try_from) {
                return Some(number);
            }
        }
    }
}

/// A path below the directory.
type Path = TextBuffer<48>;

/// Ends the path with zero, as the kernel requires.
fn terminated(path: &mut Path) -> &CStr {
    let path = path.text("\0").as_bytes();
    CStr::from_bytes_until_nul(path).unwrap_or(c"")
}

/// Ids and descriptors are never negative.
fn non_negative(number: c_int) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// By `/proc/self`, which is the process; `thread-self` would be the thread.
fn open_tasks() -> Result<c_int, c_int> {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY;
    open(libc::AT_FDCWD, c"/proc/self/task", flags)
}

/// Opens a descriptor whose file has an identity of its own: every socket is a
/// file, while all descriptors of `/dev/null` share one.
fn spare() -> Option<VerifiedDescriptor> {
    let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
    // SAFETY: three integers.
    match unsafe { libc::socket(libc::AF_UNIX, kind, 0) } {
        -1 => None,
        number => VerifiedDescriptor::new(number),
    }
}
