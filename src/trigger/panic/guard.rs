//! The guard of a panic hook.

use std::marker::PhantomData;

#[cfg(feature = "shutdown")]
use super::running::{self, RunningHook};
#[cfg(feature = "shutdown")]
use crate::current_task;

/// Makes the end of the shutdown wait for the panic hook that has it. Made by
/// [`arm_from_panic_hook`](crate::arm_from_panic_hook), which has an example. Dropping it ends
/// the wait.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
#[derive(Debug)]
#[must_use = "the end of the shutdown waits for the hook only as long as the guard exists"]
#[non_exhaustive]
pub struct PanicHookGuard {
    /// `None` on a thread that runs a task, and within the life of the thread's first guard.
    #[cfg(feature = "shutdown")]
    _running: Option<RunningHook>,
    /// The hook runs on the thread that panics: the guard stays there, with any features.
    _is_of_this_thread: PhantomData<*const ()>,
}

#[cfg(not(feature = "shutdown"))]
impl PanicHookGuard {
    /// Returns a guard that no end waits for: there is the watchdog alone.
    pub(super) fn of_watchdog() -> Self {
        Self {
            _is_of_this_thread: PhantomData,
        }
    }
}

#[cfg(feature = "shutdown")]
impl PanicHookGuard {
    /// Counts the hook that the calling thread runs. A task's is not counted: the coordinator
    /// waits for the task, within its budget.
    pub(super) fn of_this_thread() -> Self {
        Self {
            _running: match current_task::is_task() {
                true => None,
                false => running::begin(),
            },
            _is_of_this_thread: PhantomData,
        }
    }

    /// Returns a guard that no end waits for.
    pub(super) fn uncounted() -> Self {
        Self {
            _running: None,
            _is_of_this_thread: PhantomData,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PanicHookGuard;

    /// Ambiguous for a type that is `Send`.
    trait IsNotSend<A> {
        fn is_not_send() {}
    }
    impl<T> IsNotSend<()> for T {}
    impl<T: Send> IsNotSend<u8> for T {}

    #[test]
    fn guard_stays_on_its_thread() {
        // Does not compile otherwise.
        <PanicHookGuard as IsNotSend<_>>::is_not_send();
    }
}
