//! What is measured, how often, and in which order: round by round, every cell
//! of both tables in turn, so that whatever else the machine does falls on all
//! of them alike.

use std::time::{Duration, Instant};

use crate::conditions::{self, Condition};
use crate::sampling::{Means, Sample};
use crate::victims::{BEGINNINGS, DEADSTOP, DEADSTOP_ROOT, ENDS, Row, SLEEP, WATCHDOG_HERE, Whose};

/// A row under a condition.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) row: &'static Row,
    pub(crate) condition: &'static Condition,
    wanted: usize,
    pub(crate) samples: Vec<Sample>,
}

/// Two that never end are believed.
const NEVER: usize = 2;

impl Cell {
    pub(crate) fn counted(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(|sample| sample.counts)
    }

    /// Samples of it that never ended.
    pub(crate) fn never(&self) -> usize {
        let never = self.samples.iter().filter(|sample| sample.late.is_none());
        never.count()
    }

    /// It is in the table of beginnings.
    pub(crate) fn is_beginning(&self) -> bool {
        self.row.signal.is_some()
    }

    fn is_done(&self) -> bool {
        self.never() >= NEVER.min(self.wanted) || self.counted().count() >= self.wanted
    }

    /// Whether its turn is in this round, of the rounds that the plan has. Those
    /// of which fewer are wanted are spread over all rounds.
    fn is_due(&self, round: usize, rounds: usize) -> bool {
        let by = |round: usize| round * self.wanted / rounds;
        round >= rounds || by(round + 1) > by(round)
    }
}

/// All cells. Those that the goals speak of get `samples`, the others a quarter
/// of it.
pub(crate) fn all(samples: usize, is_bare: bool, is_root: bool, only: &str) -> Vec<Cell> {
    let mut cells = Vec::new();
    for condition in conditions::ALL {
        for row in &ENDS {
            let is_possible = (is_bare || row.whose != Whose::C)
                && (is_root || !row.needs_root)
                && (!row.is_stopped || *condition == conditions::IDLE);
            if is_possible {
                cells.push((row, condition));
            }
        }
    }
    for condition in [&conditions::IDLE, &conditions::SPINNERS_64] {
        cells.extend(BEGINNINGS.iter().map(|row| (row, condition)));
    }
    cells.retain(|(row, condition)| format!("{}, {}", row.name, condition.name).contains(only));
    let cell = |(row, condition)| Cell {
        row,
        condition,
        wanted: match is_of_a_goal(row, condition) {
            true => samples,
            false => samples.div_ceil(4),
        },
        samples: Vec::new(),
    };
    cells.into_iter().map(cell).collect()
}

fn is_of_a_goal(row: &Row, condition: &Condition) -> bool {
    let is_watchdog = [DEADSTOP, DEADSTOP_ROOT, WATCHDOG_HERE].contains(&row.name);
    match condition.name {
        "idle" => is_watchdog || row.whose == Whose::C || row.is_stopped || row.signal.is_some(),
        "64 spinners" => is_watchdog || row.name == SLEEP,
        _ => false,
    }
}

/// One sample of each cell of a smoke run: everybody idle and with blocked
/// workers, and under load those that are ours.
pub(crate) fn smoke(is_bare: bool, is_root: bool) -> Vec<Cell> {
    let mut cells = all(1, is_bare, is_root, "");
    cells.retain(|cell| {
        let light = [&conditions::IDLE, &conditions::BLOCKED];
        light.contains(&cell.condition) || cell.row.whose == Whose::Deadstop
    });
    cells
}

/// Takes samples until every cell has as many as are wanted, or the time is up.
pub(crate) fn run(cells: &mut [Cell], means: &Means, time: Duration) {
    let rounds = cells.iter().map(|cell| cell.wanted).max().unwrap_or(0);
    let until = Instant::now() + time;
    let count = cells.len();
    for round in 0.. {
        // Not always after the same neighbour's load.
        let first = round * 7 % count.max(1);
        for place in 0..count {
            if Instant::now() > until {
                return;
            }
            let cell = &mut cells[(first + place) % count];
            if !cell.is_done() && cell.is_due(round, rounds) {
                let sample = means.sample(cell.row, cell.condition, round);
                cell.samples.push(sample);
            }
        }
        if cells.iter().all(Cell::is_done) {
            return;
        }
    }
}
