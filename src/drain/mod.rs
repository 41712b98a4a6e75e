//! Gates, worker pools, resources, wakers, kept threads and child processes, for programs that
//! must lose no work.
//!
//! | part | is for | made by |
//! | --- | --- | --- |
//! | [`Gate`] | requests in flight | [`Shutdown::gate`](crate::Shutdown::gate) |
//! | [`Pool`] | jobs on worker threads | [`Shutdown::pool`](crate::Shutdown::pool) |
//! | [`Child`] | child processes | [`Shutdown::child`](crate::Shutdown::child) |
//! | [`WakerHandle`] | threads that wait in a call | [`Shutdown::waker`](crate::Shutdown::waker) |
//! | [`ResourceHandle`] | clients to close, in order | [`Shutdown::resource`](crate::Shutdown::resource) |
//! | [`KeptThread`] | threads that `main` must wait for | [`Shutdown::keep`](crate::Shutdown::keep) |
//! | | a thread of the application | [`TaskBuilder::join`](crate::task::TaskBuilder::join) |
//! | | a future on tokio (feature `tokio`) | `TaskBuilder::drive` |
//!
//! Each part registers its own tasks, in the phase that its documentation names. They do not
//! run before the shutdown begins.

mod announcement;
#[cfg(unix)]
mod child;
mod counted;
mod gate;
mod last;
mod latch;
#[cfg(feature = "health")]
mod listed;
mod owner;
mod pool;
mod resource;
mod task_progress;
mod thread_id;
mod threads;
mod wake;

#[cfg(unix)]
pub use self::child::{Child, ChildBuilder, ChildError};
pub use self::gate::{Closing, Drained, Gate, GateBuilder, GateClosed, GateGuard, StreamGuard};
#[cfg(feature = "tower")]
pub use self::gate::{GateBody, GateFuture, GateLayer, GateService};
pub use self::last::RemovedFile;
pub use self::pool::{
    Drain, Job, JobError, JobHandle, Pool, PoolBuilder, PoolStats, Rejected, Unstarted, WhenFull,
    Why,
};
pub use self::resource::{ResourceBuilder, ResourceHandle};
#[cfg(feature = "tokio")]
pub use self::threads::OnRuntime;
pub use self::threads::{KeepBuilder, KeepError, KeptContext, KeptThread};
pub use self::wake::{WakerHandle, Wakeup, wakers};

#[cfg(feature = "health")]
pub(crate) use self::announcement::SEEN;
#[cfg(feature = "health")]
pub(crate) use self::gate::{GateNumbers, gates};
#[cfg(feature = "health")]
pub(crate) use self::listed::LISTED;
#[cfg(feature = "health")]
pub(crate) use self::pool::{PoolNumbers, pools};
pub(crate) use crate::RegisterError;

/// Returns `true` if a registration failed because there is no such phase.
fn no_phase(error: &RegisterError) -> bool {
    matches!(error, RegisterError::UnknownPhase { .. })
}
