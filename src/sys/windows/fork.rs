//! Windows has no fork.

use std::io;

/// Does nothing.
pub(crate) fn notify_child(_in_child: extern "C" fn()) -> io::Result<()> {
    Ok(())
}
