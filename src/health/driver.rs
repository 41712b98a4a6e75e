//! The thread `deadstop-health`: rounds of the watch. Allocates and locks nothing.

use deadstop_core::roster::{Entry, SlotRef};
use deadstop_core::{MAX_STALLS, Nanos, now};

use super::beat::{Beat, RECOVERED, STALLED};
use super::beats::MAX_HEARTBEATS;
use super::heartbeat_policy::OnStall;
use super::state::State;
use super::watch::{Finding, Watch};
use crate::notify::Seen;
use crate::process::{NOTIFY, ROSTER, TRIGGERED};

/// Bytes of the thread's stack.
pub(super) const STACK: usize = 128 * 1024;

/// A heartbeat's stall in the roster.
#[derive(Clone, Copy)]
enum Listed {
    /// No stall is listed.
    No,
    /// The roster is full, and only counts the stall.
    Counted,
    At(SlotRef),
}

pub(super) struct Driver {
    state: &'static State,
    watch: Watch<MAX_HEARTBEATS>,
    listed: [Listed; MAX_HEARTBEATS],
}

impl Driver {
    pub(super) fn new(state: &'static State) -> Self {
        Self {
            state,
            watch: Watch::new(now()),
            listed: [Listed::No; MAX_HEARTBEATS],
        }
    }

    /// Runs the thread `deadstop-health`.
    pub(super) fn run(mut self) -> ! {
        // The count before the first wake-up.
        let mut seen = 0;
        loop {
            // Before the round: a change after it cuts the wait short.
            let count = self.state.changes.read();
            let now = now();
            if seen != count || self.watch.due().is_some_and(|due| due <= now) {
                seen = count;
                self.state.begin_round();
                self.round(now);
                self.state.end_round(self.watch.due());
            }
            self.state.changes.wait_past(count, self.watch.due());
        }
    }

    fn round(&mut self, now: Nanos) {
        self.watch.begin(now);
        let mut found = false;
        let mut seen = Seen::Nothing;
        let state = self.state;
        for (index, beat) in state.beats.in_places() {
            let session = beat.session();
            let sight = beat.take_sight();
            let is_open = sight.is_some();
            let finding = self.watch.see(index, sight);
            if let Some(last) = self.watch.last(index) {
                beat.set_last(last);
            }
            found |= self.note(index, beat, finding);
            self.list_counted(index, beat);
            if !is_open {
                beat.settle(session);
            }
            seen = match seen {
                Seen::Late => Seen::Late,
                _ if is_open && !beat.is_alive() => Seen::Late,
                _ if is_open => Seen::InTime,
                seen => seen,
            };
        }
        self.watch.end();
        if NOTIFY.heartbeats.publish(seen, now) {
            TRIGGERED.advance();
        }
        if found {
            state.findings.advance();
        }
    }

    /// Notes a finding for the answers, the reports, and `deadstop-stalls`.
    fn note(&mut self, index: usize, beat: &Beat, finding: Finding) -> bool {
        let bit = match finding {
            Finding::Nothing => return false,
            Finding::Stalled => {
                let policy = beat.policy();
                // Loops end in a shutdown, and the process ends soon, stalled or not.
                let counts = policy != OnStall::Report && !self.state.shutdown.is_requested();
                self.list(index, beat);
                beat.stall(counts);
                STALLED
            }
            Finding::Recovered => {
                self.unlist(index, beat);
                beat.recover();
                RECOVERED
            }
        };
        beat.add_findings(bit);
        true
    }

    /// Lists a stall in the roster, with the thread that ticked last.
    fn list(&mut self, index: usize, beat: &Beat) {
        self.unlist(index, beat);
        let slot = ROSTER.stalls.add(&Entry {
            name: beat.name(),
            phase: beat.policy().word(),
            file: "",
            line: 0,
            started: beat.last(),
            budget: beat.limit().unwrap_or_default(),
        });
        self.listed[index] = match slot {
            Some(slot) => {
                slot.set_thread(beat.thread());
                beat.set_listed(slot.key());
                Listed::At(slot)
            }
            None => Listed::Counted,
        };
    }

    /// Lists a stall for which there was no place, if there is one now.
    fn list_counted(&mut self, index: usize, beat: &Beat) {
        let has_place = || ROSTER.stalls.threads().count() < MAX_STALLS;
        if matches!(self.listed[index], Listed::Counted) && has_place() {
            self.list(index, beat);
        }
    }

    fn unlist(&mut self, index: usize, beat: &Beat) {
        beat.set_listed(0);
        match std::mem::replace(&mut self.listed[index], Listed::No) {
            Listed::No => {}
            Listed::Counted => ROSTER.stalls.remove(None),
            Listed::At(slot) => ROSTER.stalls.remove(Some(slot)),
        }
    }
}
