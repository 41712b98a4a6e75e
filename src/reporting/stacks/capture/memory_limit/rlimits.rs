//! The limits of the address space (`RLIMIT_AS`) and of data (`RLIMIT_DATA`).

use super::system_file::read;
use crate::sys::memory::page_size;

/// The bytes that must be left in any case: for the thread, its heap, the copies of unwind
/// tables, and the program itself.
const MARGIN: u64 = 128 << 20;

/// The lines that are read of `/proc/self/limits`, and the fields of `/proc/self/statm`, in
/// pages, that count for them.
const LIMITS: [(&str, usize); 2] = [("Max address space", 0), ("Max data size", 5)];

/// Returns `true` if `bytes` more, and a margin, are below the limits, or if they cannot be read.
pub(super) fn leaves(bytes: u64) -> bool {
    let (mut limits, mut statm) = ([0; 4096], [0; 256]);
    let limits = read("/proc/self/limits", &mut limits);
    // Mostly there is none, and nothing more to read.
    if LIMITS.iter().all(|(name, _)| limit(limits, name).is_none()) {
        return true;
    }
    let statm = read("/proc/self/statm", &mut statm);
    is_below(limits, statm, page_size(), bytes)
}

fn is_below(limits: &str, statm: &str, page: u64, bytes: u64) -> bool {
    LIMITS.iter().all(|(name, field)| {
        let used = statm.split_ascii_whitespace().nth(*field);
        let used = used.and_then(|pages| pages.parse::<u64>().ok());
        let (Some(limit), Some(pages)) = (limit(limits, name), used) else {
            return true;
        };
        let needed = bytes.saturating_add(MARGIN);
        limit.saturating_sub(pages.saturating_mul(page)) >= needed
    })
}

/// Returns the soft limit of that name; `None` for "unlimited".
fn limit(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNLIMITED: &str = "\
        Limit                     Soft Limit           Hard Limit           Units     \n\
        Max cpu time              unlimited            unlimited            seconds   \n\
        Max data size             unlimited            unlimited            bytes     \n\
        Max address space         unlimited            unlimited            bytes     \n";

    /// 400 MiB of addresses, 100 MiB of data.
    const STATM: &str = "102400 2000 1000 500 0 25600 0\n";
    const PAGE: u64 = 4096;

    #[test]
    fn no_size_fits_near_a_limit() {
        assert!(is_below(UNLIMITED, STATM, PAGE, u64::MAX - MARGIN));
        for name in ["Max address space         ", "Max data size             "] {
            let limited = |mib: u64| {
                let line = format!("{name}{} ", mib << 20);
                UNLIMITED.replace(&format!("{name}unlimited"), &line)
            };
            let used = if name.contains("data") { 100 } else { 400 };
            assert!(
                is_below(&limited(used + 138), STATM, PAGE, 10 << 20),
                "{name}"
            );
            assert!(
                !is_below(&limited(used + 137), STATM, PAGE, 10 << 20),
                "{name}"
            );
            assert!(!is_below(&limited(used), STATM, PAGE, 0), "{name}");
            assert!(!is_below(&limited(1), STATM, PAGE, 0), "{name}");
            // As many pages of 64 KiB are more than the limit.
            let large = 16 * PAGE;
            assert!(
                !is_below(&limited(used + 138), STATM, large, 10 << 20),
                "{name}"
            );
        }
    }

    #[test]
    fn files_that_cannot_be_read_are_no_limit() {
        assert!(is_below("", STATM, PAGE, 1) && is_below(UNLIMITED, "", PAGE, 1));
    }
}
