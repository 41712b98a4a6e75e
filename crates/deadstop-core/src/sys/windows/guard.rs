//! The channel to a guard: another process, which ends this one after its deadline.
//!
//! ```text
//! this process                      the guard
//! open, numbers ──────────────────▶ from_numbers
//! wait_ready  ◀──────── ready ───── run: waits for the first of
//! Timer::set  ───────── changed ──▶   a change, the end of this process, the point in time
//! ```
//!
//! The handles are inherited: they have no name that another user's process could open.
//! The point in time is a reading of the performance counter, which all processes share.
//!
//! # Orderings
//!
//! `PAGE` is written (`Release`) after `CHANGED`, and read with `Acquire`. The kernel orders
//! the word of the page by the event.

use core::ffi::{c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use core::time::Duration;

use windows_sys::Win32::Foundation::{
    DuplicateHandle, GetLastError, HANDLE, HANDLE_FLAG_INHERIT, INVALID_HANDLE_VALUE,
    SetHandleInformation, WAIT_FAILED, WAIT_OBJECT_0,
};
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_ALL_ACCESS, MapViewOfFile, PAGE_READWRITE,
};
use windows_sys::Win32::System::Threading::{
    CreateEventW, GetCurrentProcess, INFINITE, PROCESS_SYNCHRONIZE, PROCESS_TERMINATE, SetEvent,
    TerminateProcess, WaitForMultipleObjects,
};

use super::clock::{milliseconds, now};
use super::handle::Handle;
use super::terminate::terminate;
use crate::sys::Nanos;

/// The status of a process that its guard ends: what shells show for `SIGKILL`.
const KILLED: u32 = 137;

/// The shared word with the deadline in nanoseconds; 0 is none. Null without a guard.
static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());
/// The event that says that the deadline has changed.
static CHANGED: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// The handles that a process shares with its guard.
#[expect(missing_debug_implementations, reason = "handles")]
pub struct GuardChannel {
    /// The process that is guarded.
    process: Handle,
    page: Handle,
    changed: Handle,
    ready: Handle,
}

impl GuardChannel {
    /// Creates the channel. Processes that start from here on inherit its handles, until
    /// [`publish`](Self::publish).
    ///
    /// # Errors
    ///
    /// Fails with the number of Windows' error.
    pub fn open() -> Result<Self, c_int> {
        let inherited = SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: ptr::null_mut(),
            bInheritHandle: 1,
        };
        let inherited = &raw const inherited;
        let (file, length) = (INVALID_HANDLE_VALUE, size_of::<AtomicU64>() as u32);
        // SAFETY: the attributes are valid for reads; the memory has no file and no name.
        let page =
            unsafe { CreateFileMappingW(file, inherited, PAGE_READWRITE, 0, length, ptr::null()) };
        // SAFETY: the attributes are valid for reads; the event has no name.
        let changed = unsafe { CreateEventW(inherited, 0, 0, ptr::null()) };
        // SAFETY: as above.
        let ready = unsafe { CreateEventW(inherited, 1, 0, ptr::null()) };
        // SAFETY: no precondition; it is a constant.
        let own = unsafe { GetCurrentProcess() };
        let access = PROCESS_SYNCHRONIZE | PROCESS_TERMINATE;
        let mut process = ptr::null_mut();
        // SAFETY: the handles are of this process; the pointer is valid for writes.
        unsafe { DuplicateHandle(own, own, own, &raw mut process, access, 1, 0) };
        match (
            Handle::new(process),
            Handle::new(page),
            Handle::new(changed),
            Handle::new(ready),
        ) {
            (Some(process), Some(page), Some(changed), Some(ready)) => Ok(Self {
                process,
                page,
                changed,
                ready,
            }),
            _ => Err(last_error()),
        }
    }

    /// Returns the handles as numbers, for [`from_numbers`](Self::from_numbers).
    pub fn numbers(&self) -> [usize; 4] {
        [&self.process, &self.page, &self.changed, &self.ready].map(|handle| handle.get() as usize)
    }

    /// Takes the handles that this process has inherited. `None` if one is missing.
    pub fn from_numbers([process, page, changed, ready]: [usize; 4]) -> Option<Self> {
        let handle = |number: usize| Handle::new(ptr::without_provenance_mut(number));
        Some(Self {
            process: handle(process)?,
            page: handle(page)?,
            changed: handle(changed)?,
            ready: handle(ready)?,
        })
    }

    /// Waits until the guard, whose process handle is `guard`, watches. Returns `false` if
    /// it has ended, or `limit` is over.
    pub fn wait_ready(&self, guard: HANDLE, limit: Duration) -> bool {
        let first = wait([self.ready.get(), guard], milliseconds(limit));
        first == WAIT_OBJECT_0
    }

    /// Makes the channel that of this process's backup timer. Later calls do nothing.
    ///
    /// # Errors
    ///
    /// Fails with the number of Windows' error if the page cannot be mapped.
    pub fn publish(self) -> Result<(), c_int> {
        let page = self.map().ok_or_else(last_error)?;
        let changed = self.changed.get();
        // Programs that this one starts need not have them.
        for number in self.numbers() {
            let handle = ptr::without_provenance_mut(number);
            // SAFETY: the handle is open.
            unsafe { SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0) };
        }
        if PAGE.load(Ordering::Acquire).is_null() {
            // They stay open for the life of the process.
            self.changed.leak();
            CHANGED.store(changed, Ordering::Relaxed);
            PAGE.store(page, Ordering::Release);
        }
        Ok(())
    }

    /// Guards the process at the other end until it has ended, and ends the calling one.
    pub fn run(self) -> ! {
        let Some(page) = self.map() else {
            terminate(1);
        };
        // SAFETY: the page stays mapped for the life of the process.
        let at = unsafe { &*page };
        // SAFETY: the handle is open, or the call fails.
        unsafe { SetEvent(self.ready.get()) };
        loop {
            let limit = match at.load(Ordering::Acquire) {
                0 => INFINITE,
                at if now() >= Nanos(at) => {
                    // SAFETY: the handle is open, or the call fails.
                    unsafe { TerminateProcess(self.process.get(), KILLED) };
                    terminate(0);
                }
                at => milliseconds(Nanos(at).since(now())),
            };
            match wait([self.process.get(), self.changed.get()], limit) {
                WAIT_OBJECT_0 => terminate(0),
                WAIT_FAILED => terminate(1),
                // A change, or the time.
                _ => {}
            }
        }
    }

    fn map(&self) -> Option<*mut AtomicU64> {
        let length = size_of::<AtomicU64>();
        // SAFETY: the handle is of memory of this length, or the call fails.
        let view = unsafe { MapViewOfFile(self.page.get(), FILE_MAP_ALL_ACCESS, 0, 0, length) };
        (!view.Value.is_null()).then(|| view.Value.cast())
    }
}

/// Returns `true` if this process has a guard.
pub(super) fn is_present() -> bool {
    !PAGE.load(Ordering::Acquire).is_null()
}

/// Tells the guard when to end this process. Does nothing without one.
pub(super) fn tell(at: Nanos) {
    let page = PAGE.load(Ordering::Acquire);
    // SAFETY: null, or mapped for the life of the process.
    let Some(page) = (unsafe { page.as_ref() }) else {
        return;
    };
    page.store(at.0.max(1), Ordering::Release);
    // SAFETY: written before `PAGE`, and never closed.
    unsafe { SetEvent(CHANGED.load(Ordering::Relaxed)) };
}

/// Waits for the first of two handles.
fn wait(handles: [HANDLE; 2], limit: u32) -> u32 {
    // SAFETY: the pointer is to two handles.
    unsafe { WaitForMultipleObjects(2, handles.as_ptr(), 0, limit) }
}

fn last_error() -> c_int {
    // SAFETY: no precondition.
    unsafe { GetLastError() as c_int }
}
