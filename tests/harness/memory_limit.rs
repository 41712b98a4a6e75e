//! A memory cgroup for the victim of a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

// Not every test target uses all of these.
const _: () = {
    let _ = MemoryLimit::leave;
};

/// A memory cgroup whose only process is the scenario's.
pub(crate) struct MemoryLimit {
    path: PathBuf,
    limit: &'static str,
    usage: &'static str,
}

impl MemoryLimit {
    /// Returns `None` where the test may not make one.
    pub(crate) fn new(bytes: u64) -> Option<Self> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let n = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("deadstop-test-{}-{n}", std::process::id());
        let versions = [
            (
                "/sys/fs/cgroup/memory",
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
            ),
            ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ];
        versions.into_iter().find_map(|(mount, limit, usage)| {
            let path = Path::new(mount).join(&name);
            fs::create_dir(&path).ok()?;
            let group = Self { path, limit, usage };
            group.set_limit(bytes).then_some(group)
        })
    }

    fn set_limit(&self, bytes: u64) -> bool {
        fs::write(self.path.join(self.limit), bytes.to_string()).is_ok()
    }

    /// Moves a process into the group.
    pub(crate) fn add(&self, pid: i32) {
        let processes = self.path.join("cgroup.procs");
        fs::write(processes, pid.to_string()).expect("the group is the test's");
    }

    /// Sets the limit so that `bytes` more can be used.
    pub(crate) fn leave(&self, bytes: u64) {
        let usage = fs::read_to_string(self.path.join(self.usage));
        let usage: u64 = usage
            .expect("the group is the test's")
            .trim_end()
            .parse()
            .expect("a number");
        assert!(self.set_limit(usage + bytes), "the group is the test's");
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        let until = Instant::now() + Duration::from_secs(5);
        while fs::remove_dir(&self.path).is_err() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
    }
}
