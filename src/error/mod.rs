//! Errors, one type per operation.
//!
//! `Debug` prints what `Display` does and the causes, because `main` that returns
//! an error prints `Debug`.

#[cfg(feature = "shutdown")]
#[macro_use]
mod debug;
mod install;
#[cfg(feature = "shutdown")]
mod phases;
#[cfg(feature = "shutdown")]
mod register;
#[cfg(feature = "shutdown")]
mod wait;

pub use self::install::InstallError;
#[cfg(feature = "shutdown")]
pub use self::phases::{PhasesError, UnknownPhaseError};
#[cfg(feature = "shutdown")]
pub use self::register::RegisterError;
#[cfg(feature = "shutdown")]
pub use self::wait::WaitError;
