//! The sinks of a hang report, those that cannot block first.

mod annotation;
mod datagram;
mod open;
mod overwritten;
mod render_json;

use std::path::{Path, PathBuf};

use crate::error::InstallError;

use self::datagram::{Journal, Supervisor};
use self::open::Format;
pub(super) use self::open::MESSAGE_LEN;
pub(crate) use self::open::OpenSinks;
use self::overwritten::Overwritten;
use self::render_json::RenderJson;
use super::Log;
use super::stderr::Stderr;
use crate::sys::file;

/// The file that Kubernetes shows of a container that has ended; see
/// `terminationMessagePath`.
const TERMINATION_LOG: &str = "/dev/termination-log";

/// The sinks of hang reports.
///
/// Reports go to them in this order. If a sink blocks, the sinks after it get nothing; the
/// process still ends on time:
///
/// 1. **Termination message**, a file: `/dev/termination-log`, if it exists and can be written.
///    Kubernetes reads it when a container has ended. The report replaces the file's content:
///    at most 4,096 bytes, beginning with the first screen. Status reports do not go there.
/// 2. **JSON**, a file for programs, if the program names one. `report::HangReport` (feature
///    `serde`) reads it and has its schema.
/// 3. **The supervisor's socket**, if `NOTIFY_SOCKET` is set (systemd): the first line, as the
///    service's status.
/// 4. **The journal**, if standard error is connected to it (`JOURNAL_STREAM`): the whole
///    report as one entry with fields, instead of an entry for each line.
/// 5. **Standard error** otherwise. In GitHub Actions the report begins with an error
///    annotation.
/// 6. **The log**, one record with the target `deadstop` at the level `error` (a status report:
///    `warn`). It has the first screen. It has the whole report only if standard error is no
///    sink, because both often go to one stream. If standard output and standard error are one
///    file (`2>&1`, a terminal), it has only the first line, because the report is beside it.
///
/// `install` opens the files, so that deadstop can write them after a `chroot` or a change of
/// user. They keep their content until there is a report. A new file has the mode 0600, because
/// a report helps an attacker. deadstop does not follow symbolic links.
///
/// Standard error is the file that it was at `install`; deadstop keeps a descriptor of it. If
/// the program has replaced descriptor 2 since, for example to rotate a log, the report goes to
/// the new file, if that looks like standard error: a terminal, or a pipe or regular file that
/// is open only for writing, without the close-on-exec flag, as `dup2` and `freopen` leave it.
/// Any other file may be data of the program, such as a database that got the number after a
/// `close`. deadstop does not write to it.
///
/// A file that the program names here is open until the process ends. Do not name a file on a
/// disk that may stop answering (a network file system): closing the file, or a write that has
/// begun, can then hold the process in uninterruptible sleep beyond its deadline. A test with
/// FUSE has shown that.
///
/// # Examples
///
/// ```
/// use deadstop::Shutdown;
/// use deadstop::report::Sinks;
///
/// # let folder = std::env::temp_dir();
/// let shutdown = Shutdown::builder()
///     .sinks(Sinks::new().json(folder.join("hang.json")).log(false))
///     .install()?;
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use = "sinks are nothing until a builder gets them"]
pub struct Sinks {
    message: Message,
    json: Option<PathBuf>,
    /// A second file for JSON.
    injected: Option<PathBuf>,
    render_json: Option<RenderJson>,
    journal: Journaled,
    annotation: bool,
    stderr: bool,
    stderr_format: Format,
    log: bool,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Message {
    /// The container's, if there is one.
    OfContainer,
    To(PathBuf),
    None,
}

/// The condition for reports in systemd's journal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Journaled {
    /// If standard error goes there.
    IfStandardError,
    Always,
    Never,
}

impl Sinks {
    /// Returns the default sinks: the container's termination message if there is
    /// one, the supervisor's socket, the journal or standard error, and the log.
    pub fn new() -> Self {
        Self {
            message: Message::OfContainer,
            json: None,
            injected: None,
            render_json: None,
            journal: Journaled::IfStandardError,
            annotation: true,
            stderr: true,
            stderr_format: Format::Text,
            log: true,
        }
    }

    /// Writes the termination message to the file at `path`, which `install`
    /// creates if it is not there. A file of more than 4,096 bytes cannot be a
    /// termination message, and `install` refuses to overwrite it.
    pub fn termination_message(mut self, path: impl Into<PathBuf>) -> Self {
        self.message = Message::To(path.into());
        self
    }

    /// Writes no termination message, even if there is a file for it.
    pub fn without_termination_message(mut self) -> Self {
        self.message = Message::None;
        self
    }

    /// Writes the whole report as JSON to the file at `path`, which `install`
    /// creates if it is not there. A report replaces the file's content.
    ///
    /// If the system does not take the report, standard error and the log say so.
    pub fn json(mut self, path: impl Into<PathBuf>) -> Self {
        self.json = Some(path.into());
        self.render_json = Some(RenderJson::new());
        self
    }

    /// Sets whether the report goes to systemd's journal: one entry, with the fields
    /// `DEADSTOP_KIND`, `DEADSTOP_TASK`, `DEADSTOP_PHASE` and `DEADSTOP_REPORT` (the whole
    /// text) beside `MESSAGE`. If there is no journal, nothing is sent. With `false`, the text
    /// goes to standard error, even if that is connected to the journal.
    ///
    /// Unless set, the journal gets the report if standard error is connected to it. The text
    /// then does not go to standard error, where each line would become an entry.
    pub fn journal(mut self, journal: bool) -> Self {
        self.journal = match journal {
            true => Journaled::Always,
            false => Journaled::Never,
        };
        self
    }

    /// Sets whether a report on standard error begins with an error annotation in GitHub
    /// Actions; unless set, it does.
    pub fn github_annotation(mut self, annotation: bool) -> Self {
        self.annotation = annotation;
        self
    }

    /// Sets whether standard error gets JSON, one line for each report, for a log collector
    /// that expects one object on each line; unless set, it gets text.
    pub fn stderr_as_json(mut self, json: bool) -> Self {
        self.stderr_format = match json {
            true => Format::JsonLine,
            false => Format::Text,
        };
        self.render_json = Some(RenderJson::new());
        self
    }

    /// Sets whether reports go to standard error; unless set, they do.
    pub fn stderr(mut self, stderr: bool) -> Self {
        self.stderr = stderr;
        self
    }

    /// Sets whether reports go to the log; unless set, they do.
    pub fn log(mut self, log: bool) -> Self {
        self.log = log;
        self
    }

    /// Adds a second file for JSON, if `path` names one.
    #[cfg(feature = "fault")]
    pub(crate) fn inject(&mut self, path: Option<PathBuf>) {
        self.injected = path;
        self.render_json = Some(RenderJson::new());
    }

    /// Opens the sinks. Those that were not named are left out if they cannot be opened.
    pub(crate) fn open(&self, log: &Log) -> Result<OpenSinks, InstallError> {
        let message = match &self.message {
            Message::None => None,
            Message::OfContainer => {
                let path = Path::new(TERMINATION_LOG);
                Overwritten::open(path, false, Some(MESSAGE_LEN as u64)).ok()
            }
            Message::To(path) => Some(named(path, Some(MESSAGE_LEN as u64))?),
        };
        let mut json = Vec::new();
        for path in [&self.json, &self.injected].into_iter().flatten() {
            json.push(named(path, None)?);
        }
        Ok(OpenSinks {
            message,
            json,
            render_json: self.render_json,
            supervisor: Supervisor::connect(),
            journal: self.open_journal(),
            annotates: self.annotation && annotation::is_wanted(),
            stderr: self
                .stderr
                .then(Stderr::with_copy)
                .flatten()
                .map(|stderr| (self.stderr_format, stderr)),
            is_one_stream: file::is_one_stream(),
            log: self.log.then(|| log.clone()),
        })
    }
}

impl Sinks {
    fn open_journal(&self) -> Option<Journal> {
        let is_stderr = Journal::is_standard_error();
        let is_wanted = match self.journal {
            Journaled::IfStandardError => is_stderr,
            Journaled::Always => true,
            Journaled::Never => false,
        };
        is_wanted.then(|| Journal::connect(is_stderr)).flatten()
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
