//! `/proc/self/task`, read with bare system calls.
//!
//! Two descriptors are kept from install: the directory, for a process that
//! has changed its root since, and a spare, to be closed while reading, for
//! one that has used up all it may have. A program that has become a daemon may
//! have closed both, and their numbers may be its database's by now, so each is
//! looked at before it is used.

use ::core::cell::Cell;
use ::core::cmp::Ord;
use ::core::convert::{From, TryFrom};
use ::core::ffi::{CStr, c_int, c_long};
use ::core::iter::Iterator;
use ::core::ops::{Drop, FnMut};
use ::core::option::Option::{self, None, Some};
use ::core::result::Result::{self, Err, Ok};

use super::super::line::Line;
use super::descriptor::{Identity, identity, links};
use super::errno;
use super::process::{pid, tid};

/// How often a call that a signal interrupts is made.
const TRIES: u32 = 100;

/// What is kept from install, to read `/proc/self/task` with.
pub(crate) struct Proc {
    tasks: Option<Held>,
    spare: Cell<Option<Held>>,
    /// Whose they are: a child of `fork` inherits its parent's directory.
    home: c_int,
}

/// A descriptor of ours, unless somebody has closed it.
struct Held {
    number: c_int,
    identity: Identity,
}

impl Proc {
    /// Opens what can be opened. A system without `/proc` is no error: a census
    /// then says less, and why.
    pub(crate) fn open() -> Self {
        Self {
            tasks: open_tasks().ok().and_then(Held::new),
            spare: Cell::new(spare()),
            home: pid(),
        }
    }

    /// Gives up the spare, and finds the directory. The error is the system's
    /// number for why there is none.
    pub(in crate::kill_path) fn tasks(&self) -> Result<Tasks<'_>, c_int> {
        // A child of `fork` has its parent's, and none of the threads.
        let tasks = match &self.tasks {
            Some(tasks) if self.home == pid() && tasks.is_ours() => Some(tasks.number),
            _ => None,
        };
        if let Some(spare) = self.spare.take() {
            if spare.is_ours() {
                close(spare.number);
            }
        }
        let number = tasks.map_or_else(open_tasks, Ok);
        let tasks = Tasks {
            number: number.inspect_err(|_| self.keep_spare())?,
            opened: tasks.is_none(),
            proc: self,
        };
        // A `/proc` of another PID namespace knows us by other ids.
        tasks.read(tid(), File::Name, &mut [0; 32])?;
        Ok(tasks)
    }

    fn keep_spare(&self) {
        self.spare.set(spare());
    }

    /// The numbers of the directory and the spare.
    #[cfg(test)]
    pub(crate) fn numbers(&self) -> [Option<c_int>; 2] {
        let spare = self.spare.take();
        let numbers = [&self.tasks, &spare].map(|held| held.as_ref().map(|held| held.number));
        self.spare.set(spare);
        numbers
    }

    /// Closes both, as a program does that closes all descriptors there are.
    #[cfg(test)]
    pub(crate) fn close_as_a_daemon_does(&self) {
        let numbers = self.numbers();
        numbers.iter().flatten().copied().for_each(close);
    }
}

impl Held {
    fn new(number: c_int) -> Option<Self> {
        let number = beyond_stdio(number)?;
        match identity(number) {
            Some(identity) => Some(Self { number, identity }),
            None => {
                close(number);
                None
            }
        }
    }

    fn is_ours(&self) -> bool {
        identity(self.number).is_some_and(|now| now == self.identity)
    }
}

/// A file of a thread's.
#[derive(::core::clone::Clone, ::core::marker::Copy)]
pub(in crate::kill_path) enum File {
    Name,
    State,
    Place,
    Call,
}

impl File {
    const fn name(self) -> &'static str {
        match self {
            Self::Name => "/comm",
            Self::State => "/stat",
            Self::Place => "/wchan",
            Self::Call => "/syscall",
        }
    }
}

/// `/proc/self/task`, open.
pub(in crate::kill_path) struct Tasks<'a> {
    number: c_int,
    opened: bool,
    proc: &'a Proc,
}

impl Tasks<'_> {
    /// How many threads there are. `None` if the system does not say.
    pub(in crate::kill_path) fn count(&self) -> Option<u32> {
        // The directory itself has two links, and each thread is one more.
        links(self.number)?.checked_sub(2)
    }

    /// Goes back to the first thread.
    pub(in crate::kill_path) fn rewind(&self) {
        // SAFETY: three integers, and a directory has a beginning.
        unsafe { ::libc::lseek(self.number, 0, ::libc::SEEK_SET) };
    }

    /// The ids of the next threads; empty at the end.
    pub(in crate::kill_path) fn next<'a>(&self, buffer: &'a mut [u8]) -> Ids<'a> {
        // SAFETY: the pointer is valid for writes of the length given.
        let read = again(|| unsafe {
            ::libc::syscall(
                ::libc::SYS_getdents64,
                self.number,
                buffer.as_mut_ptr(),
                buffer.len(),
            )
        });
        Ids {
            entries: buffer.get(..read.unwrap_or(0)).unwrap_or(&[]),
        }
    }

    /// Reads the beginning of a thread's file. The error is the system's
    /// number; `ENOENT` and `ESRCH` mean that there is no such thread.
    pub(in crate::kill_path) fn read<'a>(
        &self,
        tid: c_int,
        file: File,
        buffer: &'a mut [u8],
    ) -> Result<&'a [u8], c_int> {
        let mut path = Path::new();
        path.number(positive(tid)).text(file.name());
        let number = open(self.number, ended(&mut path), ::libc::O_RDONLY)?;
        // SAFETY: the pointer is valid for writes of the length given.
        let read = again(|| unsafe {
            ::libc::syscall(::libc::SYS_read, number, buffer.as_mut_ptr(), buffer.len())
        });
        close(number);
        Ok(buffer.get(..read?).unwrap_or(&[]))
    }

    /// Reads where a thread's descriptor leads. The error is the system's
    /// number; `ENOENT` means that it is closed, or the thread gone.
    pub(in crate::kill_path) fn link<'a>(
        &self,
        tid: c_int,
        descriptor: c_int,
        buffer: &'a mut [u8],
    ) -> Result<&'a [u8], c_int> {
        let mut path = Path::new();
        path.number(positive(tid))
            .text("/fd/")
            .number(positive(descriptor));
        let path = ended(&mut path);
        // SAFETY: the first pointer is to a text that ends with zero, the
        // second is valid for writes of the length given.
        let read = again(|| unsafe {
            ::libc::syscall(
                ::libc::SYS_readlinkat,
                self.number,
                path.as_ptr(),
                buffer.as_mut_ptr(),
                buffer.len(),
            )
        });
        Ok(buffer.get(..read?).unwrap_or(&[]))
    }
}

impl Drop for Tasks<'_> {
    /// Keeps a spare for the next time, if there is one to be had.
    fn drop(&mut self) {
        if self.opened {
            close(self.number);
        }
        self.proc.keep_spare();
    }
}

/// The ids in a piece of a directory: `struct linux_dirent64`, several times.
pub(in crate::kill_path) struct Ids<'a> {
    entries: &'a [u8],
}

impl Ids<'_> {
    pub(in crate::kill_path) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Iterator for Ids<'_> {
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
            // The two that are no threads, `.` and `..`, are no numbers.
            if let Ok(Ok(tid)) = name.to_str().map(str::parse) {
                return Some(tid);
            }
        }
    }
}

/// A path below the directory.
type Path = Line<48>;

/// The same, ended as the kernel wants it.
fn ended(path: &mut Path) -> &CStr {
    let path = path.text("\0").as_bytes();
    CStr::from_bytes_until_nul(path).unwrap_or(c"")
}

/// Ids and descriptors are never negative.
fn positive(number: c_int) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// By `/proc/self`, which is the process; `thread-self` would be the thread.
fn open_tasks() -> Result<c_int, c_int> {
    let how = ::libc::O_RDONLY | ::libc::O_DIRECTORY;
    open(::libc::AT_FDCWD, c"/proc/self/task", how)
}

fn open(folder: c_int, path: &CStr, how: c_int) -> Result<c_int, c_int> {
    // SAFETY: the pointer is to a text that ends with zero. Nothing is created,
    // so there is no mode to give. The raw call, since a library may have put
    // its own `open` in libc's place.
    let number = again(|| unsafe {
        ::libc::syscall(
            ::libc::SYS_openat,
            folder,
            path.as_ptr(),
            how | ::libc::O_CLOEXEC,
        )
    });
    Ok(c_int::try_from(number?).unwrap_or(-1))
}

/// A descriptor that is nobody else's: two that open `/dev/null` have the same
/// file behind them, but each socket is a file of its own.
fn spare() -> Option<Held> {
    let kind = ::libc::SOCK_DGRAM | ::libc::SOCK_CLOEXEC;
    // SAFETY: three integers.
    match unsafe { ::libc::socket(::libc::AF_UNIX, kind, 0) } {
        -1 => None,
        number => Held::new(number),
    }
}

/// Moves a descriptor out of the way of standard input, output and error. Where
/// one of these is closed a new one has its number, and whoever writes there
/// would write here.
fn beyond_stdio(number: c_int) -> Option<c_int> {
    if number > ::libc::STDERR_FILENO {
        return Some(number);
    }
    let first = ::libc::STDERR_FILENO.saturating_add(1);
    // SAFETY: three integers.
    let copy =
        unsafe { ::libc::syscall(::libc::SYS_fcntl, number, ::libc::F_DUPFD_CLOEXEC, first) };
    close(number);
    c_int::try_from(copy).ok().filter(|copy| *copy >= first)
}

fn close(number: c_int) {
    // Not tried again: Linux has let go of the number whatever it says.
    // SAFETY: the callers own the descriptor: they opened it and it has not
    // been closed, or it is the file that they opened under that number.
    unsafe { ::libc::syscall(::libc::SYS_close, number) };
}

/// Makes a call until no signal interrupts it. The error is the system's
/// number.
fn again(mut call: impl FnMut() -> c_long) -> Result<usize, c_int> {
    for _ in 0..TRIES {
        match usize::try_from(call()) {
            Ok(done) => return Ok(done),
            Err(_) if errno::last() == ::libc::EINTR => {}
            Err(_) => return Err(errno::last()),
        }
    }
    Err(::libc::EINTR)
}
