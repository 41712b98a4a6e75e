//! A list of events in the order in which they happened.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard};

use deadstop::TaskContext;
use log::{LevelFilter, Log, Metadata, Record};

use crate::scenario::sleep_ms;

/// A list to which many threads add.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn note(&self, what: impl Into<String>) {
        self.lock().push(what.into());
    }

    /// Returns a task that adds `what` to the list.
    pub(crate) fn noting(&self, what: &str) -> impl FnOnce(&TaskContext) + use<> {
        let journal = self.clone();
        let what = what.to_owned();
        move |_| journal.note(what)
    }

    /// Asserts that the list has exactly these events in this order.
    #[track_caller]
    pub(crate) fn assert_equals(&self, what: impl AsRef<[&'static str]>) {
        assert_eq!(*self.lock(), what.as_ref());
    }

    /// Asserts that the list has exactly these events, in any order.
    #[track_caller]
    pub(crate) fn assert_equals_sorted(&self, what: impl AsRef<[&'static str]>) {
        let mut noted = self.lock().clone();
        noted.sort();
        assert_eq!(noted, what.as_ref());
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(crate) fn has(&self, what: &str) -> bool {
        self.lock().iter().any(|noted| noted == what)
    }

    /// Returns `true` if the list has the line within two seconds. The log is written by another
    /// thread.
    pub(crate) fn has_soon(&self, what: &str) -> bool {
        (0..1000).any(|_| {
            let has = self.has(what);
            if !has {
                sleep_ms(2);
            }
            has
        })
    }

    pub(crate) fn has_line_starting_with(&self, prefix: &str) -> bool {
        self.lock().iter().any(|noted| noted.starts_with(prefix))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().expect("the lock is not poisoned")
    }
}

/// Installs a logger, and returns the list of its lines as `LEVEL text`.
pub(crate) fn of_log() -> Journal {
    let journal = Journal::new();
    let log = Box::leak(Box::new(Logger(journal.clone())));
    log::set_logger(log).expect("there is no other logger");
    log::set_max_level(LevelFilter::Info);
    journal
}

struct Logger(Journal);

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        assert_eq!(record.target(), "deadstop");
        self.0.note(format!("{} {}", record.level(), record.args()));
    }

    fn flush(&self) {}
}

/// Returns the `Debug` text, to compare values without `PartialEq`.
pub(crate) fn debug(of: &impl Debug) -> String {
    format!("{of:?}")
}
