//! Threads that the C library does not know, started by `clone` in a signal handler.
//!
//! `pthread_create` allocates and locks, so a signal handler must not call it. A thread
//! of the kernel needs a stack, and a place for `errno`, which the C library finds
//! relative to the thread pointer. Both are in one mapping:
//!
//! ```text
//! │ guard page │ stack ──────◀ │ below the thread pointer │▲│ above it │
//! ```
//!
//! The part around the thread pointer is all zeroes, except the words that point to
//! itself. It must hold `errno`, whose distance from the thread pointer is the same in
//! each thread; the distance is measured in the thread that arms.
//!
//! The thread blocks every signal, is no part of `pthread`'s lists, and ends with the
//! process.

use core::ffi::{c_int, c_long, c_void};
use core::ptr;

/// The stack, most of which is never touched. A report's tables are on it.
const STACK: usize = 1024 * 1024;
const PAGE: usize = 4096;
/// The memory of the C library around the thread pointer besides thread-local variables: its
/// descriptor of the thread, some 2,304 bytes in glibc.
const DESCRIPTOR: usize = 16 * 1024;
/// A mapping is not made larger than this for thread-local variables.
const LARGEST: usize = 64 * 1024 * 1024;

/// Starts a thread that runs `entry` with all signals blocked. Async-signal-safe.
///
/// Returns `false` where threads cannot be started: no memory, a limit, a filter of
/// system calls, or a processor that this file does not know.
pub(crate) fn start(entry: extern "C" fn() -> !) -> bool {
    let Some(thread) = Region::map() else {
        return false;
    };
    let before = block_all();
    let flags = libc::CLONE_VM
        | libc::CLONE_FS
        | libc::CLONE_FILES
        | libc::CLONE_SIGHAND
        | libc::CLONE_THREAD
        | libc::CLONE_SYSVSEM
        | libc::CLONE_SETTLS;
    // SAFETY: the stack and the thread pointer are of a mapping that is never removed
    // unless the call fails, and `entry` never returns.
    let tid = unsafe { clone(flags, thread.stack, thread.pointer, entry) };
    set_mask(&before);
    if tid < 0 {
        thread.unmap();
    }
    tid > 0
}

/// Prepares the calling thread, which [`start`] started, and names it: 15 bytes at most.
pub(crate) fn prepare(name: &core::ffi::CStr) {
    #[cfg(target_env = "musl")]
    keep_id();
    // SAFETY: the pointer is to a text that ends with zero.
    unsafe { libc::syscall(libc::SYS_prctl, libc::PR_SET_NAME, name.as_ptr(), 0, 0, 0) };
}

/// musl's `gettid` reads the id from the descriptor of the thread, where it stands
/// directly before `errno` (`struct pthread`, since 1.1.0).
#[cfg(target_env = "musl")]
fn keep_id() {
    // SAFETY: no precondition.
    let tid = unsafe { libc::syscall(libc::SYS_gettid) };
    // SAFETY: no precondition.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: within the part around the thread pointer, which this thread alone uses.
    unsafe {
        errno
            .wrapping_sub(1)
            .write(c_int::try_from(tid).unwrap_or(0))
    };
}

/// Ends the calling thread, which [`start`] started, and leaves its mapping.
pub(crate) fn end() -> ! {
    loop {
        // SAFETY: one integer. `exit` ends the calling thread alone.
        unsafe { libc::syscall(libc::SYS_exit, 0) };
    }
}

/// The memory of a thread.
struct Region {
    start: *mut c_void,
    len: usize,
    /// The upper end of the stack.
    stack: *mut c_void,
    /// The thread pointer.
    pointer: *mut c_void,
}

impl Region {
    fn map() -> Option<Self> {
        let distance = errno_distance()?;
        let room = distance.unsigned_abs().checked_add(DESCRIPTOR)?;
        let room = room.checked_next_multiple_of(PAGE)?;
        let len = STACK.checked_add(room.checked_mul(2)?)?;
        if len > LARGEST {
            return None;
        }
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping anywhere.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        // SAFETY: the first page of the mapping above: an overflow of the stack faults.
        unsafe { libc::mprotect(start, PAGE, libc::PROT_NONE) };
        let region = Self {
            start,
            len,
            stack: start.wrapping_byte_add(STACK),
            pointer: start.wrapping_byte_add(STACK).wrapping_byte_add(room),
        };
        region.point_to_itself();
        Some(region)
    }

    /// Writes the words by which the C library finds the descriptor of a thread.
    fn point_to_itself(&self) {
        #[cfg(target_arch = "x86_64")]
        for word in [0_usize, 2] {
            let at = self.pointer.cast::<*mut c_void>().wrapping_add(word);
            // SAFETY: within the part above the thread pointer, aligned, and no
            // thread uses it yet.
            unsafe { at.write(self.pointer) };
        }
    }

    fn unmap(self) {
        // SAFETY: the mapping that `map` made; no thread was started on it.
        unsafe { libc::munmap(self.start, self.len) };
    }
}

/// Returns the distance of `errno` from the thread pointer of the calling thread.
fn errno_distance() -> Option<isize> {
    // SAFETY: no precondition; it returns the address of the thread's own `errno`.
    let errno = unsafe { libc::__errno_location() };
    let errno = isize::try_from(errno.addr()).ok()?;
    errno.checked_sub(isize::try_from(thread_pointer()?).ok()?)
}

/// The kernel's set of all 64 signals. The C library's function would leave out the two
/// that it keeps for itself, whose handlers must not run on a thread that it does not
/// know.
const ALL: [u64; 1] = [u64::MAX];

fn block_all() -> [u64; 1] {
    let mut before = [0];
    change_mask(&ALL, &raw mut before);
    before
}

fn set_mask(mask: &[u64; 1]) {
    change_mask(mask, ptr::null_mut());
}

fn change_mask(mask: &[u64; 1], before: *mut [u64; 1]) {
    // SAFETY: the first pointer is valid for reads of eight bytes, the second is null
    // or valid for writes of eight bytes.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            mask.as_ptr(),
            before,
            size_of::<[u64; 1]>(),
        )
    };
}

#[cfg(target_arch = "x86_64")]
fn thread_pointer() -> Option<usize> {
    let pointer: usize;
    // SAFETY: the first word of the thread's descriptor is its own address, by the ABI.
    unsafe {
        core::arch::asm!("mov {}, fs:0", out(reg) pointer, options(nostack, readonly, preserves_flags));
    }
    Some(pointer)
}

#[cfg(target_arch = "aarch64")]
fn thread_pointer() -> Option<usize> {
    let pointer: usize;
    // SAFETY: reads a register.
    unsafe {
        core::arch::asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nomem, nostack, preserves_flags));
    }
    Some(pointer)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn thread_pointer() -> Option<usize> {
    None
}

/// Starts a thread. Returns its id, or a negative error.
///
/// # Safety
///
/// `stack` is the aligned upper end of memory that the thread may use for its life, and
/// so is the memory around `pointer`.
#[cfg(target_arch = "x86_64")]
unsafe fn clone(
    flags: c_int,
    stack: *mut c_void,
    pointer: *mut c_void,
    entry: extern "C" fn() -> !,
) -> c_long {
    let result: c_long;
    // SAFETY: the new thread begins after `syscall` with the stack of the contract, and
    // calls a function that does not return. In this thread only the three registers
    // change that the kernel may change.
    unsafe {
        core::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "call r12",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone => result,
            in("rdi") c_long::from(flags),
            in("rsi") stack,
            in("rdx") 0_usize,
            in("r10") 0_usize,
            in("r8") pointer,
            in("r12") entry,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    result
}

/// The same. The thread pointer and the child's id have changed places.
///
/// # Safety
///
/// As above.
#[cfg(target_arch = "aarch64")]
unsafe fn clone(
    flags: c_int,
    stack: *mut c_void,
    pointer: *mut c_void,
    entry: extern "C" fn() -> !,
) -> c_long {
    let result: c_long;
    // SAFETY: as above; the kernel changes x0 alone.
    unsafe {
        core::arch::asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x30, xzr",
            "blr x9",
            "udf #0",
            "2:",
            inlateout("x0") c_long::from(flags) => result,
            in("x8") libc::SYS_clone,
            in("x1") stack,
            in("x2") 0_usize,
            in("x3") pointer,
            in("x4") 0_usize,
            in("x9") entry,
        );
    }
    result
}

/// # Safety
///
/// Never called: there is no thread pointer.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
unsafe fn clone(_: c_int, _: *mut c_void, _: *mut c_void, _: extern "C" fn() -> !) -> c_long {
    -1
}
