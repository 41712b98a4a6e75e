//! The state that a kept thread shares with its handle and with its task, which waits for it.

use std::sync::Arc;

use deadstop_core::now;
use deadstop_core::roster::TaskKind;

use crate::contain::Payload;
use crate::drain::latch::Latch;
use crate::drain::task_progress::{next_update, show_thread};
use crate::drain::thread_id;
use crate::lock::Mutex;
use crate::report::{Outcome, Tenths};
use crate::trigger::panic::message;
use crate::{Cause, TaskContext, TaskHandle};

/// The state of a kept thread.
#[derive(Default)]
pub(super) struct State {
    /// While it runs.
    tid: Mutex<Option<i32>>,
    progress: Mutex<String>,
    /// The reason why it failed, if it has.
    failure: Mutex<Option<String>>,
    ended: Latch,
}

impl State {
    /// Records that the calling thread is the kept one.
    pub(super) fn began(&self) {
        *self.tid.lock() = Some(thread_id::current());
    }

    pub(super) fn set_progress(&self, text: &str) {
        text.clone_into(&mut self.progress.lock());
    }

    /// Records why the thread has failed, if it has.
    pub(super) fn note_failure(&self, ended: &Result<Outcome, Payload>) {
        *self.failure.lock() = match ended {
            Ok(Outcome::Failed(why)) => Some(why.clone()),
            Ok(_) => None,
            Err(payload) => {
                let text = message(payload.value());
                Some(format!("the thread panicked: {text}"))
            }
        };
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_set()
    }

    /// Waits for the thread, also beyond the task's time, so that reports name it: of a task
    /// that has returned they say nothing.
    pub(super) fn wait_for_end(&self, cx: &TaskContext) -> Result<(), String> {
        cx.note_kind(TaskKind::Thread);
        let begun = now();
        loop {
            show_thread(cx, *self.tid.lock());
            if self.ended.wait(next_update(cx)) {
                show_thread(cx, None);
                return self.failure.lock().clone().map_or(Ok(()), Err);
            }
            let length = Tenths(now().since(begun));
            let why = match cx.cause() {
                Cause::Finished => "the work is done, and this keeps the process",
                _ => "still runs",
            };
            let text = format!("{why} for {length}");
            let progress = self.progress.lock().clone();
            match progress.is_empty() {
                true => cx.progress(&text),
                false => cx.progress(&format!("{text}, says {progress:?}")),
            }
        }
    }
}

/// Ends the task of a kept thread with the thread.
pub(super) struct EndOnDrop {
    state: Arc<State>,
    task: TaskHandle,
}

impl EndOnDrop {
    pub(super) fn new(state: Arc<State>, task: TaskHandle) -> Self {
        Self { state, task }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        *self.state.tid.lock() = None;
        let has_failed = self.state.failure.lock().is_some();
        self.state.ended.set();
        if !has_failed {
            // False during the shutdown, when the task waits for the end itself.
            self.task.cancel();
        }
    }
}
