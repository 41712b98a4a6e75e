//! The thread `deadstop-notify`: sends what the plan decides. Allocates and locks nothing.

use std::env;
use std::time::Duration;

use deadstop_core::kill_path::Watchdog;
use deadstop_core::roster::Roster;
use deadstop_core::{EventCount, Nanos, now, number, pid};

use super::plan::{Next, Plan};
use super::predecessor::has_predecessor;
use super::situation::{Situation, Stop};
use super::socket::Socket;
use super::state::Notify;

/// Bytes of the thread's stack.
pub(crate) const STACK: usize = 128 * 1024;

/// The sources that the thread reads.
#[derive(Clone, Copy)]
pub(crate) struct Sources {
    pub(crate) watchdog: &'static Watchdog,
    /// Advanced by each change.
    pub(crate) changes: &'static EventCount,
    pub(crate) roster: &'static Roster,
    pub(crate) notify: &'static Notify,
    /// Returns `true` once the shutdown has begun.
    pub(crate) is_requested: fn() -> bool,
    /// Returns the time of the hang report, for the begin and the deadline of a shutdown.
    pub(crate) report_due: fn(Nanos, Nanos) -> Nanos,
}

/// The thread's state.
pub(crate) struct Driver {
    sources: Sources,
    socket: Socket,
    plan: Plan,
}

impl Driver {
    pub(crate) fn new(sources: Sources, socket: Socket) -> Self {
        Self {
            sources,
            socket,
            plan: Plan::new(watchdog_interval()),
        }
    }

    /// Runs the thread `deadstop-notify`.
    pub(crate) fn run(mut self) -> ! {
        loop {
            // Before the look: what changes after it cuts the wait short.
            let seen = self.sources.changes.read();
            let now = now();
            let situation = self.situation(now);
            match self.plan.next(&situation, now) {
                Next::Send(message) => {
                    let deadline = situation.stop.map_or(Nanos::LAST, |stop| stop.deadline);
                    let datagram = message.render(self.sources.roster, now, deadline);
                    let is_sent = self.socket.send(datagram.as_bytes());
                    self.plan.record(message, &situation, is_sent, now);
                }
                Next::Wait(until) => self.sources.changes.wait_past(seen, until),
            }
        }
    }

    fn situation(&self, now: Nanos) -> Situation {
        let Sources {
            watchdog, notify, ..
        } = self.sources;
        // Read before the successor: a stop that follows a hand-over is not announced.
        let stop = (self.sources.is_requested)().then(|| self.stop(watchdog, now));
        Situation {
            is_ready: notify.is_ready(),
            reloads: notify.reloads(),
            stop,
            heartbeats: notify.seen_heartbeats(now),
            has_predecessor: has_predecessor(),
            successor: notify.successor(),
        }
    }

    fn stop(&self, watchdog: &Watchdog, now: Nanos) -> Stop {
        let begun = watchdog.deadline().begun().unwrap_or(now);
        match watchdog.deadline().exit_at() {
            Some(deadline) => Stop {
                deadline,
                report_due: (self.sources.report_due)(begun, deadline),
            },
            None => Stop {
                deadline: Nanos::LAST,
                report_due: Nanos::LAST,
            },
        }
    }
}

/// The interval of the manager's watchdog, if it watches this process.
fn watchdog_interval() -> Option<Duration> {
    let number = |name| number::parse(&env::var(name).ok()?, 10);
    let is_ours = match env::var_os("WATCHDOG_PID") {
        Some(_) => number("WATCHDOG_PID") == u64::try_from(pid()).ok(),
        None => true,
    };
    let micros = number("WATCHDOG_USEC").filter(|micros| *micros > 0 && is_ours)?;
    Some(Duration::from_micros(micros))
}
