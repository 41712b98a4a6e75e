//! Counts how often each prober was answered "not ready" since the request.

use crate::sys::listener::Peer;

/// Probers that are counted each. A further one takes the place of the one with the fewest
/// answers.
const PROBERS: usize = 8;

pub(super) struct Probers {
    counts: [(Peer, u32); PROBERS],
    /// After how many answers to one prober it is seen; zero is never.
    threshold: u32,
}

impl Probers {
    pub(super) const fn new(threshold: u32) -> Self {
        Self {
            counts: [([0; 16], 0); PROBERS],
            threshold,
        }
    }

    /// Counts an answer. Returns `true` when the prober has got enough of them.
    pub(super) fn answered(&mut self, peer: Peer) -> bool {
        let known = self
            .counts
            .iter()
            .position(|(other, count)| *count > 0 && *other == peer);
        let fewest = || (0..PROBERS).min_by_key(|index| self.counts[*index].1);
        let Some(index) = known.or_else(fewest) else {
            return false;
        };
        let (of, count) = &mut self.counts[index];
        if *of != peer {
            (*of, *count) = (peer, 0);
        }
        *count += 1;
        *count == self.threshold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(n: u8) -> Peer {
        [n; 16]
    }

    #[test]
    fn one_prober_must_get_all_the_answers() {
        let mut probers = Probers::new(3);
        for n in 0..2 {
            assert!(
                !probers.answered(peer(0)) && !probers.answered(peer(1)),
                "{n}"
            );
        }
        assert!(probers.answered(peer(1)));
        assert!(!probers.answered(peer(1)), "once is enough");
        assert!(probers.answered(peer(0)));
    }

    #[test]
    fn many_peers_do_not_hide_a_prober() {
        let mut probers = Probers::new(3);
        probers.answered(peer(0));
        probers.answered(peer(0));
        for other in 1..100 {
            assert!(!probers.answered(peer(other)));
        }
        assert!(probers.answered(peer(0)));
    }

    #[test]
    fn zero_is_never() {
        let mut probers = Probers::new(0);
        assert!((0..100).all(|_| !probers.answered(peer(0))));
    }
}
