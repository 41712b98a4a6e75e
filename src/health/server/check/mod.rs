//! Checks of the application: what they return, and the last result of each.

mod result;
mod state;

pub(super) use self::result::Call;
pub use self::result::CheckResult;
pub(super) use self::state::{CheckState, MAX_CHECKS, REASON, Verdict};
