//! A journal of events, in their order.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard};

use deadstop::TaskContext;
use log::{LevelFilter, Log, Metadata, Record};

use crate::scenario::sleep_ms;

/// A list that many threads add to.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn note(&self, what: impl Into<String>) {
        self.lock().push(what.into());
    }

    /// A task that notes `what`.
    pub(crate) fn noting(&self, what: &str) -> impl FnOnce(&TaskContext) + use<> {
        let journal = self.clone();
        let what = what.to_owned();
        move |_| journal.note(what)
    }

    /// Asserts that this happened, in this order, and nothing else.
    #[track_caller]
    pub(crate) fn reads(&self, what: impl AsRef<[&'static str]>) {
        assert_eq!(*self.lock(), what.as_ref());
    }

    /// Asserts that this happened, in whatever order, and nothing else.
    #[track_caller]
    pub(crate) fn reads_sorted(&self, what: impl AsRef<[&'static str]>) {
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

    /// Returns `true` if the line comes soon: a log has a thread of its own.
    pub(crate) fn comes_to_have(&self, what: &str) -> bool {
        (0..1000).any(|_| {
            let has = self.has(what);
            if !has {
                sleep_ms(2);
            }
            has
        })
    }

    pub(crate) fn has_one_that_begins(&self, how: &str) -> bool {
        self.lock().iter().any(|noted| noted.starts_with(how))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().expect("no thread panics with the lock")
    }
}

/// Makes a journal of what is logged, as `LEVEL text`.
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

/// The `Debug` text, for comparing what has no `PartialEq`.
pub(crate) fn debug(of: &impl Debug) -> String {
    format!("{of:?}")
}
