//! Panics as triggers.

mod begin;
mod guard;
#[cfg(feature = "shutdown")]
mod hook;
#[cfg(feature = "shutdown")]
mod running;

pub use self::begin::arm_from_panic_hook;
#[cfg(feature = "shutdown")]
pub(crate) use self::begin::message;
pub use self::guard::PanicHookGuard;
#[cfg(feature = "shutdown")]
pub use self::hook::Panics;
#[cfg(feature = "shutdown")]
pub(crate) use self::hook::{HookState, hook, ignore, state};
#[cfg(feature = "shutdown")]
pub(crate) use self::running::{count_out_own, wait_for_hooks};
