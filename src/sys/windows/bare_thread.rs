//! Threads of `std`'s, for deadstop's own code.

use std::io;
use std::thread;

/// The code of a thread.
pub(crate) type Life = Box<dyn FnOnce() + Send>;

/// Starts a thread with `stack` bytes. A panic ends it alone.
///
/// # Errors
///
/// Fails if the system refuses the thread.
pub(crate) fn spawn(name: &'static str, stack: usize, life: Life) -> io::Result<()> {
    let builder = thread::Builder::new().name(name.into()).stack_size(stack);
    builder.spawn(life).map(drop)
}
