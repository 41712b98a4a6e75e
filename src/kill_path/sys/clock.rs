//! `CLOCK_MONOTONIC`, as one word.
//!
//! It cannot be set, it runs while the process is stopped and stands still
//! while the machine is suspended, and all processes share it. On the machines
//! we know it is read in user space, without a system call.

use ::core::clone::Clone;
use ::core::cmp::{Eq, Ord, PartialEq, PartialOrd};
use ::core::convert::{From, TryFrom};
use ::core::marker::Copy;
use ::core::result::Result::{Err, Ok};
use ::core::time::Duration;

/// A reading of `CLOCK_MONOTONIC`, in nanoseconds.
#[derive(Clone, Copy, ::core::fmt::Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Nanos(pub(crate) u64);

impl Nanos {
    /// The last point in time that can be a deadline, some 584 years after the
    /// machine started. One word is left over, to say "unarmed".
    pub(crate) const LAST: Self = Self(u64::MAX.wrapping_sub(1));

    /// The point `length` later, or [`LAST`](Self::LAST).
    pub(crate) const fn saturating_add(self, length: Duration) -> Self {
        let length = length.as_nanos();
        let room = Self::LAST.0.saturating_sub(self.0);
        if length < room as u128 {
            Self(self.0.wrapping_add(length as u64))
        } else {
            Self::LAST
        }
    }

    /// The point `length` earlier, or the clock's zero.
    pub(crate) const fn saturating_sub(self, length: Duration) -> Self {
        let length = length.as_nanos();
        if length < self.0 as u128 {
            Self(self.0.wrapping_sub(length as u64))
        } else {
            Self(0)
        }
    }

    /// The length from `earlier` to here; zero if `earlier` is later.
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Reads the clock. Async-signal-safe.
pub(crate) fn now() -> Nanos {
    let mut time = ::libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is valid for writes. The call has no error to report:
    // the clock exists wherever this backend is chosen.
    unsafe { ::libc::clock_gettime(::libc::CLOCK_MONOTONIC, &raw mut time) };
    let seconds = time.tv_sec.unsigned_abs().saturating_mul(1_000_000_000);
    Nanos(seconds.saturating_add(time.tv_nsec.unsigned_abs()))
}

/// The same point in time, as the kernel writes it.
///
/// A point that the kernel's type cannot hold (a `time_t` of 32 bits) becomes
/// the latest that it can.
pub(super) fn timespec(at: Nanos) -> ::libc::timespec {
    let seconds = at.0.wrapping_div(1_000_000_000);
    let nanos = at.0.wrapping_rem(1_000_000_000);
    ::libc::timespec {
        tv_sec: match ::libc::time_t::try_from(seconds) {
            Ok(seconds) => seconds,
            Err(_) => ::libc::time_t::MAX,
        },
        tv_nsec: ::core::ffi::c_long::try_from(nanos).unwrap_or_default(),
    }
}

impl From<Nanos> for u64 {
    fn from(at: Nanos) -> Self {
        at.0
    }
}
