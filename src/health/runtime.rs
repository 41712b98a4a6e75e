//! Heartbeats that a tokio runtime gives.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use tokio::runtime::{RuntimeFlavor, RuntimeMetrics};

use super::error::HeartbeatError;
use super::heartbeat::{Heartbeat, HeartbeatBuilder};
use super::start::into_io;
use super::workers::{Counts, Workers};
use crate::Shutdown;
use crate::drain::OnRuntime;
use crate::lock::Mutex;
use crate::report::Tenths;
use crate::threads;

/// The longest and the shortest time between two looks at a runtime.
const LONGEST: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(5);

impl HeartbeatBuilder {
    /// Starts two heartbeats for a tokio runtime, which distinguish a blocked runtime from a
    /// blocked worker:
    ///
    /// - For the heartbeat of this name, a task of the runtime ticks. It is late if the runtime
    ///   polls nothing, because all its workers (or its only thread) are blocked.
    /// - A runtime with several workers has another heartbeat, with `" workers"` after its
    ///   name. It is late if a worker has been in one `poll` for one and a half intervals.
    ///   After one interval a warning in the log names the worker.
    ///
    /// A blocked worker delays the tasks in its own queue, and the runtime goes on without it.
    /// The heartbeats do not need the runtime's timer. deadstop watches them until the runtime
    /// is shut down.
    ///
    /// Run a task that blocks by design in `spawn_blocking`: deadstop does not watch its
    /// threads.
    ///
    /// # Errors
    ///
    /// Fails as [`start`](Self::start) does. Nothing is watched then.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = tokio::runtime::Runtime::new()?;
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// let beat = shutdown.heartbeat("tokio").every(Duration::from_secs(5));
    /// beat.watch_runtime(&runtime)?;
    /// # let _ = shutdown.finish();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn watch_runtime(self, runtime: &impl OnRuntime) -> Result<(), HeartbeatError> {
        let handle = runtime.handle().clone();
        let metrics = handle.metrics();
        let has_workers = matches!(handle.runtime_flavor(), RuntimeFlavor::MultiThread);
        let every = self.interval();
        let shutdown = self.shutdown().clone();
        let workers = match has_workers {
            true => Some(self.clone_as(" workers").start()?),
            false => None,
        };
        let beat = self.start()?;
        let inner = Arc::new(Inner {
            beat,
            workers,
            every,
            waker: Mutex::new(None),
        });
        let watched = Arc::downgrade(&inner);
        // Before the task, which nothing can take back.
        threads::spawn_deep("deadstop-pulse", move || run(&watched, &metrics, &shutdown))
            .map_err(|error| HeartbeatError::Watcher(into_io(error)))?;
        handle.spawn(Ticks(inner));
        Ok(())
    }
}

/// The state that the task and `deadstop-pulse` share. The task owns it: a runtime that is
/// shut down drops the task, and so ends the heartbeats.
struct Inner {
    beat: Heartbeat,
    workers: Option<Heartbeat>,
    every: Duration,
    waker: Mutex<Option<Waker>>,
}

/// The task: each poll is a tick.
struct Ticks(Arc<Inner>);

impl Future for Ticks {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.beat.tick();
        *self.0.waker.lock() = Some(context.waker().clone());
        Poll::Pending
    }
}

/// Runs `deadstop-pulse`: wakes the task, and looks at the workers.
fn run(watched: &Weak<Inner>, metrics: &RuntimeMetrics, shutdown: &Shutdown) {
    let mut workers = Workers::new(metrics.num_workers(), deadstop_core::now());
    while let Some(inner) = watched.upgrade() {
        let waker = inner.waker.lock().take();
        if let Some(waker) = waker {
            // If it blocks, the runtime is blocked too, and its heartbeat is late.
            waker.wake();
        }
        if let Some(beat) = &inner.workers {
            let counts = |index| Counts {
                parks: metrics.worker_park_unpark_count(index),
                busy: metrics.worker_total_busy_duration(index),
            };
            let look = workers.look(counts, inner.every, deadstop_core::now());
            if look.all_move {
                beat.tick_for_others();
            }
            for (index, length) in look.blocked {
                shutdown.coordinator.reporting.warn(format!(
                    "worker {index} of {} of the runtime of heartbeat {:?} has been in one poll for \
                     {}",
                    metrics.num_workers(),
                    inner.beat.name(),
                    Tenths(length),
                ));
            }
        }
        let period = (inner.every / 4).clamp(SHORTEST, LONGEST);
        drop(inner);
        thread::sleep(period);
    }
}
