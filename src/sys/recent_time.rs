//! The time of some milliseconds ago, for what is measured in seconds.

#[cfg(target_os = "linux")]
pub(crate) use deadstop_core::sys::recent;

/// Returns the time.
#[cfg(not(target_os = "linux"))]
pub(crate) fn recent() -> deadstop_core::Nanos {
    deadstop_core::now()
}
