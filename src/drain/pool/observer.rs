//! What is notified of a pool's jobs: the metrics, the heartbeat of the pool, and callers that wait
//! for room.

use std::sync::{Arc, OnceLock};

use deadstop_core::Nanos;

use super::job::Work;
use super::machine::{Machine, RunQueue};
#[cfg(feature = "health")]
use super::numbers::Numbers;
use super::room::Room;
use super::scheduler::Observe;
use crate::sys::recent_time::recent;

/// Called under the pool's lock when a job has begun or ended. Its argument says whether others
/// run or wait.
pub(crate) type Pulse = Box<dyn Fn(bool) + Send + Sync>;

/// Notified of a pool's jobs.
pub(super) struct Observer {
    /// The copy of the pool's numbers for the metrics.
    #[cfg(feature = "health")]
    numbers: Arc<Numbers>,
    /// Notified of each job that begins or ends.
    pub(super) pulse: OnceLock<Pulse>,
    pub(super) room: Room,
}

impl Observer {
    pub(super) fn new(_pool: &str) -> Self {
        Self {
            #[cfg(feature = "health")]
            numbers: Numbers::list(_pool),
            pulse: OnceLock::new(),
            room: Room::new(),
        }
    }
}

#[cfg(feature = "health")]
impl Drop for Observer {
    fn drop(&mut self) {
        self.numbers.remove();
    }
}

impl Observe<Work> for Observer {
    fn now(&self) -> Nanos {
        recent()
    }

    fn name(&self, work: &Work) -> Option<Arc<str>> {
        work.name()
    }

    fn begins(&self, _: &RunQueue<Work>) {
        if let Some(pulse) = self.pulse.get() {
            pulse(true);
        }
    }

    fn rests(&self, machine: &Machine<Work>, run_queue: &RunQueue<Work>) {
        if let Some(pulse) = self.pulse.get() {
            pulse(machine.running() > 0 || machine.queued(run_queue) > 0);
        }
    }

    fn has_room(&self, _: &Machine<Work>) {
        self.room.notify_one();
    }

    #[cfg(feature = "health")]
    fn machine(&self, machine: &Machine<Work>) {
        self.numbers.copy_machine(machine);
    }

    #[cfg(feature = "health")]
    fn run_queue(&self, run_queue: &RunQueue<Work>) {
        self.numbers.copy_run_queue(run_queue);
    }
}
