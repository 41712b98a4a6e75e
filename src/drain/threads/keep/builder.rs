//! Describes a kept thread, and starts it.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::state::{EndOnDrop, State};
use super::{KeepError, KeptContext, KeptThread};
use crate::contain::contain;
use crate::task::{PhaseName, TaskResult};
use crate::{Phase, Shutdown};

/// Describes a kept thread. Made by [`Shutdown::keep`].
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
#[derive(Clone, Debug)]
#[must_use = "a kept thread is started by `spawn`"]
pub struct KeepBuilder {
    shutdown: Shutdown,
    name: String,
    phase: PhaseName,
    budget: Option<Duration>,
}

impl KeepBuilder {
    pub(super) fn new(shutdown: Shutdown, name: String) -> Self {
        Self {
            shutdown,
            name,
            phase: Phase::DRAIN.into(),
            budget: None,
        }
    }

    /// Sets the phase that waits for the thread; DRAIN unless set.
    pub fn phase(mut self, phase: impl Into<PhaseName>) -> Self {
        self.phase = phase.into();
        self
    }

    /// Sets how long the phase waits at most; unless set, as long as the phase may last.
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Starts the thread. If its result is an error, or it panics, its task fails: the report
    /// says why, and the process does not end with status 0.
    ///
    /// # Errors
    ///
    /// Fails if the phase does not exist or is over, if the name is empty, or if the system
    /// refuses the thread. `run` is dropped.
    #[track_caller]
    pub fn spawn<F, R>(self, run: F) -> Result<KeptThread, KeepError>
    where
        F: FnOnce(&KeptContext) -> R + Send + 'static,
        R: TaskResult,
    {
        let state = Arc::new(State::default());
        let task = self.shutdown.task(self.name.clone()).phase(self.phase);
        let task = task.budget_if_set(self.budget);
        let kept = Arc::clone(&state);
        let task = task.on_shutdown(move |cx| kept.wait_for_end(cx));
        let task = task.map_err(KeepError::Register)?;
        let context = KeptContext::new(self.shutdown, Arc::clone(&state));
        let end = EndOnDrop::new(Arc::clone(&state), task.clone());
        // A zero byte would end a name in C.
        let name = self.name.replace('\0', "");
        let thread = thread::Builder::new().name(name).spawn(move || {
            // However the thread ends, its task ends, or is cancelled.
            let end = end;
            end.state().began();
            let ended = contain(|| run(&context).into_outcome());
            end.state().note_failure(&ended);
            ended.map(drop)
        });
        match thread {
            Ok(thread) => Ok(KeptThread::new(thread, task, state)),
            Err(error) => {
                task.cancel();
                Err(KeepError::Spawn(error))
            }
        }
    }
}
