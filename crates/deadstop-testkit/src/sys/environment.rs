//! The environment, unless the process runs with more rights than its caller.

use std::env::{self, VarError};

/// Reads an environment variable, as `secure_getenv` does: a program with the
/// set-user-id bit reads nothing that its caller wrote.
pub(crate) fn secure_var(name: &str) -> Result<String, VarError> {
    // SAFETY: getauxval takes an integer.
    if unsafe { libc::getauxval(libc::AT_SECURE) } != 0 {
        return Err(VarError::NotPresent);
    }
    env::var(name)
}
