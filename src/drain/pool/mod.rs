//! The worker pool: bounded threads and a bounded queue, whose accepted jobs are not
//! lost.
//!
//! ```text
//! submitters                                         threads of the pool
//! execute ──▶ submitted ──▶ all at once, when ──▶ run queue ──▶ job
//!    │         (machine)    the latter is empty
//!    ╰─ full, closed, no thread ──▶ the job comes back, with the reason
//! ```
//!
//! There are two queues, each with a lock of its own, so that submitters and threads meet
//! seldom:
//!
//! | queue | lock | has | locked by |
//! | --- | --- | --- | --- |
//! | submitted | the [`machine`]'s | the newer jobs; the pool's stage, and what each thread does | a submitter; a thread that finds the run queue empty |
//! | [`RunQueue`](machine::RunQueue) | its own | the older jobs; what each thread runs; how many jobs were taken and have ended | a thread between two jobs |
//!
//! Both are locked, the run queue first, where jobs move from one to the other, where a
//! thread falls asleep, and where a submitter would refuse a job or wake a thread because of
//! old numbers. [`scheduler`] has the locks; the machine decides; [`shared`] starts threads
//! and runs the jobs.

mod builder;
mod current;
mod describe;
mod drain;
mod error;
mod handle;
mod job;
mod machine;
mod names;
#[cfg(feature = "health")]
mod numbers;
mod observer;
mod offer;
mod policy;
mod room;
mod scheduler;
mod shared;
mod stats;
#[cfg(test)]
mod tests;
mod unstarted;

pub use self::builder::PoolBuilder;
pub use self::error::{Rejected, Why};
pub use self::handle::Pool;
pub use self::job::{Job, JobError, JobHandle};
#[cfg(feature = "health")]
pub(crate) use self::numbers::{PoolNumbers, pools};
pub use self::policy::{Drain, WhenFull};
pub use self::stats::PoolStats;
pub use self::unstarted::Unstarted;

#[cfg(feature = "health")]
pub(crate) use self::observer::Pulse;
