//! A cgroup of a child's own, which also holds what leaves the child's process group.
//!
//! ```text
//! create ──▶ listed: the end of this process kills it ──empty──▶ removed
//! ```

use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use deadstop_core::files::FileSlot;
use deadstop_core::{Nanos, now};

use crate::lock::Mutex;
use crate::process::{self, CGROUPS};
use crate::sys::cgroup;

/// The time between two checks whether a killed cgroup is empty.
const CHECK_EVERY: Duration = Duration::from_millis(2);

/// Counts the cgroups of this process, for their names.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A cgroup of a child's own. It is removed once it is empty.
pub(super) struct Cgroup {
    path: PathBuf,
    kill: CString,
    listed: Mutex<Option<FileSlot>>,
    /// Stands for the process; a child of `fork` has another.
    generation: u32,
}

impl Cgroup {
    /// Creates a cgroup in `parent`.
    pub(super) fn create(parent: &Path) -> io::Result<Self> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("deadstop-{}-{number}", deadstop_core::pid()));
        fs::create_dir(&path)?;
        Self::of(&path).inspect_err(|_| drop(fs::remove_dir(&path)))
    }

    fn of(path: &Path) -> io::Result<Self> {
        let kill = path.join("cgroup.kill");
        if !kill.exists() {
            let why = "no cgroup.kill: not a cgroup v2, or Linux is older than 5.14";
            let why = format!("{}: {why}", path.display());
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        let kill = CString::new(kill.as_os_str().as_bytes())?;
        let listed = CGROUPS.add(&kill).ok_or_else(|| {
            let limits = "the path has more than 255 bytes, or 32 cgroups are listed already";
            io::Error::other(limits)
        })?;
        Ok(Self {
            path: path.to_owned(),
            kill,
            listed: Mutex::new(Some(listed)),
            generation: process::generation(),
        })
    }

    /// Makes `command` start in the cgroup.
    pub(super) fn enter(&self, command: &mut Command) -> io::Result<()> {
        let processes = OpenOptions::new()
            .write(true)
            .open(self.path.join("cgroup.procs"))?;
        cgroup::enter(command, processes);
        Ok(())
    }

    /// Returns `true` if a process that is no zombie is in the cgroup.
    pub(super) fn is_populated(&self) -> bool {
        let events = fs::read_to_string(self.path.join("cgroup.events"));
        events.is_ok_and(|events| events.lines().any(|line| line == "populated 1"))
    }

    /// Removes the cgroup, unless a process is in it.
    pub(super) fn remove(&self) {
        // A child of `fork` may have inherited the lock as held.
        if self.generation != process::generation() {
            return;
        }
        if let Some(listed) = self.listed.lock().take() {
            listed.cancel();
        }
        let _ = fs::remove_dir(&self.path);
    }

    /// Kills every process in the cgroup, and waits until it is empty, or until `until`.
    /// Returns whether it is empty.
    pub(super) fn kill(&self, until: Nanos) -> bool {
        cgroup::kill(&self.kill);
        while self.is_populated() {
            if now() >= until {
                return false;
            }
            std::thread::sleep(CHECK_EVERY);
        }
        true
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        self.remove();
    }
}
