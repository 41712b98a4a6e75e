//! Kept threads: threads that the process stays for. Java and Python call them non-daemon
//! threads, .NET foreground threads.
//!
//! In Rust every thread is a daemon thread: the end of `main` cuts it off.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use deadstop_core::now;
use deadstop_core::roster::TaskKind;

use crate::contain::{Payload, contain};
use crate::drain::RegisterError;
use crate::drain::latch::Latch;
use crate::drain::task_progress::{next_update, show_thread};
use crate::drain::thread_id;
use crate::lock::Mutex;
use crate::process;
use crate::report::Outcome;
use crate::task::PhaseName;
use crate::task::TaskResult;
use crate::trigger::panic::message;
use crate::wait::Requested;
use crate::{Cause, Phase, Shutdown, TaskContext, TaskHandle};

impl Shutdown {
    /// Starts describing a kept thread: `finish` and `wait` wait for it, in the phase DRAIN.
    /// Java and Python call that a non-daemon thread, .NET a foreground thread.
    ///
    /// # Examples
    ///
    /// ```
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// let uploads = shutdown.keep("uploader").spawn(|cx| {
    ///     // ... one part after another, until `cx.is_requested()` ...
    ///     # let _ = cx.is_requested();
    /// })?;
    /// let exit_code = shutdown.finish(); // returns once the uploader has
    /// assert!(uploads.is_finished());
    /// # let _ = exit_code;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keep(&self, name: impl Into<String>) -> KeepBuilder {
        KeepBuilder {
            shutdown: self.clone(),
            name: name.into(),
            phase: Phase::DRAIN.into(),
            budget: None,
        }
    }
}

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
        let task = task.on_shutdown(move |cx| wait_for(&kept, cx));
        let task = task.map_err(KeepError::Register)?;
        let context = KeptContext {
            shutdown: self.shutdown,
            state: Arc::clone(&state),
            generation: process::generation(),
        };
        let ends = EndOnDrop {
            state: Arc::clone(&state),
            task: task.clone(),
        };
        // A zero byte would end a name in C.
        let name = self.name.replace('\0', "");
        let thread = thread::Builder::new().name(name).spawn(move || {
            // However the thread ends, its task ends, or is cancelled.
            let ends = ends;
            *context.state.tid.lock() = Some(thread_id::current());
            let ended = contain(|| run(&context).into_outcome());
            *ends.state.failed.lock() = match &ended {
                Ok(Outcome::Failed(why)) => Some(why.clone()),
                Ok(_) => None,
                Err(payload) => {
                    let text = message(payload.value());
                    Some(format!("the thread panicked: {text}"))
                }
            };
            ended.map(drop)
        });
        match thread {
            Ok(thread) => Ok(KeptThread {
                generation: process::generation(),
                thread,
                task,
                state,
            }),
            Err(error) => {
                task.cancel();
                Err(KeepError::Spawn(error))
            }
        }
    }
}

/// The state that a kept thread, its handle and its task share.
#[derive(Default)]
struct State {
    tid: Mutex<Option<i32>>,
    says: Mutex<String>,
    failed: Mutex<Option<String>>,
    ended: Latch,
}

struct EndOnDrop {
    state: Arc<State>,
    task: TaskHandle,
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        *self.state.tid.lock() = None;
        let failed = self.state.failed.lock().is_some();
        self.state.ended.set();
        if !failed {
            // False during the shutdown, when the task waits for the end itself.
            self.task.cancel();
        }
    }
}

/// Waits for the thread, also beyond the task's time, so that reports name it: of a task that
/// has returned they say nothing.
fn wait_for(kept: &State, cx: &TaskContext) -> Result<(), String> {
    cx.note_kind(TaskKind::Thread);
    let begun = now();
    loop {
        show_thread(cx, *kept.tid.lock());
        if kept.ended.wait(next_update(cx)) {
            show_thread(cx, None);
            return kept.failed.lock().clone().map_or(Ok(()), Err);
        }
        let says = kept.says.lock().clone();
        let seconds = now().since(begun).as_secs_f64();
        let why = match cx.cause() {
            Cause::Finished => "the work is done, and this keeps the process",
            _ => "still runs",
        };
        let text = format!("{why} for {seconds:.1} s");
        match says.is_empty() {
            true => cx.progress(&text),
            false => cx.progress(&format!("{text}, says {says:?}")),
        }
    }
}

/// The shutdown, as a kept thread sees it.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// shutdown.keep("uploader").spawn(|cx| {
///     // Once a minute, until the shutdown is requested.
///     while !cx.sleep(Duration::from_secs(60)) {
///         cx.progress("part 3 of 9");
///     }
/// })?;
/// # let _ = shutdown.finish();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KeptContext {
    shutdown: Shutdown,
    state: Arc<State>,
    generation: u32,
}

impl KeptContext {
    /// Returns `true` if the shutdown has been requested: the thread should end soon.
    pub fn is_requested(&self) -> bool {
        self.shutdown.is_requested()
    }

    /// Returns a handle that resolves at the request.
    pub fn requested(&self) -> Requested {
        self.shutdown.requested()
    }

    /// Blocks the thread for `time`, or until the request. Returns `true` if the shutdown was
    /// requested.
    pub fn sleep(&self, time: Duration) -> bool {
        self.requested().wait_timeout(time)
    }

    /// Sets the text that progress lines and the hang report show for the thread.
    ///
    /// Does nothing in a child of `fork`.
    pub fn progress(&self, text: &str) {
        // A child may have inherited the lock as held.
        if self.generation != process::generation() {
            return;
        }
        text.clone_into(&mut self.state.says.lock());
    }
}

impl fmt::Debug for KeptContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptContext")
            .field("requested", &self.is_requested())
            .finish_non_exhaustive()
    }
}

/// A kept thread. Dropping the handle changes nothing.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let thread = shutdown.keep("uploader").spawn(|cx| cx.progress("nothing to upload"))?;
/// assert_eq!(thread.name(), "uploader");
/// thread.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KeptThread {
    generation: u32,
    /// The thread returns what its panic carried: `std` would drop that at the end of a
    /// thread without a handle, and abort the process if the destructor panics.
    thread: thread::JoinHandle<Result<(), Payload>>,
    task: TaskHandle,
    state: Arc<State>,
}

impl KeptThread {
    /// Returns `true` if the closure has returned or panicked. Always `true` after a phase has
    /// waited for the thread.
    pub fn is_finished(&self) -> bool {
        // Not the thread's own: the system may take a while to end a thread after that.
        self.state.ended.is_set()
    }

    /// Blocks the calling thread until this one has ended.
    ///
    /// # Errors
    ///
    /// Fails with the payload if the thread panicked. In a child of `fork`, which has no such
    /// thread, it fails at once with a text as the payload.
    pub fn join(self) -> thread::Result<()> {
        if self.generation != process::generation() {
            return Err(Box::new("a child of fork has none of its parent's threads"));
        }
        self.thread.join()?.map_err(Into::into)
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        self.task.name()
    }
}

impl fmt::Debug for KeptThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptThread")
            .field("name", &self.name())
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// The reason why there is no kept thread.
///
/// # Examples
///
/// ```
/// use deadstop::drain::KeepError;
///
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// match shutdown.keep("uploader").spawn(|cx| cx.requested().wait()) {
///     Err(KeepError::Spawn(error)) => println!("no thread: {error}"),
///     Err(error) => println!("{error}"),
///     Ok(thread) => println!("{} runs", thread.name()),
/// }
/// # let _ = shutdown.finish();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum KeepError {
    /// Its task was refused.
    Register(RegisterError),
    /// The system refused the thread.
    Spawn(io::Error),
}

impl fmt::Display for KeepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register(source) => {
                write!(f, "the kept thread's task was not registered: {source}")
            }
            Self::Spawn(source) => write!(f, "the kept thread could not be started: {source}"),
        }
    }
}

// The text has the cause in it.
impl std::error::Error for KeepError {}
