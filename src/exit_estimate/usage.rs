//! Memory, threads and descriptors of the process, which the kernel releases at its exit.

use crate::sys::verified_file::VerifiedFile;

/// The files of `/proc` with the usage. They are opened at install, so that they can be
/// read after a `chroot` and without an allocator.
pub(super) struct UsageFiles {
    stat: Option<VerifiedFile>,
    statm: Option<VerifiedFile>,
    smaps: Option<VerifiedFile>,
    descriptors: Option<VerifiedFile>,
    page: u64,
}

/// The resources that the process uses.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Usage {
    /// Bytes in pages of the usual size that are freed with the process. Pages of files and
    /// of shared memory are not.
    pub(super) small: u64,
    /// Bytes in huge pages.
    pub(super) huge: u64,
    pub(super) threads: u64,
    pub(super) descriptors: u64,
}

impl UsageFiles {
    /// Opens the files. One that cannot be opened counts as no usage.
    pub(super) fn open() -> Self {
        Self {
            stat: VerifiedFile::open("/proc/self/stat"),
            statm: VerifiedFile::open("/proc/self/statm"),
            smaps: VerifiedFile::open("/proc/self/smaps_rollup"),
            descriptors: VerifiedFile::open("/proc/self/fd"),
            page: crate::sys::memory::page_size(),
        }
    }

    /// Reads the usage, `huge` bytes of it in huge pages. Waits for no other thread.
    pub(super) fn read(&self, huge: u64) -> Usage {
        let mut buffer = [0; 1024];
        let threads = read(self.stat.as_ref(), &mut buffer).and_then(threads);
        let pages = read(self.statm.as_ref(), &mut buffer).and_then(own_pages);
        // Linux 6.2 and later; before, it is 0.
        let descriptors = self.descriptors.as_ref().and_then(VerifiedFile::metadata);
        let usage = Usage {
            small: pages.unwrap_or(0).saturating_mul(self.page),
            huge: 0,
            threads: threads.unwrap_or(0),
            descriptors: descriptors.map_or(0, |metadata| metadata.len()),
        };
        usage.with_huge(huge)
    }

    /// Reads how many bytes are in huge pages. The kernel walks through all memory for
    /// it, under a lock.
    pub(super) fn read_huge(&self) -> u64 {
        let mut buffer = [0; 4096];
        read(self.smaps.as_ref(), &mut buffer).map_or(0, huge_bytes)
    }
}

impl Usage {
    /// Returns the same usage, with `huge` of its bytes in huge pages.
    pub(super) fn with_huge(self, huge: u64) -> Self {
        let bytes = self.small.saturating_add(self.huge);
        let huge = huge.min(bytes);
        Self {
            small: bytes - huge,
            huge,
            ..self
        }
    }
}

/// Parses `text` as each of the three files.
#[cfg(deadstop_fuzzing)]
pub(crate) fn read_text(text: &str) -> (Option<u64>, Option<u64>, u64) {
    (threads(text), own_pages(text), huge_bytes(text))
}

fn read<'a>(file: Option<&VerifiedFile>, buffer: &'a mut [u8]) -> Option<&'a str> {
    let read = file?.read(buffer).ok()?;
    // `stat` contains the program's name, which may contain anything.
    let text = &buffer[..read];
    let after_name = text.iter().rposition(|byte| *byte == b')');
    std::str::from_utf8(&text[after_name.unwrap_or(0)..]).ok()
}

/// Returns the threads from `/proc/self/stat` after the name: proc(5) counts the state as the
/// third field, threads as the 20th.
fn threads(text: &str) -> Option<u64> {
    let mut fields = text.split_ascii_whitespace().skip(1);
    fields.nth(20 - 3)?.parse().ok()
}

/// Returns the pages that are freed with the process, from `/proc/self/statm`: resident
/// pages (the second field) without those of files and of shared memory (the third).
fn own_pages(text: &str) -> Option<u64> {
    let mut fields = text.split_ascii_whitespace().skip(1);
    let resident: u64 = fields.next()?.parse().ok()?;
    let shared = fields.next()?.parse().ok()?;
    Some(resident.saturating_sub(shared))
}

/// Returns the bytes of the process's own that `/proc/self/smaps_rollup` shows as mapped by
/// huge pages.
fn huge_bytes(text: &str) -> u64 {
    let kib = text.lines().find_map(|line| {
        let mut fields = line
            .strip_prefix("AnonHugePages:")?
            .split_ascii_whitespace();
        fields.next()?.parse::<u64>().ok()
    });
    kib.unwrap_or(0).saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_statm_and_smaps_rollup_are_parsed() {
        // The fields from the 4th to the 20th are called 1 to 17 here, except the one that
        // counts.
        let stat = ") S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 7 18 19";
        assert_eq!(threads(stat), Some(7));
        assert_eq!(own_pages("5000 1234 234 50 0 1000 0"), Some(1000));
        assert_eq!(own_pages("5000 3 234"), Some(0));
        let smaps = "55d0-7ffc ---p 00000000 00:00 0   [rollup]\n\
            Rss:  4096 kB\nAnonHugePages:  2048 kB\nFilePmdMapped: 1024 kB\n";
        assert_eq!(huge_bytes(smaps), 2 * 1024 * 1024);
        let most = "AnonHugePages: 18446744073709551615 kB\n";
        assert_eq!(huge_bytes(most), u64::MAX);
    }

    #[test]
    fn usage_of_this_process_is_not_zero() {
        let files = UsageFiles::open();
        let usage = files.read(0);
        assert!(usage.small > 1 << 16, "{usage:?}");
        assert!(usage.threads >= 1, "{usage:?}");
        let closely = usage.with_huge(1 << 16);
        assert_eq!(closely.huge, 1 << 16);
        assert_eq!(closely.small + closely.huge, usage.small);
        assert_eq!(usage.with_huge(u64::MAX).small, 0);
    }

    /// Other tests free memory meanwhile: one of a few tries sees it all.
    #[test]
    fn usage_grows_by_memory_that_was_touched() {
        let files = UsageFiles::open();
        let growth = || {
            let before = files.read(0).small;
            let memory = std::hint::black_box(vec![1_u8; 64 << 20]);
            let with = files.read(0).small;
            drop(memory);
            with.saturating_sub(before)
        };
        assert!((0..20).any(|_| growth() >= 60 << 20), "it does not grow");
    }
}
