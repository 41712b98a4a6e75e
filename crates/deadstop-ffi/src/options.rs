//! The options of `deadstop_install`, as C callers fill them.

mod configure;
mod read;

use std::ffi::c_char;

pub(crate) use self::read::read;

/// deadstop puts its handler in front of the host's handler, for each signal that the host
/// handles when it calls deadstop_install() or deadstop_chain_signals(). deadstop's handler
/// starts the clock and then calls the host's. Signals with the default action and ignored
/// signals stay as they are. The default.
pub const DEADSTOP_SIGNALS_CHAIN: u8 = 0;
/// deadstop sets no handler. The host calls deadstop_notify_signal() or deadstop_arm() in its
/// own handler.
pub const DEADSTOP_SIGNALS_NONE: u8 = 1;
/// deadstop handles all of `signals`, also those with the default action. For a program without
/// its own handlers.
pub const DEADSTOP_SIGNALS_HANDLE: u8 = 2;

/// The default. With DEADSTOP_SIGNALS_HANDLE the same as
/// DEADSTOP_SECOND_SIGNAL_END_FROM_TERMINAL. Otherwise the same as
/// DEADSTOP_SECOND_SIGNAL_IGNORE, since the host's own handler decides.
pub const DEADSTOP_SECOND_SIGNAL_DEFAULT: u8 = 0;
/// deadstop does nothing on a second signal.
pub const DEADSTOP_SECOND_SIGNAL_IGNORE: u8 = 1;
/// A second Ctrl-C or Ctrl-\ at the terminal ends the process at once, by that signal.
pub const DEADSTOP_SECOND_SIGNAL_END_FROM_TERMINAL: u8 = 2;
/// Any second signal ends the process at once, by that signal.
pub const DEADSTOP_SECOND_SIGNAL_END: u8 = 3;

/// The host ends the process when the tasks are done, by its own exit or by returning from
/// main. The default.
pub const DEADSTOP_WHEN_DONE_WAIT: u8 = 0;
/// deadstop ends the process as soon as the tasks are done.
pub const DEADSTOP_WHEN_DONE_EXIT: u8 = 1;

/// No lines about a shutdown whose tasks are all done. The default.
pub const DEADSTOP_PROGRESS_OFF: u8 = 0;
/// A line on standard error when the shutdown begins, one every few seconds, and a summary.
pub const DEADSTOP_PROGRESS_STDERR: u8 = 1;

/// Reports go to standard error as text. The default.
pub const DEADSTOP_STDERR_TEXT: u8 = 0;
/// Reports go to standard error as JSON, one line each.
pub const DEADSTOP_STDERR_JSON: u8 = 1;
/// No report goes to standard error.
pub const DEADSTOP_STDERR_NONE: u8 = 2;

/// The settings of deadstop_install(). Zero in every field except `size` means the defaults.
///
///     deadstop_options options = { .size = sizeof options, .grace_ms = 25000 };
#[repr(C)]
pub struct Options {
    /// sizeof(deadstop_options): later versions have more fields.
    pub size: usize,
    /// Milliseconds from the first trigger to the deadline; 0 for 10,000.
    pub grace_ms: u64,
    /// The exit status at the deadline, 1 to 255; 0 for 124.
    pub exit_status: u8,
    /// The exit status if a task left its work undone, 1 to 255; 0 for 1.
    pub failure_status: u8,
    /// One of DEADSTOP_SIGNALS_.
    pub signal_mode: u8,
    /// One of DEADSTOP_SECOND_SIGNAL_.
    pub second_signal: u8,
    /// One of DEADSTOP_WHEN_DONE_.
    pub when_done: u8,
    /// One of DEADSTOP_PROGRESS_.
    pub progress: u8,
    /// One of DEADSTOP_STDERR_.
    pub stderr_format: u8,
    /// 1 to fail if the kernel refuses the backup timer.
    pub require_backup_timer: u8,
    /// The signals that begin the shutdown: the sum of 1 << (n - 1) for each signal n;
    /// 0 for SIGTERM and SIGINT.
    pub signals: u64,
    /// The signals that request a status report, as such a sum. deadstop handles them.
    pub status_signals: u64,
    /// A signal that deadstop sends to the process before it writes the hang report, if the
    /// host handles it; 0 for none. A JVM prints its stacks on SIGQUIT.
    pub stack_dump_signal: i32,
    /// Must be 0.
    pub reserved: i32,
    /// A file for hang reports as JSON; null for none.
    pub report_file: *const c_char,
    /// A file for the termination message; null for /dev/termination-log, if it is there.
    pub message_file: *const c_char,
    /// 1 for a guard: another process that ends this one shortly after its deadline, with
    /// status 137. It is for Windows, where the kernel has no such timer. deadstop_install()
    /// then starts the program once more. In that second process, the guard, it does not
    /// return. So call it first in main, whatever the arguments are. On any other system
    /// deadstop_install() returns DEADSTOP_ERROR_UNSUPPORTED and does nothing.
    pub guard: u8,
    /// Must be 0.
    pub reserved_bytes: [u8; 7],
}
