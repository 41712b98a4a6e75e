//! Handles that resolve at a milestone of the shutdown: the request, the beginning
//! of a phase, the end. Each is a future on any runtime, and threads can wait.

mod ended;
mod handle;
mod reached;
mod requested;

pub use self::ended::Ended;
pub use self::reached::Reached;
pub use self::requested::Requested;
