//! `Debug` of the errors.

use std::error::Error;
use std::fmt;

/// Writes an error and its causes in one line.
pub(super) fn write_chain(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{error}")?;
    let mut source = error.source();
    while let Some(error) = source {
        write!(f, ": {error}")?;
        source = error.source();
    }
    Ok(())
}

macro_rules! debug_is_display {
    ($error:ty) => {
        impl fmt::Debug for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                super::debug::write_chain(self, f)
            }
        }
    };
}
