//! Tasks.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::time::Duration;

use deadstop::{RegisterError, TaskContext, TaskHandle};

use crate::error::{DEADSTOP_ERROR_REFUSED, DEADSTOP_OK, Failure, guarded, in_words};
use crate::state;
use crate::text;

thread_local! {
    // No destructor, so that it can be read as the thread ends.
    static IS_TASK: Cell<bool> = const { Cell::new(false) };
}

/// Returns `true` on a thread that runs a task.
pub(crate) fn is_running_here() -> bool {
    IS_TASK.get()
}

/// The context of a running task. Valid until its function returns.
pub struct Context {
    task: TaskContext,
    failure: Option<String>,
}

/// A registered task.
pub struct Task(TaskHandle);

/// The function of a task: called once, on a thread of deadstop's. Returns 0 if its work is done,
/// and any other number if it failed. It may never return. It must not throw.
pub type TaskFunction =
    Option<unsafe extern "C" fn(user: *mut c_void, context: *mut Context) -> c_int>;

/// A task to register.
#[repr(C)]
pub struct TaskOptions {
    /// sizeof(deadstop_task_options): later versions have more fields.
    pub size: usize,
    /// The name that an operator reads if the task hangs. Required.
    pub name: *const c_char,
    /// "unbind", "drain", "flush" or "close"; null for "close".
    pub phase: *const c_char,
    /// Milliseconds after which the shutdown goes on without the task; 0 for the rest of its
    /// phase's time.
    pub budget_ms: u64,
    /// The task's function. Required.
    pub run: TaskFunction,
    /// The first argument of `run`. It must be valid until the task has run, was cancelled,
    /// or the process ends.
    pub user: *mut c_void,
}

/// A caller's pointer, handed to the task's thread.
struct User(*mut c_void);

// SAFETY: the caller's contract: the task runs on another thread.
unsafe impl Send for User {}

/// Registers a task. `task` may be null; else it gets a handle, which
/// deadstop_task_free() frees.
///
/// During the shutdown, tasks are accepted for the current and later phases.
///
/// # Safety
///
/// `options` must point to a structure of the size that it says, with texts that end with a
/// null byte; `task` must be null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deadstop_task_add(
    options: *const TaskOptions,
    task: *mut *mut Task,
) -> c_int {
    guarded(|| {
        let installed = state::required()?;
        // SAFETY: the caller's contract.
        let Some(options) = (unsafe { options.as_ref() }) else {
            return Err(Failure::argument("`options` is null"));
        };
        if options.size < size_of::<TaskOptions>() {
            return Err(Failure::argument(format!(
                "the size of deadstop_task_options is {}; it must be {}",
                options.size,
                size_of::<TaskOptions>()
            )));
        }
        let Some(run) = options.run else {
            return Err(Failure::argument("`run` is null"));
        };
        // SAFETY: the caller's contract.
        let name = unsafe { text::required(options.name, "name") }?;
        let mut builder = installed.shutdown.task(name);
        // SAFETY: the caller's contract.
        if let Some(phase) = unsafe { text::optional(options.phase, "phase") }? {
            builder = builder.phase(phase.to_owned());
        }
        if options.budget_ms != 0 {
            builder = builder.budget(Duration::from_millis(options.budget_ms));
        }
        let user = User(options.user);
        let handle = builder.on_shutdown(move |cx| call(run, user, cx))?;
        // SAFETY: the caller's contract.
        if let Some(place) = unsafe { task.as_mut() } {
            *place = Box::into_raw(Box::new(Task(handle)));
        }
        Ok(DEADSTOP_OK)
    })
}

fn call(
    run: unsafe extern "C" fn(*mut c_void, *mut Context) -> c_int,
    user: User,
    cx: &TaskContext,
) -> Result<(), String> {
    let User(user) = user;
    let mut context = Context {
        task: cx.clone(),
        failure: None,
    };
    IS_TASK.set(true);
    // SAFETY: the contract of `deadstop_task_add`; the context lives until it returns.
    let result = unsafe { run(user, &raw mut context) };
    IS_TASK.set(false);
    match (context.failure, result) {
        (Some(failure), _) => Err(failure),
        (None, 0) => Ok(()),
        (None, code) => Err(format!("returned {code}")),
    }
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Forked => Self::forked(),
            RegisterError::Unnamed => Self::argument(in_words(&error)),
            _ => Self::new(DEADSTOP_ERROR_REFUSED, in_words(&error)),
        }
    }
}

/// Cancels the task: it will not run. Returns 1 if this call cancelled it, 0 if it has
/// started or was cancelled before.
///
/// # Safety
///
/// `task` must be a handle that was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deadstop_task_cancel(task: *const Task) -> c_int {
    guarded(|| {
        state::required()?;
        // SAFETY: the caller's contract.
        match unsafe { task.as_ref() } {
            Some(task) => Ok(task.0.cancel().into()),
            None => Err(Failure::argument("`task` is null")),
        }
    })
}

/// Frees the handle. The task stays registered. Null is allowed.
///
/// # Safety
///
/// `task` must be null, or a handle that was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deadstop_task_free(task: *mut Task) {
    if !task.is_null() {
        // SAFETY: made by `Box::into_raw`, and not freed before.
        drop(unsafe { Box::from_raw(task) });
    }
}

/// Sets the text that reports show as the task's progress, up to 128 bytes. It never blocks. It
/// does not move the deadline.
///
/// # Safety
///
/// `context` must be that of a running task, and `text` end with a null byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deadstop_context_progress(
    context: *const Context,
    text: *const c_char,
) -> c_int {
    guarded(|| {
        // SAFETY: the caller's contract.
        let text = unsafe { text::required(text, "text") }?;
        // SAFETY: the caller's contract.
        match unsafe { context.as_ref() } {
            Some(context) => context.task.progress(text),
            None => return Err(Failure::argument("`context` is null")),
        }
        Ok(DEADSTOP_OK)
    })
}

/// Sets the reason for which the task fails, for the report. The task must still return.
///
/// # Safety
///
/// `context` must be that of a running task, used by one thread, and `text` end with a null
/// byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deadstop_context_fail(
    context: *mut Context,
    text: *const c_char,
) -> c_int {
    guarded(|| {
        // SAFETY: the caller's contract.
        let text = unsafe { text::required(text, "text") }?;
        // SAFETY: the caller's contract.
        match unsafe { context.as_mut() } {
            Some(context) => context.failure = Some(text.to_owned()),
            None => return Err(Failure::argument("`context` is null")),
        }
        Ok(DEADSTOP_OK)
    })
}

/// Returns the milliseconds until the task is abandoned, 0 if it has been.
///
/// # Safety
///
/// `context` must be that of a running task.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deadstop_context_remaining_ms(context: *const Context) -> i64 {
    // SAFETY: the caller's contract.
    let context = unsafe { context.as_ref() };
    context.map_or(0, |context| {
        i64::try_from(context.task.remaining().as_millis()).unwrap_or(i64::MAX)
    })
}

/// Returns 1 if the shutdown no longer waits for the task, else 0.
///
/// # Safety
///
/// `context` must be that of a running task.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deadstop_context_is_abandoned(context: *const Context) -> c_int {
    // SAFETY: the caller's contract.
    let context = unsafe { context.as_ref() };
    context
        .is_some_and(|context| context.task.is_abandoned())
        .into()
}
