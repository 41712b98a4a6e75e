//! Which wakers of a shutdown were called, and which of them have not returned: without threads,
//! locks and clock.

use std::collections::VecDeque;
use std::sync::Arc;

use super::entry::Entry;

/// The calls of a shutdown's wakers.
pub(super) struct Calls {
    /// The wakers that were not called.
    left: VecDeque<Arc<Entry>>,
    /// The wakers that have not returned.
    running: Vec<Running>,
}

struct Running {
    waker: Arc<Entry>,
    is_reported: bool,
}

impl Calls {
    pub(super) fn of(wakers: VecDeque<Arc<Entry>>) -> Self {
        Self {
            left: wakers,
            running: Vec::new(),
        }
    }

    /// Takes the next waker: the calling thread runs it now.
    pub(super) fn begin(&mut self) -> Option<Arc<Entry>> {
        let waker = self.left.pop_front()?;
        self.running.push(Running {
            waker: Arc::clone(&waker),
            is_reported: false,
        });
        Some(waker)
    }

    /// Notes that a waker has returned.
    pub(super) fn end(&mut self, waker: &Arc<Entry>) {
        self.running
            .retain(|running| !Arc::ptr_eq(&running.waker, waker));
    }

    /// Returns `true` if a waker was not called.
    pub(super) fn has_left(&self) -> bool {
        !self.left.is_empty()
    }

    /// Returns `true` if every waker has returned.
    pub(super) fn is_done(&self) -> bool {
        self.left.is_empty() && self.running.is_empty()
    }

    /// Returns the names of the wakers that run, each once.
    pub(super) fn take_unreported(&mut self) -> Vec<String> {
        let unreported = self.running.iter_mut().filter(|it| !it.is_reported);
        let names = unreported.map(|running| {
            running.is_reported = true;
            running.waker.name.clone()
        });
        names.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(names: &[&str]) -> Calls {
        let entry = |name: &&str| Arc::new(Entry::new((*name).to_owned(), Box::new(|| ())));
        Calls::of(names.iter().map(entry).collect())
    }

    #[test]
    fn wakers_are_called_in_order_and_done_once_all_have_returned() {
        let mut calls = calls(&["one", "two"]);
        let one = calls.begin().expect("one is left");
        let two = calls.begin().expect("two is left");
        assert_eq!((&*one.name, &*two.name), ("one", "two"));
        assert!(calls.begin().is_none());
        assert!(!calls.has_left());
        calls.end(&one);
        assert!(!calls.is_done(), "two was taken and has not returned");
        calls.end(&two);
        assert!(calls.is_done());
    }

    #[test]
    fn each_waker_that_hangs_is_reported_once() {
        let mut calls = calls(&["hangs", "hangs too"]);
        calls.begin();
        assert_eq!(calls.take_unreported(), ["hangs"]);
        calls.begin();
        assert_eq!(calls.take_unreported(), ["hangs too"]);
        assert!(calls.take_unreported().is_empty());
    }
}
