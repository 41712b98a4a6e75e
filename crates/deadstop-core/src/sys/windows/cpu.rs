//! The processor time of a thread.

use core::ffi::c_int;
use core::time::Duration;

use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::Threading::{GetThreadTimes, THREAD_QUERY_LIMITED_INFORMATION};

use super::handle::Handle;

/// Returns the processor time that thread `tid` of this process has used.
/// `None` if there is no such thread.
///
/// Waits for no other thread. Windows counts in clock ticks, of 15.6 ms as a rule.
pub fn cpu_time(tid: c_int) -> Option<Duration> {
    let thread = Handle::of_thread(tid, THREAD_QUERY_LIMITED_INFORMATION)?;
    let mut times = [const {
        FILETIME {
            dwLowDateTime: 0,
            dwHighDateTime: 0,
        }
    }; 4];
    let [created, ended, kernel, user] = &mut times;
    // SAFETY: the handle is open, and the pointers are valid for writes.
    let read = unsafe { GetThreadTimes(thread.get(), created, ended, kernel, user) };
    (read != 0).then(|| length(kernel).saturating_add(length(user)))
}

/// A `FILETIME` counts 100 ns.
fn length(time: &FILETIME) -> Duration {
    let high = u64::from(time.dwHighDateTime).wrapping_shl(32);
    let units = high | u64::from(time.dwLowDateTime);
    Duration::from_nanos(units.saturating_mul(100))
}
