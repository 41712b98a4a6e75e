//! The state of a check: its last result, and whether it hangs.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use deadstop_core::Nanos;
use deadstop_core::roster::{Text, words};

/// The maximum number of checks of a server.
pub(crate) const MAX_CHECKS: usize = 32;

/// Bytes of a reason that are kept.
pub(crate) const REASON: usize = 128;

const NEVER: u8 = 0;
const PASSED: u8 = 1;
const FAILED: u8 = 2;

/// A check as the server sees it. Its thread writes, the server reads.
pub(crate) struct CheckState {
    pub(crate) name: Box<str>,
    timeout: Duration,
    result: AtomicU8,
    /// The time at which the running call began; zero between two calls.
    began: AtomicU64,
    reason: Text<{ words(REASON) }>,
}

/// The verdict on a check at one moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// The check has not returned once.
    Pending,
    Passed,
    Failed,
    /// The running call takes longer than the timeout.
    Hangs(Duration),
}

impl CheckState {
    pub(crate) fn new(name: &str, timeout: Duration) -> Self {
        Self {
            name: name.into(),
            timeout,
            result: AtomicU8::new(NEVER),
            began: AtomicU64::new(0),
            reason: Text::empty(),
        }
    }

    /// Notes that a call begins.
    pub(crate) fn begin(&self, now: Nanos) {
        self.began.store(now.0.max(1), Ordering::Relaxed);
    }

    /// Notes how a call ended.
    pub(crate) fn end(&self, result: &Result<(), String>) {
        let (word, reason) = match result {
            Ok(()) => (PASSED, ""),
            Err(reason) => (FAILED, reason.as_str()),
        };
        self.reason.write(reason);
        self.result.store(word, Ordering::Release);
        self.began.store(0, Ordering::Release);
    }

    pub(crate) fn verdict(&self, now: Nanos) -> Verdict {
        // In this order: a call that ends in between counts as running.
        let result = self.result.load(Ordering::Acquire);
        let began = self.began.load(Ordering::Acquire);
        let running = now.since(Nanos(began));
        match result {
            _ if began != 0 && running > self.timeout => Verdict::Hangs(running),
            PASSED => Verdict::Passed,
            FAILED => Verdict::Failed,
            _ => Verdict::Pending,
        }
    }

    /// Returns the reason of the last failure, as far as it can be read.
    pub(crate) fn reason<'a>(&self, buffer: &'a mut [u8; REASON]) -> &'a str {
        self.reason.read(buffer).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(1);
    const START: Nanos = Nanos(1_000_000_000_000);

    #[test]
    fn result_is_kept_while_the_next_call_runs_and_lost_once_it_hangs() {
        let check = CheckState::new("database", TIMEOUT);
        assert_eq!(check.verdict(START), Verdict::Pending);
        check.begin(START);
        check.end(&Ok(()));
        check.begin(START);
        assert_eq!(
            check.verdict(START.saturating_add(TIMEOUT)),
            Verdict::Passed
        );
        let late = TIMEOUT + Duration::from_millis(1);
        assert_eq!(
            check.verdict(START.saturating_add(late)),
            Verdict::Hangs(late)
        );
        check.end(&Ok(()));
        assert_eq!(check.verdict(START.saturating_add(late)), Verdict::Passed);
    }

    #[test]
    fn reason_is_that_of_the_last_failure() {
        let check = CheckState::new("database", TIMEOUT);
        let mut buffer = [0; REASON];
        check.end(&Err("refused".into()));
        assert_eq!(check.verdict(START), Verdict::Failed);
        assert_eq!(check.reason(&mut buffer), "refused");
        check.end(&Ok(()));
        assert_eq!(check.reason(&mut buffer), "");
    }
}
