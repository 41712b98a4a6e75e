//! The threads of the process: a snapshot of their ids, and their names.
//!
//! Windows does not say what a thread waits for, so a dump has its name and its processor
//! time. Nothing here uses the heap of the process: a stuck thread may hold its lock.

use core::ffi::{c_int, c_void};
use core::mem::size_of;

use windows_sys::Wdk::System::Threading::{NtQueryInformationThread, ThreadNameInformation};
use windows_sys::Win32::Foundation::UNICODE_STRING;
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows_sys::Win32::System::Threading::THREAD_QUERY_LIMITED_INFORMATION;

use super::handle::Handle;
use super::process::pid;
use crate::buffer::TextBuffer;
use crate::sys::ThreadFile;

/// A name has at most this many 16-bit units here; a longer one is not read.
const NAME_LEN: usize = 64;

/// The source of threads. There is nothing to keep open.
#[derive(Debug)]
pub struct ThreadSource;

impl ThreadSource {
    /// Returns the source.
    pub fn open() -> Self {
        Self
    }

    /// Takes a snapshot of the threads.
    ///
    /// # Errors
    ///
    /// Fails with `EAGAIN` if Windows refuses a snapshot.
    pub fn tasks(&self) -> Result<ThreadReader<'_>, c_int> {
        // SAFETY: two integers.
        let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) };
        Ok(ThreadReader {
            snapshot: Handle::new(snapshot).ok_or(libc::EAGAIN)?,
            has_begun: core::cell::Cell::new(false),
            _source: self,
        })
    }
}

/// A snapshot of the threads.
pub struct ThreadReader<'a> {
    snapshot: Handle,
    has_begun: core::cell::Cell<bool>,
    _source: &'a ThreadSource,
}

impl core::fmt::Debug for ThreadReader<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ThreadReader")
    }
}

impl ThreadReader<'_> {
    /// Returns `None`: the snapshot has the threads of every process.
    pub fn count(&self) -> Option<u32> {
        None
    }

    /// Goes back to the first thread.
    pub fn rewind(&self) {
        self.has_begun.set(false);
    }

    /// Returns the ids of the next threads; empty at the end.
    pub fn next<'a>(&self, _buffer: &'a mut [u8]) -> NumberedEntries<'a> {
        let mut ids = NumberedEntries::empty();
        let own = pid() as u32;
        while ids.has_room() {
            match self.entry() {
                Some(entry) if entry.th32OwnerProcessID == own => ids.add(entry.th32ThreadID),
                Some(_) => {}
                None => break,
            }
        }
        ids
    }

    fn entry(&self) -> Option<THREADENTRY32> {
        let mut entry = THREADENTRY32 {
            dwSize: size_of::<THREADENTRY32>() as u32,
            ..THREADENTRY32::default()
        };
        let snapshot = self.snapshot.get();
        let found = match self.has_begun.replace(true) {
            // SAFETY: the handle is open, and the pointer is valid for writes of the size
            // in its first field.
            false => unsafe { Thread32First(snapshot, &raw mut entry) },
            // SAFETY: as above.
            true => unsafe { Thread32Next(snapshot, &raw mut entry) },
        };
        (found != 0).then_some(entry)
    }

    /// Reads a thread's name. There are no other files.
    ///
    /// # Errors
    ///
    /// Fails with `ESRCH` if there is no such thread, and with `ENOSYS` for other files.
    pub fn read<'a>(
        &self,
        tid: c_int,
        file: ThreadFile,
        buffer: &'a mut [u8],
    ) -> Result<&'a [u8], c_int> {
        let ThreadFile::Name = file else {
            return Err(libc::ENOSYS);
        };
        let thread = Handle::of_thread(tid, THREAD_QUERY_LIMITED_INFORMATION);
        let name = name(&thread.ok_or(libc::ESRCH)?);
        let text = name.as_str().as_bytes();
        let len = text.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(text) {
            *to = *from;
        }
        Ok(buffer.get(..len).unwrap_or(&[]))
    }

    /// Fails: Windows has no links of descriptors.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn link<'a>(
        &self,
        _tid: c_int,
        _descriptor: c_int,
        _buffer: &'a mut [u8],
    ) -> Result<&'a [u8], c_int> {
        Err(libc::ENOSYS)
    }
}

/// Reads a thread's name; empty if it has none. `GetThreadDescription` would allocate.
fn name(thread: &Handle) -> TextBuffer<{ NAME_LEN * 3 }> {
    #[repr(C)]
    struct Answer {
        name: UNICODE_STRING,
        text: [u16; NAME_LEN],
    }
    let mut answer = Answer {
        name: UNICODE_STRING::default(),
        text: [0; NAME_LEN],
    };
    let mut text = TextBuffer::new();
    // SAFETY: the handle is open, and the pointer is valid for writes of the size given.
    let status = unsafe {
        NtQueryInformationThread(
            thread.get(),
            ThreadNameInformation,
            (&raw mut answer).cast::<c_void>(),
            size_of::<Answer>() as u32,
            core::ptr::null_mut(),
        )
    };
    // The text follows the structure.
    let len = usize::from(answer.name.Length).wrapping_div(2);
    let units = answer.text.get(..len).filter(|_| status >= 0);
    for unit in char::decode_utf16(units.unwrap_or(&[]).iter().copied()) {
        let mut bytes = [0; 4];
        text.text(
            unit.unwrap_or(char::REPLACEMENT_CHARACTER)
                .encode_utf8(&mut bytes),
        );
    }
    text
}

/// Ids of threads of this process.
#[derive(Debug)]
pub struct NumberedEntries<'a> {
    ids: [u32; IDS],
    len: usize,
    next: usize,
    _buffer: core::marker::PhantomData<&'a mut [u8]>,
}

const IDS: usize = 64;

impl NumberedEntries<'_> {
    const fn empty() -> Self {
        Self {
            ids: [0; IDS],
            len: 0,
            next: 0,
            _buffer: core::marker::PhantomData,
        }
    }

    fn has_room(&self) -> bool {
        self.len < IDS
    }

    fn add(&mut self, id: u32) {
        if let Some(slot) = self.ids.get_mut(self.len) {
            *slot = id;
            self.len = self.len.saturating_add(1);
        }
    }

    /// Returns `true` if there are no ids.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Iterator for NumberedEntries<'_> {
    type Item = c_int;

    fn next(&mut self) -> Option<c_int> {
        let id = self.ids.get(..self.len)?.get(self.next)?;
        self.next = self.next.saturating_add(1);
        Some(*id as c_int)
    }
}
