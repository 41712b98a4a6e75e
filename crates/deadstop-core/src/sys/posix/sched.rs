//! Scheduling of a thread that waits for a deadline: nothing is asked for.

/// Does nothing.
pub fn request_prompt_wakeups() {}

/// Does nothing.
pub fn request_real_time() {}
