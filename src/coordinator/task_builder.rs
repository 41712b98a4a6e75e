//! Describes and registers a task.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::driver::{Coordinator, ScopeHandle};
use super::future::{self, BoxFuture};
use super::machine::{NewTask, Refusal};
use super::phase::Phase;
use super::task_context::{Body, TaskContext};
use super::task_handle::TaskHandle;
use super::task_result::TaskResult;
use super::task_shared::TaskShared;
use crate::error::RegisterError;
use crate::phase_name::PhaseName;
use crate::process;
use crate::report::Outcome;

/// Describes a task. Made by [`Shutdown::task`](crate::Shutdown::task) and
/// [`Scope::task`](crate::Scope::task).
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
#[must_use = "a task is registered by `on_shutdown`"]
pub struct TaskBuilder {
    scope: ScopeHandle,
    name: String,
    phase: PhaseName,
    budget: Option<Duration>,
    site: &'static Location<'static>,
}

impl TaskBuilder {
    pub(super) fn of_scope(
        scope: ScopeHandle,
        name: String,
        site: &'static Location<'static>,
    ) -> Self {
        Self {
            scope,
            name,
            phase: Phase::CLOSE.into(),
            budget: None,
            site,
        }
    }

    pub(crate) fn new(
        coordinator: &Arc<Coordinator>,
        name: String,
        site: &'static Location<'static>,
    ) -> Self {
        Self::of_scope(ScopeHandle::root(coordinator), name, site)
    }

    /// Sets the phase in which the task runs; [`Phase::CLOSE`] unless set. Accepts a
    /// [`Phase`] or the name of one.
    pub fn phase(mut self, phase: impl Into<PhaseName>) -> Self {
        self.phase = phase.into();
        self
    }

    /// Sets the maximum time of the task. Unless set, it is the rest of its phase's time. A
    /// task never gets more than that.
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Like [`budget`](Self::budget), where one is set.
    pub(crate) fn budget_if_set(mut self, budget: Option<Duration>) -> Self {
        self.budget = budget;
        self
    }

    /// Registers the task. The coordinator calls `run` once, in the task's phase of the
    /// shutdown, on a thread that has no other work.
    ///
    /// `run` may return `()`, or a `Result` whose error says how it failed. A panic is a
    /// failure too. If it never returns, the coordinator abandons it when its budget is over;
    /// it then goes on until the process ends.
    ///
    /// The program may register a task during the shutdown, in the current phase or a later
    /// one. The same closure registered twice is two tasks.
    ///
    /// # Errors
    ///
    /// Fails if the task's phase does not exist or is over, or if its name is
    /// empty; see [`RegisterError`]. The closure is dropped.
    pub fn on_shutdown<F, R>(self, run: F) -> Result<TaskHandle, RegisterError>
    where
        F: FnOnce(&TaskContext) -> R + Send + 'static,
        R: TaskResult,
    {
        self.register(move |context| run(context).into_outcome())
    }

    /// Like [`on_shutdown`](Self::on_shutdown) for a future, which is polled on
    /// the task's own thread, without a runtime.
    ///
    /// Use [`on_shutdown_async_in`](Self::on_shutdown_async_in) for a future that needs its
    /// runtime's timers or sockets. Here tokio's timers and sockets would panic, which makes
    /// the task fail.
    ///
    /// # Errors
    ///
    /// As `on_shutdown`.
    pub fn on_shutdown_async<F, Fut>(self, run: F) -> Result<TaskHandle, RegisterError>
    where
        F: FnOnce(TaskContext) -> Fut + Send + 'static,
        Fut: Future<Output: TaskResult>,
    {
        self.register(move |context| future::block_on(run(context.clone())).into_outcome())
    }

    /// Like [`on_shutdown_async`](Self::on_shutdown_async), but a runtime polls the future.
    /// `spawn` gets the future on the task's own thread, and passes it to the runtime.
    ///
    /// A runtime whose workers are all blocked does not poll. The coordinator then abandons the
    /// task when its budget is over. The task fails if the runtime drops the future.
    ///
    /// # Examples
    ///
    /// ```
    /// # // Stands in for a runtime's handle.
    /// # #[derive(Clone)] struct Handle;
    /// # impl Handle { fn spawn(&self, future: deadstop::task::BoxFuture) {
    /// #     std::thread::spawn(move || futures::executor::block_on(future));
    /// # } }
    /// # let handle = Handle;
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// // With tokio, `handle` is `tokio::runtime::Handle::current()`.
    /// let spawn = move |future| {
    ///     handle.spawn(future);
    /// };
    /// shutdown
    ///     .task("say goodbye to peers")
    ///     .on_shutdown_async_in(spawn, |cx| async move { cx.progress("1 of 3") })?;
    /// let exit_code = shutdown.finish();
    /// # let _ = exit_code;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As `on_shutdown`.
    pub fn on_shutdown_async_in<S, F, Fut>(
        self,
        spawn: S,
        run: F,
    ) -> Result<TaskHandle, RegisterError>
    where
        S: FnOnce(BoxFuture) + Send + 'static,
        F: FnOnce(TaskContext) -> Fut + Send + 'static,
        Fut: Future<Output: TaskResult> + Send + 'static,
    {
        self.register(move |context| {
            future::run_elsewhere(spawn, run(context.clone()), context.clone())
        })
    }

    fn register<F>(self, body: F) -> Result<TaskHandle, RegisterError>
    where
        F: FnOnce(&TaskContext) -> Outcome + Send + 'static,
    {
        self.register_boxed(Box::new(|context| {
            context.about_to_run();
            body(context)
        }))
    }

    /// In a box, so that it is compiled once and not for each task of the program.
    fn register_boxed(self, body: Body) -> Result<TaskHandle, RegisterError> {
        let coordinator = &self.scope.coordinator;
        if !coordinator.is_here() {
            process::warn_if_forked();
            return Err(RegisterError::Forked);
        }
        if self.name.chars().all(char::is_whitespace) {
            return Err(RegisterError::Unnamed);
        }
        let Some(phase) = coordinator.plan.index_of(&self.phase) else {
            return Err(RegisterError::UnknownPhase { phase: self.phase });
        };
        let path = &self.scope.path;
        let name = match path.is_empty() {
            true => self.name,
            false => format!("{path}/{}", self.name),
        };
        let task = NewTask {
            site: self.site,
            scope: self.scope.id,
            phase,
            budget: self.budget,
        };
        let shared = Arc::new(TaskShared::new(name, self.site));
        match coordinator.register(task, Arc::clone(&shared), body) {
            Ok(id) => Ok(TaskHandle::new(coordinator, id, shared)),
            Err((why, body)) => {
                // Here, on the caller's thread: it is the caller's closure.
                drop(body);
                Err(match why {
                    Refusal::Over => RegisterError::Over,
                    Refusal::PhaseOver => RegisterError::PhaseOver { phase: self.phase },
                })
            }
        }
    }
}

impl fmt::Debug for TaskBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskBuilder")
            .field("name", &self.name)
            .field("phase", &self.phase)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
