//! The file to which a victim writes its report as JSON.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use deadstop::report::HangReport;

/// A new, empty file. It is removed when this is dropped.
pub(super) struct ReportFile(PathBuf);

impl ReportFile {
    pub(super) fn create() -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("deadstop-report-{}-{number}.json", process::id());
            let path = std::env::temp_dir().join(name);
            let created = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path);
            match created {
                // Left by an earlier process of this number, or not ours.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => return created.map(|_| Self(path)),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the report that was written last; `None` if there is none.
    pub(super) fn read(&self) -> Option<HangReport> {
        serde_json::from_slice(&fs::read(&self.0).ok()?).ok()
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        // The file may not exist any more.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_without_a_whole_report_has_none() {
        let file = ReportFile::create().expect("the folder for temporary files is there");
        assert_eq!(file.read(), None, "nothing is written");
        fs::write(file.path(), "{\"format\":").expect("it can be written");
        assert_eq!(file.read(), None, "it is cut short");
    }

    #[test]
    fn files_are_different_and_removed() {
        let (one, other) = (ReportFile::create(), ReportFile::create());
        let (one, other) = (one.expect("a file"), other.expect("a file"));
        assert_ne!(one.path(), other.path());
        let path = one.path().to_owned();
        assert!(path.exists());
        drop(one);
        assert!(!path.exists());
    }
}
