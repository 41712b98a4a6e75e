//! The sinks, opened.

use std::io;

use deadstop_core::Nanos;
use deadstop_core::buffer::{TextBuffer, TextSlice};
use deadstop_core::render::Facts;

use super::annotation;
use super::datagram::{Journal, Supervisor};
use super::overwritten::Overwritten;
use super::render_json::RenderJson;
use crate::reporting::log::Log;
use crate::reporting::stderr::Stderr;

/// Bytes of a termination message: Kubernetes shows no more.
pub(in crate::reporting) const MESSAGE_LEN: usize = 4096;

/// The form of a report on standard error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    Text,
    /// One line.
    JsonLine,
}

/// The sinks of a process, which `install` has opened.
pub(crate) struct OpenSinks {
    pub(super) message: Option<Overwritten>,
    pub(super) json: Vec<Overwritten>,
    /// Where a sink gets JSON.
    pub(super) render_json: Option<RenderJson>,
    pub(super) supervisor: Option<Supervisor>,
    pub(super) journal: Option<Journal>,
    pub(super) annotates: bool,
    pub(super) stderr: Option<(Format, Stderr)>,
    /// Set if standard output and standard error are one file: what the log writes to
    /// either is in one stream with the report.
    pub(super) is_one_stream: bool,
    pub(super) log: Option<Log>,
}

impl OpenSinks {
    /// Returns `true` if there is a termination message to write.
    pub(in crate::reporting) fn has_message(&self) -> bool {
        self.message.is_some()
    }

    pub(in crate::reporting) fn is_one_stream(&self) -> bool {
        self.is_one_stream
    }

    /// Returns what renders the report for files, if there is one.
    pub(in crate::reporting) fn json_file(&self) -> Option<RenderJson> {
        self.render_json.filter(|_| !self.json.is_empty())
    }

    /// Returns what renders the report for standard error, if that gets JSON.
    pub(in crate::reporting) fn json_line(&self) -> Option<RenderJson> {
        let is_wanted = matches!(&self.stderr, Some((Format::JsonLine, _)));
        self.render_json.filter(|_| is_wanted)
    }

    #[cold]
    pub(in crate::reporting) fn message(&self, text: &TextSlice) -> io::Result<()> {
        match &self.message {
            Some(message) => message.write(text.as_bytes()),
            None => Ok(()),
        }
    }

    /// Writes nothing if there was no room to render it. Returns the first error.
    #[cold]
    pub(in crate::reporting) fn json(&self, object: &TextSlice) -> io::Result<()> {
        let mut result = Ok(());
        if !object.as_bytes().is_empty() {
            for json in &self.json {
                result = result.and(json.write(object.as_bytes()));
            }
        }
        result
    }

    /// Says on standard error and in the log that the file for `what` has not got its report.
    #[cold]
    pub(in crate::reporting) fn complain(
        &self,
        what: &str,
        error: &io::Error,
        until: &dyn Fn() -> Nanos,
    ) {
        let mut line = TextBuffer::<160>::new();
        line.text("deadstop: could not write the report to ")
            .text(what);
        match error.raw_os_error() {
            Some(number) => line
                .text(" (system error ")
                .number(number.unsigned_abs().into()),
            None => line.text(" (the program has closed it"),
        };
        line.text("); it may be empty or cut off\n");
        let is_written = match &self.stderr {
            Some((Format::Text, stderr)) => {
                stderr.write_until(line.as_bytes(), until);
                true
            }
            _ => false,
        };
        if !(is_written && self.is_one_stream) {
            self.log(line.as_str(), log::Level::Warn);
        }
    }

    /// Sends the first line of `screen` to the supervisor, and `text` to the journal. Neither
    /// call blocks. Returns `true` if standard error would be a second copy.
    #[cold]
    pub(in crate::reporting) fn notify(&self, screen: &str, text: &str, facts: &Facts<'_>) -> bool {
        let line = screen.lines().next().unwrap_or_default();
        if let Some(supervisor) = &self.supervisor {
            supervisor.status(line);
        }
        let journal = self.journal.as_ref();
        journal.is_some_and(|journal| journal.send(screen, text, facts))
    }

    /// Writes to standard error, and returns whether it is a sink.
    #[cold]
    pub(in crate::reporting) fn stderr(&self, text: &str, until: &dyn Fn() -> Nanos) -> bool {
        let Some((format, stderr)) = &self.stderr else {
            return false;
        };
        if self.annotates && *format == Format::Text {
            let line = text.lines().next().unwrap_or_default();
            let annotation = annotation::of(line);
            stderr.write_until(annotation.as_bytes(), until);
        }
        stderr.write_until(text.as_bytes(), until);
        true
    }

    /// Hands `text` to the log as one record. It allocates.
    #[cold]
    pub(in crate::reporting) fn log(&self, text: &str, level: log::Level) {
        let Some(log) = self.log.as_ref().filter(|log| log.takes(level)) else {
            return;
        };
        let mut record = String::with_capacity(text.len());
        for line in text.lines() {
            if !record.is_empty() {
                record.push('\n');
            }
            record.push_str(line.strip_prefix("deadstop: ").unwrap_or(line));
        }
        log.report(level, record);
    }
}
