//! Starts the symbolizer, on `deadstop-run`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use log::Level;

use super::preload::preload_at;
use super::shared::{Shared, Unstarted};
use super::thread::SymbolizerThread;
use crate::reporting::event::Event;
use crate::reporting::log::Log;
use crate::reporting::stacks::capture::memory_limit::{self, Need};
use crate::threads;
use deadstop_core::Nanos;

/// Names are found by code that is not ours, which takes much in a debug build.
const STACK: usize = 2 * 1024 * 1024;

/// The reason that a margin of `memory_limit` is not left.
const TOO_LITTLE: &str = "a limit leaves too little memory: less than 128 MB of RLIMIT_AS or \
                          RLIMIT_DATA, or 8 MB of a cgroup";

/// Starts the thread when names may be needed.
pub(crate) struct SymbolizerStart(Arc<Shared>);

impl SymbolizerStart {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Returns the time at which the thread must start: `None` if it was started, or if
    /// there is no report to come. A report about an abandoned task may follow `half_time`.
    pub(crate) fn due(&self, half_time: Option<Nanos>) -> Option<Nanos> {
        if self.0.unstarted.lock().is_none() {
            return None;
        }
        if self.0.is_requested.load(Ordering::Acquire) {
            return Some(Nanos(0));
        }
        let at = preload_at()?;
        Some(half_time.map_or(at, |half_time| half_time.min(at)))
    }

    /// Starts the thread, once. Where the system refuses it, reports have no names.
    pub(crate) fn start(&self, log: &Log) {
        let Some(Unstarted { modules, unwinder }) = self.0.unstarted.lock().take() else {
            return;
        };
        let thread = SymbolizerThread::new(Arc::clone(&self.0), unwinder, modules);
        let started = match memory_limit::leaves(Need::MARGIN) {
            true => threads::spawn_of("deadstop-symbols", STACK, move || thread.run())
                .map_err(|error| error.to_string()),
            false => Err(TOO_LITTLE.to_owned()),
        };
        if let Err(why) = started {
            self.0.refuse();
            log.event(Event::Message {
                level: Level::Warn,
                text: format!("hang reports have no names of functions: {why}"),
            });
        }
    }
}
