//! Detects that the kernel killed a process of this control group at its memory limit.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the number of processes of the group that the kernel has killed for memory, as a counter
/// to compare with later. `None` without such a counter.
pub(crate) fn kills() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    counters(&groups).iter().find_map(|(file, field)| {
        let text = fs::read_to_string(file).ok()?;
        value(&text, field)
    })
}

/// The files that may have the counter, and its name in them: cgroup v2, then v1; as a
/// container sees its own group, then by path.
fn counters(groups: &str) -> Vec<(PathBuf, &'static str)> {
    let mut found = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        let path = path.trim_start_matches('/');
        if controllers.is_empty() {
            let root = Path::new("/sys/fs/cgroup");
            for folder in [
                root.join(path),
                root.join("unified").join(path),
                root.into(),
            ] {
                found.push((folder.join("memory.events"), "oom_kill"));
            }
        } else if controllers.split(',').any(|name| name == "memory") {
            let root = Path::new("/sys/fs/cgroup/memory");
            for folder in [root.join(path), root.into()] {
                found.push((folder.join("memory.oom_control"), "oom_kill"));
            }
        }
    }
    found
}

fn value(text: &str, field: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    lines
        .find(|(name, _)| *name == field)?
        .1
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::{counters, value};

    #[test]
    fn counter_is_read_from_either_version() {
        assert_eq!(
            value("low 0\nmax 7\noom 1\noom_kill 2\n", "oom_kill"),
            Some(2)
        );
        assert_eq!(
            value("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "oom_kill"),
            Some(3)
        );
        assert_eq!(value("low 0\n", "oom_kill"), None);
    }

    #[test]
    fn files_are_those_of_the_own_group() {
        let files = counters("0::/pod/app\n");
        assert_eq!(
            files[0].0.to_str(),
            Some("/sys/fs/cgroup/pod/app/memory.events")
        );
        let files = counters("4:memory:/docker/1\n");
        assert_eq!(
            files[0].0.to_str(),
            Some("/sys/fs/cgroup/memory/docker/1/memory.oom_control")
        );
    }
}
