//! The panic hooks that still run, for which the end of the shutdown waits.
//!
//! A hook prints the message and the stack, or sends them to an error tracker. Where the tasks
//! are done sooner, the end of the process would cut it off.
//!
//! # Orderings
//!
//! A hook is counted before its panic is noted as the cause. The coordinator reads the count
//! after it has read the cause, which `FIRST` publishes. `running` publishes what the hook did
//! (Release/Acquire): the process ends after it.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::process::PerProcess;
use deadstop_core::{EventCount, Nanos};

/// The hooks of this process: a child of `fork` has none of its parent's threads.
static HOOKS: PerProcess<Hooks> = PerProcess::nothing();

thread_local! {
    // Where the calling thread's hook was counted. It has no destructor: a hook may call
    // `exit`, which destroys thread-locals before it calls exit handlers.
    static COUNTED: Cell<Option<&'static Hooks>> = const { Cell::new(None) };
}

struct Hooks {
    running: AtomicU32,
    /// Advances whenever a hook has returned.
    returned: EventCount,
}

/// The calling thread's hook, which runs until this is dropped.
#[derive(Debug)]
pub(super) struct RunningHook(());

impl Drop for RunningHook {
    fn drop(&mut self) {
        count_out_own();
    }
}

fn hooks() -> &'static Hooks {
    HOOKS.get(|| Hooks {
        running: AtomicU32::new(0),
        returned: EventCount::new(),
    })
}

/// Counts the hook that the calling thread runs. `None` if it is counted already.
pub(super) fn begin() -> Option<RunningHook> {
    let hooks = hooks();
    if COUNTED.get().is_some_and(|before| ptr::eq(before, hooks)) {
        return None;
    }
    COUNTED.set(Some(hooks));
    hooks.running.fetch_add(1, Ordering::Relaxed);
    Some(RunningHook(()))
}

/// Counts the calling thread's hook out, if it runs one: it has returned, or waits for the
/// end of the shutdown itself.
pub(crate) fn count_out_own() {
    if let Some(hooks) = COUNTED.take() {
        hooks.running.fetch_sub(1, Ordering::Release);
        hooks.returned.advance();
    }
}

/// Waits until no hook runs, or the clock reads `until`. Returns how many run.
pub(crate) fn wait_for_hooks(until: Nanos) -> u32 {
    let hooks = hooks();
    loop {
        let seen = hooks.returned.read();
        let running = hooks.running.load(Ordering::Acquire);
        if running == 0 || until <= deadstop_core::now() {
            return running;
        }
        hooks.returned.wait_past(seen, Some(until));
    }
}
