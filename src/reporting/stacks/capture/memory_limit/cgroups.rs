//! The memory limits of the process's cgroups, of version 1 and 2.
//!
//! Where the use of a group comes near its limit, the kernel takes back pages of files. Then it
//! kills a process of the group. As for the kubelet, pages of files that were not used lately
//! count as free.

use std::path::{Path, PathBuf};

use super::system_file::read;

/// The bytes that must be left in any case, for the thread and its heap.
const MARGIN: u64 = 8 << 20;

/// The files that say what a group has and uses.
struct Version {
    /// Where the groups are mounted.
    mount: &'static str,
    limits: &'static [&'static str],
    usage: &'static str,
    /// The line of `memory.stat` that counts pages of files not used lately, children included.
    idle_files: &'static str,
}

const V1: Version = Version {
    mount: "/sys/fs/cgroup/memory",
    limits: &["memory.limit_in_bytes"],
    usage: "memory.usage_in_bytes",
    idle_files: "total_inactive_file ",
};

const V2: Version = Version {
    mount: "/sys/fs/cgroup",
    limits: &["memory.max", "memory.high"],
    usage: "memory.current",
    idle_files: "inactive_file ",
};

/// Returns `true` if each group of the process leaves `bytes` and a margin, or has no limit, or
/// cannot be read.
pub(super) fn leaves(bytes: u64) -> bool {
    let mut membership = [0; 4096];
    let membership = read("/proc/self/cgroup", &mut membership);
    let needed = bytes.saturating_add(MARGIN);
    groups(membership).all(|(version, group)| version.leaves(&group, needed))
}

/// Returns the groups that count the memory of the process, from the text of `/proc/self/cgroup`:
/// its own, those above it, and the one that is mounted. In a container the text may have the
/// path that the host sees, which does not exist here.
fn groups(membership: &str) -> impl Iterator<Item = (&'static Version, PathBuf)> {
    let own = membership.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        match controllers {
            "" => Some((&V2, path)),
            _ if controllers.split(',').any(|name| name == "memory") => Some((&V1, path)),
            _ => None,
        }
    });
    own.flat_map(|(version, path)| {
        let above = Path::new(path.trim_start_matches('/')).ancestors();
        above.map(move |group| (version, Path::new(version.mount).join(group)))
    })
}

impl Version {
    /// Returns `true` if a group leaves the bytes that are `needed`, or has no limit, or cannot
    /// be read.
    fn leaves(&self, group: &Path, needed: u64) -> bool {
        let file = |name: &str| number(read(group.join(name), &mut [0; 64]));
        let limit = self.limits.iter().filter_map(|name| file(name)).min();
        let Some((limit, usage)) = limit.zip(file(self.usage)) else {
            return true;
        };
        let has_left = |usage| limit.saturating_sub(usage) >= needed;
        // The kernel sums `memory.stat` up for each read, and this is asked for each stack of a
        // report: it is read only if it matters.
        has_left(usage) || has_left(usage.saturating_sub(self.idle_files(group)))
    }

    /// Returns the bytes of files that were not used lately; 0 if they cannot be read.
    fn idle_files(&self, group: &Path) -> u64 {
        let mut stat = [0; 8192];
        let stat = read(group.join("memory.stat"), &mut stat);
        let line = stat
            .lines()
            .find_map(|line| line.strip_prefix(self.idle_files));
        line.and_then(number).unwrap_or(0)
    }
}

/// Returns the number in a file; `None` for `max`.
fn number(text: &str) -> Option<u64> {
    text.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(membership: &str) -> Vec<String> {
        let groups = groups(membership);
        groups
            .map(|(_, group)| group.display().to_string())
            .collect()
    }

    #[test]
    fn groups_of_version_2_are_the_own_and_those_above() {
        let expected = [
            "/sys/fs/cgroup/kubepods.slice/pod.slice",
            "/sys/fs/cgroup/kubepods.slice",
            "/sys/fs/cgroup/",
        ];
        assert_eq!(paths("0::/kubepods.slice/pod.slice\n"), expected);
        assert_eq!(paths("0::/\n"), ["/sys/fs/cgroup/"]);
    }

    #[test]
    fn groups_of_version_1_are_those_of_the_memory_controller() {
        let membership = "5:cpu,cpuacct:/a\n4:memory:/docker/c0ffee\n1:name=systemd:/b\n";
        let expected = [
            "/sys/fs/cgroup/memory/docker/c0ffee",
            "/sys/fs/cgroup/memory/docker",
            "/sys/fs/cgroup/memory/",
        ];
        assert_eq!(paths(membership), expected);
        assert!(paths("").is_empty());
    }

    #[test]
    fn group_leaves_its_limit_minus_its_use_without_idle_pages_of_files() {
        let folder = std::env::temp_dir().join(format!("deadstop-cgroup-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        // Leaves so many bytes, and no more.
        let leaves = |bytes| V2.leaves(&folder, bytes) && !V2.leaves(&folder, bytes + 1);
        assert!(V2.leaves(&folder, u64::MAX), "no file");
        write("memory.current", "7000\n");
        write("memory.max", "max\n");
        assert!(V2.leaves(&folder, u64::MAX), "no limit");
        write("memory.max", "10000\n");
        assert!(leaves(3000));
        write("memory.stat", "anon 5000\ninactive_file 1500\n");
        assert!(leaves(4500));
        write("memory.high", "6000\n");
        assert!(leaves(500), "the lower limit counts");
        write("memory.high", "5000\n");
        assert!(leaves(0), "the use is above the limit");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
