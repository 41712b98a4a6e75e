//! A job that was accepted and did not start.

use std::sync::Arc;
use std::time::Duration;

use deadstop_core::now;

use super::job::{Job, Work};

/// A job that was accepted and did not start.
///
/// # Examples
///
/// ```
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let pool = shutdown.pool("mailer").start()?;
/// for unstarted in pool.stop() {
///     println!("{:?} waited for {:?}", unstarted.name, unstarted.queued_for);
///     // ... store it, or run it here: `unstarted.job.run()` ...
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Unstarted {
    /// The name with which it was submitted.
    pub name: Option<Arc<str>>,
    /// The time for which it was queued.
    pub queued_for: Duration,
    /// The job, for the caller to run, keep or drop.
    pub job: Job,
}

impl Unstarted {
    pub(super) fn new(work: Work) -> Self {
        Self {
            name: work.name(),
            queued_for: now().since(work.since()),
            job: Job::new(work),
        }
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}
