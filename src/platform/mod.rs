//! Recognizes the supervisor of this process, how long it lets the process live, and whether
//! its signals arrive.
//!
//! A grace of 25 seconds is useless if the platform kills the process after 10. With a shell
//! between the supervisor and the program, the program may have no grace at all. [`detect()`]
//! collects what a process can see from inside. [`Platform::findings`] compares it with the
//! configuration of the program. A *certain* fact was read from a place that cannot be wrong.
//! Every other fact is a documented default. Its text says so, and deadstop changes nothing
//! because of it.
//!
//! Detection is a pure function, [`Platform::of`], over a snapshot, an
//! [`Environment`].

mod detect;
mod environment;
mod finding;
mod grace;
mod instant;
mod path;
mod process;
mod program;
mod read;
mod rules;
mod sort_few;
mod supervision;
mod supervisor;
mod supervisor_facts;
mod systemd;
mod texts;

pub use crate::shutdown::platform::check;
pub use detect::Platform;
pub use environment::{Environment, System};
pub use finding::{Finding, Level};
pub(crate) use grace::ALLOWED_DURATIONS;
pub use grace::{Grace, PLATFORM_GRACE};
pub use path::{ShellFate, SignalPath};
pub use process::Process;
pub use program::Program;
pub use supervision::Supervision;
pub use supervisor::{Supervisor, Target};
pub use systemd::Unit;

/// Recognizes the platform of this process. Reads variables, files and `/proc`. If the process
/// is a service of systemd, asks systemd, for at most 250 ms.
pub fn detect() -> Platform {
    Platform::decide(Environment::of_this_process().ask_systemd())
}
