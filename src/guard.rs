//! Windows: a guard, the backup timer by another process.
//!
//! No timer of Windows ends a process. The watchdog is a thread, and `ExitProcess`, which a
//! return from `main` reaches, ends all other threads before it runs the `DllMain` of each
//! library: one that hangs there keeps the process for ever. A debugger, or a tool that
//! suspends the process, stops the watchdog too. A guard is another process, which has a
//! handle of this one and ends it a little after the deadline, with the status 137.

use std::env;
use std::io;
use std::os::windows::io::AsRawHandle as _;
use std::os::windows::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use deadstop_core::sys::GuardChannel;
use windows_sys::Win32::System::Threading::DETACHED_PROCESS;

/// The variable that marks a process as a guard: four handles that it has inherited.
const VARIABLE: &str = "DEADSTOP_GUARD";

/// The longest wait for the guard to start.
const START: Duration = Duration::from_secs(10);

/// Starts the guard of this process: the same program once more, without arguments. Call it
/// first in `main`, whatever the arguments are: in the guard it does not return.
///
/// `install` then uses the guard as the backup timer, and
/// [`Protection::backup_timer`](crate::protection::Protection::backup_timer) says so. Until
/// the watchdog is armed, the guard waits; it ends with this process. It has no console, so
/// Ctrl-C does not reach it. A second call starts a second guard, which has no effect.
///
/// # Errors
///
/// Fails if no process could be started, or if the new one has not called this function
/// within 10 seconds; it is then ended. This process goes on without a guard.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     deadstop::guard::start()?;
///     let shutdown = deadstop::Shutdown::builder()
///         .grace(Duration::from_secs(10))
///         .install()?;
///     // ... the program runs ...
///     shutdown.finish_and_exit()
/// }
/// ```
pub fn start() -> io::Result<()> {
    if let Ok(text) = env::var(VARIABLE) {
        let channel = parse(&text).and_then(GuardChannel::from_numbers);
        channel.ok_or(io::ErrorKind::InvalidInput)?.run();
    }
    let channel = GuardChannel::open().map_err(io::Error::from_raw_os_error)?;
    let numbers = channel.numbers().map(|number| number.to_string());
    let mut guard = Command::new(env::current_exe()?)
        .env(VARIABLE, numbers.join(","))
        .creation_flags(DETACHED_PROCESS)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if !channel.wait_ready(guard.as_raw_handle(), START) {
        // The guard may have ended by itself.
        let _ = guard.kill();
        return Err(io::ErrorKind::TimedOut.into());
    }
    channel.publish().map_err(io::Error::from_raw_os_error)
}

fn parse(text: &str) -> Option<[usize; 4]> {
    let numbers = text.split(',').map(|number| number.parse().ok());
    numbers.collect::<Option<Vec<_>>>()?.try_into().ok()
}
