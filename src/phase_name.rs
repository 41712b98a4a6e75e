//! The name of a phase.

use std::borrow::Cow;
use std::fmt;

/// The name of a phase: a text, or made from a [`Phase`](crate::Phase).
///
/// # Examples
///
/// ```
/// use deadstop::Phase;
/// use deadstop::task::PhaseName;
///
/// assert_eq!(PhaseName::from("flush"), Phase::FLUSH.into());
/// assert_eq!(PhaseName::from("replicate").as_str(), "replicate");
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct PhaseName(Cow<'static, str>);

impl PhaseName {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PhaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&'static str> for PhaseName {
    fn from(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }
}

impl From<String> for PhaseName {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}
