//! Where a hang report goes, the places that cannot block first.

mod overwritten;

use std::path::{Path, PathBuf};

use crate::error::InstallError;
use crate::kill_path::{Line, Nanos};

use self::overwritten::Overwritten;
use super::Log;
use super::stderr::Stderr;

/// What Kubernetes shows of a container that has ended; see
/// `terminationMessagePath`.
const TERMINATION_LOG: &str = "/dev/termination-log";

/// As much as Kubernetes shows.
pub(super) const MESSAGE: usize = 4096;

/// Where hang reports go.
///
/// In this order, so that a place that blocks costs only those after it:
///
/// 1. A file, the **message**: `/dev/termination-log` if it is there and can be
///    written, which is where Kubernetes looks when a container has ended.
///    At most 4,096 bytes, the culprit in the first 200, written over what was
///    there. A [dump](crate::Shutdown::dump) does not go there.
/// 2. A file for tools, **JSON**: only if you name one. Its schema is that of
///    [`HangReport`](crate::HangReport#json).
/// 3. **Standard error**, by a descriptor of its own, taken at install.
/// 4. The **log**, line by line, at the level `error` (a dump: `warn`).
///
/// The files are opened by `install`, so that they are there after a `chroot` or
/// a change of user, and written when there is a hang to report: until then
/// what is in them stays.
///
/// A file that is named here is open until the process ends. Name none on a disk
/// that may stop answering (a network file system): closing it, or a write that
/// is under way, can then hold the process in uninterruptible sleep beyond its
/// deadline, as measured with FUSE.
///
/// # Examples
///
/// ```
/// use deadstop::{Shutdown, Sinks};
///
/// # let folder = std::env::temp_dir();
/// let shutdown = Shutdown::builder()
///     .sinks(Sinks::new().json(folder.join("hang.json")).without_log())
///     .install()?;
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use = "sinks are nothing until a builder gets them"]
pub struct Sinks {
    message: Message,
    json: Option<PathBuf>,
    stderr: bool,
    log: bool,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Message {
    /// The container's, if there is one.
    OfContainer,
    To(PathBuf),
    None,
}

impl Sinks {
    /// The container's termination message if there is one, standard error, and
    /// the log.
    pub fn new() -> Self {
        Self {
            message: Message::OfContainer,
            json: None,
            stderr: true,
            log: true,
        }
    }

    /// Writes the message to the file at `path`, which is made if it is not
    /// there. A file of more than 4,096 bytes is no message, but somebody's
    /// log, and `install` refuses it.
    pub fn message(mut self, path: impl Into<PathBuf>) -> Self {
        self.message = Message::To(path.into());
        self
    }

    /// Writes no message, not even where there is a termination log.
    pub fn without_message(mut self) -> Self {
        self.message = Message::None;
        self
    }

    /// Writes the whole report as JSON to the file at `path`, which is made if
    /// it is not there, and written over if it is.
    pub fn json(mut self, path: impl Into<PathBuf>) -> Self {
        self.json = Some(path.into());
        self
    }

    /// Writes nothing to standard error.
    pub fn without_stderr(mut self) -> Self {
        self.stderr = false;
        self
    }

    /// Writes nothing to the log.
    pub fn without_log(mut self) -> Self {
        self.log = false;
        self
    }

    /// Opens them. What nobody asked for by name is left out if it cannot be
    /// had.
    pub(crate) fn open(&self, log: &Log) -> Result<Open, InstallError> {
        let message = match &self.message {
            Message::None => None,
            Message::OfContainer => {
                let path = Path::new(TERMINATION_LOG);
                Overwritten::open(path, false, Some(MESSAGE as u64)).ok()
            }
            Message::To(path) => Some(named(path, Some(MESSAGE as u64))?),
        };
        let json = self.json.as_ref().map(|path| named(path, None));
        Ok(Open {
            message,
            json: json.transpose()?,
            stderr: self.stderr.then(Stderr::reopened).flatten(),
            log: self.log.then(|| log.clone()),
        })
    }
}

impl Default for Sinks {
    /// As [`new`](Self::new).
    fn default() -> Self {
        Self::new()
    }
}

fn named(path: &Path, most: Option<u64>) -> Result<Overwritten, InstallError> {
    Overwritten::open(path, true, most).map_err(|source| InstallError::Sink {
        path: path.to_owned(),
        source,
    })
}

/// The sinks, opened.
pub(crate) struct Open {
    message: Option<Overwritten>,
    json: Option<Overwritten>,
    stderr: Option<Stderr>,
    log: Option<Log>,
}

impl Open {
    /// Whether there is a termination message to write.
    pub(super) fn has_message(&self) -> bool {
        self.message.is_some()
    }

    pub(super) fn has_json(&self) -> bool {
        self.json.is_some()
    }

    pub(super) fn message(&self, text: &Line<MESSAGE>) {
        if let Some(message) = &self.message {
            message.write(text.as_bytes());
        }
    }

    /// Nothing is written if there was no room to render it.
    pub(super) fn json<const N: usize>(&self, object: &Line<N>) {
        if let Some(json) = self.json.as_ref().filter(|_| !object.as_bytes().is_empty()) {
            json.write(object.as_bytes());
        }
    }

    pub(super) fn stderr(&self, text: &str, until: impl Fn() -> Nanos) {
        if let Some(stderr) = &self.stderr {
            stderr.write_until(text.as_bytes(), until);
        }
    }

    /// Hands the lines to the log. It allocates.
    pub(super) fn log(&self, text: &str, level: log::Level) {
        let Some(log) = self.log.as_ref().filter(|log| log.hears(level)) else {
            return;
        };
        for line in text.lines() {
            let line = line.strip_prefix("deadstop: ").unwrap_or(line);
            log.say(level, line.to_owned());
        }
    }
}
