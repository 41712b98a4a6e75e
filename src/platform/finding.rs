//! One thing that the platform and the program disagree on.

use std::fmt;

/// The severity of a [`Finding`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Level {
    /// A fact; nothing is wrong.
    Info,
    /// Something may go wrong.
    Warning,
    /// A shutdown will not work as configured.
    Error,
}

/// A fact about the platform, or a disagreement between the platform and the program.
///
/// Its text is one line: the finding, whether it is certain, and the fix.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// The severity.
    pub level: Level,
    /// `true` if it was read from places that cannot be wrong. A finding that is not certain
    /// relies on a documented default, which the text names.
    pub certain: bool,
    /// The fact, or the disagreement.
    pub text: String,
    /// The remedy; `None` if nothing is wrong.
    pub fix: Option<String>,
}

impl Finding {
    pub(super) fn new(level: Level, certain: bool, text: impl Into<String>) -> Self {
        Self {
            level,
            certain,
            text: text.into(),
            fix: None,
        }
    }

    /// An error if it is certain, else a warning.
    pub(super) fn problem(certain: bool, text: impl Into<String>) -> Self {
        let level = match certain {
            true => Level::Error,
            false => Level::Warning,
        };
        Self::new(level, certain, text)
    }

    pub(super) fn info(certain: bool, text: impl Into<String>) -> Self {
        Self::new(Level::Info, certain, text)
    }

    #[inline(never)] // Nine callers.
    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Returns `true` if it is certain that a shutdown will not work as configured.
    pub fn is_certain_error(&self) -> bool {
        self.certain && self.level == Level::Error
    }
}

impl fmt::Display for Finding {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sure = match self.certain {
            true => "certain",
            false => "guess",
        };
        write!(f, "{} ({sure}).", self.text)?;
        match &self.fix {
            Some(fix) => write!(f, " {fix}."),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Level {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}
