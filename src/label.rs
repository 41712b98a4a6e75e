//! Labels: texts by which the application names the work of a thread.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::process::ROSTER;

/// Labels the work of the calling thread until the guard is dropped, for example `GET /report`.
/// Reports show the label beside the thread.
///
/// If a thread has several labels, reports show the latest. A process can have 256 labels at a
/// time, of 64 bytes each; reports do not show further ones. A call takes some 50 ns, and
/// allocates and locks nothing.
///
/// For a future, see [`labeled`]: a guard across an `await` would label the thread, which
/// meanwhile polls other futures.
///
/// # Examples
///
/// ```
/// fn handle(path: &str) {
///     let _label = deadstop::label(path);
///     // ... work that may hang ...
/// }
/// handle("GET /report");
/// ```
pub fn label(text: impl AsRef<str>) -> Label {
    Label {
        place: ROSTER.labels.add(deadstop_core::tid(), text.as_ref()),
        of_thread: PhantomData,
    }
}

/// A label of a thread. It lasts until this guard is dropped. Made by [`label`].
#[must_use = "the label lasts until the guard is dropped"]
pub struct Label {
    place: Option<usize>,
    /// Keeps the label on the thread that made it.
    of_thread: PhantomData<*const ()>,
}

impl Drop for Label {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            ROSTER.labels.remove(place);
        }
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Label").finish_non_exhaustive()
    }
}

/// Gives each thread a [`label`] while it polls `future`.
///
/// Reports then show the label for a runtime's worker that the future blocks.
///
/// # Examples
///
/// ```
/// # use futures::executor::block_on;
/// let answer = deadstop::label::labeled("GET /report", async { 42 });
/// assert_eq!(block_on(answer), 42);
/// ```
pub fn labeled<F: Future>(text: impl Into<String>, future: F) -> Labeled<F> {
    Labeled {
        text: text.into(),
        future: Box::pin(future),
    }
}

/// A future with a label. Made by [`labeled`].
#[must_use = "a future does nothing unless it is polled"]
pub struct Labeled<F> {
    text: String,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Labeled<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _label = label(&self.text);
        self.future.as_mut().poll(context)
    }
}

impl<F> fmt::Debug for Labeled<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Labeled").field(&self.text).finish()
    }
}
