//! The milestones that futures and threads wait for.

use crate::coordinator::machine::ScopeId;

/// A milestone of the shutdown, or of a scope.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::coordinator) enum Milestone {
    Requested(ScopeId),
    /// The phase of this index has begun, or is skipped.
    Reached(usize),
    Ended,
}
