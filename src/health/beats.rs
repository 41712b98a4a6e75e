//! The heartbeats of a process, in places that are never freed.
//!
//! # Orderings
//!
//! A place goes to another name only when `settled` is the session in which it was closed
//! (`Release` by the watcher, `Acquire` by the caller) and no finding is left: no thread
//! then decides about the heartbeat that was there.

use std::sync::OnceLock;
use std::time::Duration;

use super::beat::Beat;

/// The maximum number of heartbeats in a process.
pub(super) const MAX_HEARTBEATS: usize = 64;

/// The heartbeats of a process, in places that are never freed: the watcher reads them
/// without a lock.
pub(super) struct Beats([OnceLock<Beat>; MAX_HEARTBEATS]);

impl Beats {
    pub(super) const fn new() -> Self {
        Self([const { OnceLock::new() }; MAX_HEARTBEATS])
    }

    /// Opens a heartbeat in the place of a closed one with the same name, else in a free
    /// place, else in the place of the closed one that is oldest. Callers must not do this at
    /// the same time.
    pub(super) fn open(&self, name: &str, every: Duration, policy: u8) -> Option<&Beat> {
        let reusable = self
            .in_places()
            .map(|(_, beat)| beat)
            .find(|beat| !beat.is_open() && beat.name() == name);
        let free = || self.0.iter().find(|place| place.get().is_none());
        let beat = match reusable {
            Some(beat) => beat,
            None => match free() {
                Some(place) => place.get_or_init(|| Beat::new(name.into())),
                None => self.oldest_settled()?.renamed(name.into()),
            },
        };
        beat.open(every, policy);
        Some(beat)
    }

    /// Returns the closed heartbeat about which no thread decides anything any more.
    fn oldest_settled(&self) -> Option<&Beat> {
        let beats = self.in_places().map(|(_, beat)| beat);
        let settled = beats.filter(|beat| beat.is_settled());
        settled.min_by_key(|beat| beat.last())
    }

    /// Returns `true` if a round of the watcher may give a place back.
    pub(super) fn has_unsettled(&self) -> bool {
        let mut beats = self.in_places().map(|(_, beat)| beat);
        beats.any(|beat| !beat.is_open() && !beat.is_settled())
    }

    /// Returns each heartbeat that exists or existed, with its place.
    pub(super) fn in_places(&self) -> impl Iterator<Item = (usize, &Beat)> {
        let places = self.0.iter().enumerate();
        places.filter_map(|(index, place)| Some((index, place.get()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::beat::STALLED;

    const EVERY: Duration = Duration::from_secs(1);

    #[test]
    fn closed_heartbeat_is_reused_by_its_name_and_begins_anew() {
        let beats = Beats::new();
        let first = beats.open("loop", EVERY, 0).expect("there is a place");
        let session = first.take_sight().expect("it is open").session;
        first.close();
        assert!(first.take_sight().is_none());
        let again = beats.open("loop", EVERY, 0).expect("there is a place");
        assert!(std::ptr::eq(first, again));
        assert_ne!(again.take_sight().expect("it is open").session, session);
    }

    fn full() -> Beats {
        let beats = Beats::new();
        for number in 0..MAX_HEARTBEATS {
            let beat = beats.open(&format!("loop {number}"), EVERY, 0);
            beat.expect("there is a place").close();
        }
        beats
    }

    /// Does what a round of the watcher does.
    fn settle(beats: &Beats) {
        for (_, beat) in beats.in_places() {
            let session = beat.session();
            if beat.take_sight().is_none() {
                beat.settle(session);
            }
        }
    }

    #[test]
    fn place_of_a_closed_heartbeat_goes_to_another_name_after_a_round() {
        let beats = full();
        assert!(beats.open("another", EVERY, 0).is_none());
        assert!(beats.has_unsettled());
        settle(&beats);
        let another = beats.open("another", EVERY, 0).expect("a round is over");
        assert_eq!((another.name(), another.stalls()), ("another", 0));
        assert!(!beats.has_unsettled());
    }

    /// The oldest one has a finding that is not handled.
    #[test]
    fn closed_heartbeat_keeps_its_place_until_its_findings_are_handled() {
        let beats = full();
        settle(&beats);
        for (_, beat) in beats.in_places() {
            beat.add_findings(STALLED);
        }
        assert!(beats.open("another", EVERY, 0).is_none());
        for (_, beat) in beats.in_places() {
            assert_eq!(beat.take_findings(), STALLED);
        }
        assert!(beats.open("another", EVERY, 0).is_none());
        for (_, beat) in beats.in_places() {
            beat.end_handling();
        }
        assert!(beats.open("another", EVERY, 0).is_some());
    }

    #[test]
    fn heartbeats_beyond_the_last_place_are_refused() {
        let beats = Beats::new();
        for _ in 0..MAX_HEARTBEATS {
            assert!(beats.open("loop", EVERY, 0).is_some());
        }
        assert!(beats.open("loop", EVERY, 0).is_none());
    }
}
