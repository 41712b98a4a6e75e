//! Labels: what the application says that a thread is doing.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::process::ROSTER;

/// Says what the calling thread is doing, until the guard is dropped: `GET /report`.
/// Reports show it beside the thread.
///
/// If a thread has several labels, reports show the latest. A process has room for 256 at
/// a time, of 64 bytes each; others are not shown. It takes some 50 ns, and allocates
/// and locks nothing.
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

/// A label of a thread, which lasts until this is dropped. Made by [`label`].
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

/// Makes each thread that polls `future` have a [`label`] meanwhile.
///
/// A runtime's worker that a future blocks is then shown with what it was doing.
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
