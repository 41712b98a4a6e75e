//! The two kinds of report, read from JSON.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use deadstop::report::{HangReport, ShutdownReport};
use serde_json::Value;

/// A report of either kind.
#[derive(Debug)]
pub(crate) enum Report {
    /// The report of the JSON sink.
    Hang(Box<HangReport>),
    /// A `ShutdownReport` serialized with the feature `serde`.
    Shutdown(Box<ShutdownReport>),
}

/// The reason why a text is no report.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The text is not JSON, or lacks fields of the report that it claims to be.
    Json(serde_json::Error),
    /// The text is JSON, but not a report.
    NoReport,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) if error.is_eof() => write!(f, "it is cut short: {error}"),
            Self::Json(error) if error.is_syntax() => write!(f, "it is not JSON: {error}"),
            Self::Json(error) => write!(f, "it is not as a report should be: {error}"),
            Self::NoReport => f.write_str("it is JSON, but not a report of deadstop"),
        }
    }
}

impl Error for ReadError {}

impl Report {
    /// Reads a report, and tells its kind by its keys.
    pub(crate) fn read(json: &str) -> Result<Self, ReadError> {
        let value: Value = serde_json::from_str(json).map_err(ReadError::Json)?;
        let keys = |keys: &[&str]| keys.iter().all(|key| value.get(key).is_some());
        if value.get("format").is_some() {
            let report = serde_json::from_value(value).map_err(ReadError::Json)?;
            return Ok(Self::Hang(report));
        }
        if keys(&["cause", "phases", "took", "refused"]) {
            let report = serde_json::from_value(value).map_err(ReadError::Json)?;
            return Ok(Self::Shutdown(report));
        }
        Err(ReadError::NoReport)
    }
}

/// A number of seconds that can be drawn: not without end.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Seconds(pub(crate) f64);

/// Longer is what a length without end amounts to.
const LONGEST: f64 = 1e9;

impl From<Duration> for Seconds {
    fn from(length: Duration) -> Self {
        Self(length.as_secs_f64().min(LONGEST))
    }
}

impl Seconds {
    pub(crate) fn is_endless(self) -> bool {
        self.0 >= LONGEST
    }
}
