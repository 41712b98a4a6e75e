//! Processor shares of a thread between samples.

use core::time::Duration;

/// The number of shares to keep: the last ones.
const KEPT: usize = 16;

/// The last shares of one thread, in per cent of one processor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shares {
    shares: [u8; KEPT],
    len: usize,
}

impl Shares {
    /// Creates an empty list.
    pub const fn none() -> Self {
        Self {
            shares: [0; KEPT],
            len: 0,
        }
    }

    /// Adds the share of a thread that used `cpu` of processor time in `time`; the oldest
    /// one gives way. Adds nothing if no time has passed.
    pub fn add(&mut self, cpu: Duration, time: Duration) {
        let hundredfold = cpu.as_nanos().saturating_mul(100);
        let Some(share) = hundredfold.checked_div(time.as_nanos()) else {
            return;
        };
        if self.len == KEPT {
            // `rotate_left` is 2 KB of program.
            self.shares.copy_within(1.., 0);
            self.len = KEPT.saturating_sub(1);
        }
        if let Some(slot) = self.shares.get_mut(self.len) {
            *slot = u8::try_from(share.min(100)).unwrap_or(100);
            self.len = self.len.saturating_add(1);
        }
    }

    /// Returns the shares, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        self.shares.iter().take(self.len).copied()
    }
}
