//! The two kinds of report, as they are written in JSON.

use std::error::Error;
use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A report of either kind.
#[derive(Debug)]
pub(crate) enum Report {
    /// What the sink for tools gets; see `HangReport`.
    Hang(HangReport),
    /// What the feature `serde` makes of a `ShutdownReport`.
    Shutdown(ShutdownReport),
}

/// The name of a hang report's format, and the version that is read here.
const FORMAT: &str = "deadstop hang report";
const VERSION: u64 = 1;

/// Why a text is no report.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// It is not even JSON, or has not the fields of the report that it says
    /// it is.
    Json(serde_json::Error),
    /// It is the JSON of something else.
    NoReport,
    /// It is of a version that is not known here.
    Version(String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) if error.is_eof() => write!(f, "it is cut short: {error}"),
            Self::Json(error) if error.is_syntax() => write!(f, "it is not JSON: {error}"),
            Self::Json(error) => write!(f, "it is not as a report should be: {error}"),
            Self::NoReport => f.write_str("it is JSON, but of no report of deadstop's"),
            Self::Version(version) => write!(
                f,
                "it is a hang report of version {version}, and this reads version {VERSION}"
            ),
        }
    }
}

impl Error for ReadError {}

impl Report {
    /// Reads a report, and tells its kind by its keys.
    pub(crate) fn read(json: &str) -> Result<Self, ReadError> {
        let value: Value = serde_json::from_str(json).map_err(ReadError::Json)?;
        let keys = |keys: &[&str]| keys.iter().all(|key| value.get(key).is_some());
        if value.get("format").is_some_and(|format| format == FORMAT) {
            return match value.get("version") {
                Some(version) if version == VERSION => {
                    let report = serde_json::from_value(value).map_err(ReadError::Json)?;
                    Ok(Self::Hang(report))
                }
                Some(version) => Err(ReadError::Version(version.to_string())),
                None => Err(ReadError::Version("null".to_owned())),
            };
        }
        if keys(&["cause", "phases", "took", "refused"]) {
            let report = serde_json::from_value(value).map_err(ReadError::Json)?;
            return Ok(Self::Shutdown(report));
        }
        Err(ReadError::NoReport)
    }
}

/// A hang report. Keys that are not drawn are left out.
#[derive(Debug, Deserialize)]
pub(crate) struct HangReport {
    pub(crate) kind: Kind,
    pub(crate) pid: u64,
    pub(crate) cause: Option<String>,
    pub(crate) now: Option<Seconds>,
    pub(crate) grace: Option<Seconds>,
    pub(crate) deadline_in: Option<Seconds>,
    pub(crate) complete: bool,
    pub(crate) phases: Vec<Phase>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) unlisted: Unlisted,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Deadline,
    Dump,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Phase {
    pub(crate) name: String,
    pub(crate) start: Seconds,
    pub(crate) took: Seconds,
    pub(crate) budget: Option<Seconds>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Task {
    pub(crate) name: String,
    pub(crate) phase: String,
    /// A word; there may be others one day.
    pub(crate) state: String,
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) start: Option<Seconds>,
    pub(crate) took: Option<Seconds>,
    pub(crate) budget: Option<Seconds>,
    pub(crate) thread: Option<u64>,
    #[serde(default)]
    pub(crate) says: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Thread {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) place: String,
    pub(crate) doing: String,
    pub(crate) busy: Option<u8>,
    #[serde(default)]
    pub(crate) stack: Vec<Frame>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Frame {
    pub(crate) function: String,
    pub(crate) site: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Unlisted {
    pub(crate) running: u64,
    pub(crate) waiting: u64,
    pub(crate) phases: u64,
}

/// What became of a shutdown that ended in time.
#[derive(Debug, Deserialize)]
pub(crate) struct ShutdownReport {
    pub(crate) cause: String,
    pub(crate) phases: Vec<PhaseReport>,
    pub(crate) refused: Vec<TaskReport>,
    pub(crate) took: Seconds,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PhaseReport {
    #[serde(flatten)]
    pub(crate) phase: Phase,
    pub(crate) tasks: Vec<TaskReport>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct TaskReport {
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
    pub(crate) start: Seconds,
    pub(crate) took: Seconds,
    pub(crate) budget: Seconds,
    pub(crate) site: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Cancelled,
    Done,
    Failed(String),
    OverBudget,
    Panicked(String),
    Refused,
    Skipped(String),
}

/// A number of seconds that can be drawn: neither negative nor without end.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Seconds(pub(crate) f64);

/// Longer is what a length without end amounts to.
const LONGEST: f64 = 1e9;

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        f64::deserialize(from).map(|seconds| Self(seconds.clamp(0.0, LONGEST)))
    }
}

impl Seconds {
    pub(crate) fn is_endless(self) -> bool {
        self.0 >= LONGEST
    }
}
