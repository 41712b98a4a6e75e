//! The files that a victim writes its reports to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use deadstop::report::HangReport;

use crate::harness::{Victim, command};

/// A new folder for one test, with a termination message and a JSON file in it. The drop
/// removes it.
pub(crate) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("hang-report-{}-{n}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        fs::create_dir(&folder).expect("a new folder");
        Self { folder }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A command that starts `fault` with these files.
    pub(crate) fn command(&self, fault: &str, grace: Duration) -> Command {
        let mut command = command(fault, grace, "watched");
        command
            .env("MESSAGE", self.at("message"))
            .env("JSON", self.at("json"))
            .env("FOLDER", &self.folder);
        command
    }

    pub(crate) fn victim(&self, fault: &str, grace: Duration) -> Victim {
        Victim::start(self.command(fault, grace), fault, grace)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).expect("the file exists and has text")
    }

    pub(crate) fn message(&self) -> String {
        self.text("message")
    }

    /// The last report, in JSON.
    pub(crate) fn report(&self) -> HangReport {
        let text = self.text("json");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // An error leaves files in the target folder, which does no harm.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
