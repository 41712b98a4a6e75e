//! The platform: which supervisor runs this process, how long it lets the
//! process live, and whether its signals arrive.
//!
//! A grace of 25 seconds means nothing where the platform kills after 10, and a
//! shell between the supervisor and the program makes it zero.
//! [`detect()`] finds out what can be seen from inside, and
//! [`Platform::findings`] compares it with what the program has configured.
//! A *certain* fact was read from a place that cannot be wrong. Every other one is a documented
//! default, says so, and changes nothing by itself.
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

/// Finds out where this process runs: reads variables, files and `/proc`, and
/// asks systemd, for at most 250 ms, if the process is a service of its.
pub fn detect() -> Platform {
    Platform::decide(Environment::of_this_process().ask_systemd())
}
