//! One thread of the dump.

use core::ffi::c_int;
use core::time::Duration;

use super::activity::Activity;
use super::blocker::Blocker;
use super::cpu_samples::CpuSample;
use super::parse::Arguments;
use crate::buffer::TextBuffer;
use crate::sizes::{THREAD_NAME_LEN, WAIT_CHANNEL_LEN};

/// One thread, as it was when it was inspected.
#[derive(Debug)]
pub struct Thread {
    /// Its id.
    pub tid: c_int,
    /// Its name. Bytes that are not UTF-8 are U+FFFD; empty if it has none or it
    /// could not be read.
    pub name: TextBuffer<THREAD_NAME_LEN>,
    /// `true` for a thread that deadstop has started.
    pub is_own: bool,
    /// Its state as `ps` shows it: `R` runs, `S` sleeps, `D` sleeps
    /// uninterruptibly, `T` is stopped, `t` is stopped by a tracer, `Z` and `X` have
    /// ended. `?` if it is not known.
    pub state: u8,
    /// The kernel function that it waits in, a C identifier; empty if it does not
    /// wait, or it could not be read.
    pub wait_channel: TextBuffer<WAIT_CHANNEL_LEN>,
    /// The thread's activity.
    pub activity: Activity,
    /// The system call that it waits in, if that could be read.
    pub call: Option<Arguments>,
    /// The address of the lock or condition that it waits for; 0 if that is not known.
    pub lock_address: usize,
    /// The thread or process that holds it up, if known.
    pub blocker: Blocker,
    /// Its processor time since it began.
    pub cpu: Option<Duration>,
    /// Percent of a processor between the two samples, at most 100.
    pub busy: Option<u8>,
}

impl Thread {
    /// Creates an entry for no thread.
    pub const fn empty() -> Self {
        Self {
            tid: 0,
            name: TextBuffer::new(),
            is_own: false,
            state: b'?',
            wait_channel: TextBuffer::new(),
            activity: Activity::Unknown,
            call: None,
            lock_address: 0,
            blocker: Blocker::Unknown,
            cpu: None,
            busy: None,
        }
    }

    /// Starts a new entry with what the sample knows.
    pub(crate) fn begin(&mut self, sample: &CpuSample) {
        *self = Self {
            tid: sample.tid,
            cpu: sample.cpu,
            busy: sample.busy,
            ..Self::empty()
        };
    }

    /// Records that the thread is gone.
    pub(crate) fn ended(&mut self) {
        self.state = b'X';
        self.activity = Activity::Ended;
    }
}
