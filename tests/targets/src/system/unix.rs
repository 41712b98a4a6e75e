use deadstop::Signal;

pub(crate) const TRIGGERS: [Signal; 1] = [Signal::TERM];

pub(crate) fn send_trigger() {
    // SAFETY: two integers.
    unsafe { libc::kill(libc::getpid(), libc::SIGTERM) };
}

pub(crate) fn stop_process() {
    // SAFETY: two integers.
    unsafe { libc::kill(libc::getpid(), libc::SIGSTOP) };
}

/// The kernel has a timer.
pub(crate) fn start_guard(_case: &str) {}

pub(crate) fn load_library(_path: &str) {}

/// Returns the exit status of a child that runs `child`.
pub(crate) fn in_child(child: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child calls nothing that needs another thread's locks.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let status = child();
        // SAFETY: an integer.
        unsafe { libc::_exit(status) }
    }
    let mut status = 0;
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::waitpid(pid, &raw mut status, 0) };
    libc::WEXITSTATUS(status)
}
