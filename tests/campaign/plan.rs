//! The plan of runs. Each is drawn from a seed, so that it can be repeated without those
//! before it.

use std::time::Duration;

use fastrand::Rng;

use crate::bounds;
use crate::faults::Fault;
use crate::load::{LOADS, Load};

/// The number of consecutive runs under one load.
const BLOCK: usize = 75;

/// The range of graces, in milliseconds.
const GRACES: std::ops::RangeInclusive<u64> = 50..=1000;

/// The range of times from installing to arming, in microseconds, in one run of two. In the
/// other there is none.
const TRIGGERS: std::ops::Range<u64> = 0..50_000;

/// The longest delay before the start of a victim, if the graces are drawn. If all have the same
/// grace, the delay is up to that grace: victims that start together would come to their
/// deadline together.
const START: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) struct Plan {
    faults: &'static [Fault],
    seed: u64,
    runs: usize,
    /// The grace of all runs, in place of random ones.
    grace: Option<Duration>,
}

#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) number: usize,
    pub(crate) block: usize,
    pub(crate) fault: &'static Fault,
    pub(crate) load: Load,
    pub(crate) grace: Duration,
    pub(crate) trigger: Duration,
    pub(crate) start: Duration,
}

impl Plan {
    pub(crate) fn new(
        faults: &'static [Fault],
        seed: u64,
        runs: usize,
        grace: Option<Duration>,
    ) -> Self {
        Self {
            faults,
            seed,
            runs,
            grace,
        }
    }

    /// Rounds of all faults, each in a random order.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Run> {
        let mut round = Vec::new();
        let runs = (0..self.runs).map(move |number| {
            if number % self.faults.len() == 0 {
                round = self.faults.iter().collect();
                self.draw("round", number).shuffle(&mut round);
            }
            let mut rng = self.draw("run", number);
            let block = number / BLOCK;
            Run {
                number,
                block,
                fault: round[number % self.faults.len()],
                load: LOADS[block % LOADS.len()],
                grace: {
                    let drawn = Duration::from_millis(rng.u64(GRACES));
                    self.grace.unwrap_or(drawn)
                },
                trigger: match rng.bool() {
                    true => Duration::from_micros(rng.u64(TRIGGERS)),
                    false => Duration::ZERO,
                },
                start: {
                    let longest = self.grace.unwrap_or_default().max(START);
                    Duration::from_micros(rng.u64(..longest.as_micros() as u64))
                },
            }
        });
        runs.filter(|run| bounds::is_tried(run.fault.name, run.load))
    }

    /// The numbers drawn for one purpose do not depend on the others.
    fn draw(&self, purpose: &str, number: usize) -> Rng {
        let purpose = purpose
            .bytes()
            .fold(0, |all, byte| all << 8 | u64::from(byte));
        let one = Rng::with_seed(self.seed).u64(..);
        let other = Rng::with_seed(one ^ purpose).u64(..);
        Rng::with_seed(other ^ number as u64)
    }
}
