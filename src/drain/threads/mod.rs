//! Threads and futures that the shutdown waits for.

#[cfg(feature = "tokio")]
mod drive;
mod join;
mod keep;

#[cfg(feature = "tokio")]
pub use self::drive::OnRuntime;
pub use self::keep::{KeepBuilder, KeepError, KeptContext, KeptThread};
