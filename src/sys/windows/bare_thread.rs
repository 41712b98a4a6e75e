//! Threads of `std`'s, for deadstop's own code.

use std::io;
use std::thread;

use deadstop_core::threads::own::OwnThread;

/// The code of a thread.
pub(crate) type Life = Box<dyn FnOnce() + Send>;

/// Starts a thread with `stack` bytes. A panic ends it alone.
///
/// # Errors
///
/// Fails if the system refuses the thread.
pub(crate) fn spawn(name: &'static str, stack: usize, life: Life) -> io::Result<()> {
    let builder = thread::Builder::new().name(name.into()).stack_size(stack);
    let marked = move || {
        let _own = OwnThread::mark();
        life();
    };
    builder.spawn(marked).map(drop)
}
