//! A gate in a child of `fork`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::{finish, shutdown, victim};

const MS: Duration = Duration::from_millis(1);

/// Maximum time of a run that fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Size of an allocation. The gate's table of named entries is larger.
const LARGE: usize = 4096;

thread_local! {
    /// `true` if the thread's next large allocation must wait for [`GO_ON`].
    static WAITS: Cell<bool> = const { Cell::new(false) };
}
static IS_WAITING: AtomicBool = AtomicBool::new(false);
static GO_ON: AtomicBool = AtomicBool::new(false);

#[global_allocator]
static ALLOCATOR: Waiting = Waiting;

/// The system's allocator, which can block one allocation.
struct Waiting;

impl Waiting {
    fn wait_if_told(layout: Layout) {
        if layout.size() < LARGE || !WAITS.try_with(Cell::take).unwrap_or(false) {
            return;
        }
        IS_WAITING.store(true, Ordering::SeqCst);
        while !GO_ON.load(Ordering::SeqCst) {
            thread::sleep(MS);
        }
    }
}

#[expect(unsafe_code, reason = "an allocator")]
// SAFETY: each call is passed on as it is.
unsafe impl GlobalAlloc for Waiting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::wait_if_told(layout);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// A thread of the parent creates the table of named entries. This thread does not exist in the
/// child, and the child must still be able to enter by name.
#[test]
#[expect(unsafe_code, reason = "forks")]
fn child_forked_during_the_first_named_entry_enters_by_name() {
    let name = "gate_fork::child_forked_during_the_first_named_entry_enters_by_name";
    let ended = victim::run(name, || {
        let shutdown = shutdown(60);
        let gate = shutdown.gate("requests").open().expect("it opens");
        let enters = thread::spawn(move || {
            WAITS.set(true);
            drop(gate.enter_named("of the parent"));
        });
        while !IS_WAITING.load(Ordering::SeqCst) {
            thread::sleep(MS);
        }
        // SAFETY: the child makes no call that is not allowed after `fork`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let entered = gate.enter_named("of the child");
            let is_listed = gate
                .oldest()
                .is_some_and(|(name, _)| name == "of the child");
            let status = i32::from(entered.is_err() || !is_listed);
            // SAFETY: _exit(2) takes an integer.
            unsafe { libc::_exit(status) };
        }
        println!("child: {:?}", status_of(child));
        GO_ON.store(true, Ordering::SeqCst);
        enters.join().expect("it enters");
        finish(&shutdown);
    });
    ended.assert_status(0).assert_says("child: Some(0)");
}

/// Returns the child's exit status. Kills a child that hangs.
#[expect(unsafe_code, reason = "waits for the process that it started")]
fn status_of(child: i32) -> Option<i32> {
    let until = Instant::now() + PATIENCE;
    let mut status = 0;
    // SAFETY: the pointer is valid for writes.
    while unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) } == 0 {
        if Instant::now() >= until {
            // SAFETY: kill(2) takes two integers; the child is not reaped.
            unsafe { libc::kill(child, libc::SIGKILL) };
            // SAFETY: the pointer is valid for writes.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            return None;
        }
        thread::sleep(MS);
    }
    libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
}
