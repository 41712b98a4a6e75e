//! The plan of measurements. In each round every cell of all tables has a turn, so other load
//! on the machine falls on all of them alike.

use std::time::{Duration, Instant};

use crate::available_memory;
use crate::conditions::{self, Condition, Memory};
use crate::sampling::{Means, Sample};
use crate::victims::{
    BEGINNINGS, DEADSTOP, DEADSTOP_ROOT, DEADSTOP_SMALL, ENDS, MEMORY, Needs, Programs, REPORTS,
    Row, SLEEP, Table, WATCHDOG_HERE, Whose,
};

/// A row under a condition.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) row: &'static Row,
    pub(crate) condition: &'static Condition,
    wanted: usize,
    pub(crate) samples: Vec<Sample>,
    /// The number of samples skipped because there was not enough memory.
    pub(crate) skipped: usize,
}

/// The means that this machine has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Possible<'a> {
    pub(crate) programs: &'a Programs,
    pub(crate) root: bool,
    /// A file system of the victim's own.
    pub(crate) disk: bool,
}

/// A cell is given up after two samples that never ended.
const NEVER: usize = 2;

impl Cell {
    pub(crate) fn counted(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(|sample| sample.counts)
    }

    /// The number of samples that never ended.
    pub(crate) fn never(&self) -> usize {
        let never = self.samples.iter().filter(|sample| sample.late.is_none());
        never.count()
    }

    fn is_done(&self) -> bool {
        self.never() >= NEVER.min(self.wanted)
            || self.counted().count() >= self.wanted
            || self.skipped >= self.wanted
    }

    /// Returns `true` if the cell gets a sample in this round of `rounds`. A cell that needs
    /// fewer samples than there are rounds gets them spread over all rounds, the first included.
    fn is_due(&self, round: usize, rounds: usize) -> bool {
        let by = |round: usize| (round * self.wanted).div_ceil(rounds);
        round >= rounds || by(round + 1) > by(round)
    }
}

/// All cells. Those that a goal speaks of get `samples`, the others a quarter of it, and those
/// with much memory fewer.
pub(crate) fn all(samples: usize, possible: Possible<'_>, only: &str) -> Vec<Cell> {
    let mut cells = Vec::new();
    for condition in conditions::ALL {
        let rows = match condition {
            condition if condition.is_of_ends() => &ENDS[..],
            condition if condition.is_of_memory() => &MEMORY,
            _ => &REPORTS,
        };
        cells.extend(
            rows.iter()
                .filter(|row| possible.has(row))
                .filter(|row| !row.is_idle_only() || *condition == conditions::IDLE)
                .map(|row| (row, condition)),
        );
    }
    for condition in [&conditions::IDLE, &conditions::SPINNERS_64] {
        cells.extend(BEGINNINGS.iter().map(|row| (row, condition)));
    }
    cells.retain(|(row, condition)| {
        let name = format!("{}, {}", row.name, condition.name);
        only.split('|').any(|part| name.contains(part))
    });
    let cell = |(row, condition)| Cell {
        row,
        condition,
        wanted: samples.div_ceil(share(row, condition)),
        samples: Vec::new(),
        skipped: 0,
    };
    cells.into_iter().map(cell).collect()
}

/// Returns the divisor of a cell's number of samples.
fn share(row: &Row, condition: &Condition) -> usize {
    const GIB: u64 = 1 << 30;
    match condition.memory {
        // Touching so much memory takes seconds. No goal speaks of huge pages.
        Memory::Small(bytes) if bytes > 8 * GIB => 20,
        Memory::Small(bytes) if bytes > GIB => 5,
        Memory::Huge(_) => 5,
        _ if is_of_a_goal(row, condition) => 1,
        _ => 4,
    }
}

impl Possible<'_> {
    fn has(self, row: &Row) -> bool {
        let is_there = match row.needs {
            Needs::Nothing => true,
            Needs::Root => self.root,
            Needs::Disk => self.disk,
        };
        is_there && row.has_program(self.programs)
    }
}

fn is_of_a_goal(row: &Row, condition: &Condition) -> bool {
    if row.table == Table::Reports || row.table == Table::Memory {
        return true;
    }
    let is_watchdog = [DEADSTOP, DEADSTOP_ROOT, DEADSTOP_SMALL, WATCHDOG_HERE].contains(&row.name);
    match condition.name {
        "idle" => is_watchdog || row.whose == Whose::C || row.is_stopped || row.signal.is_some(),
        "64 spinners" | "64 in another process" => is_watchdog || row.name == SLEEP,
        _ => false,
    }
}

/// One sample of each cell of a smoke run: every program idle and with blocked workers, and
/// deadstop under load, with a report, and with memory that is quick to touch.
pub(crate) fn smoke(possible: Possible<'_>) -> Vec<Cell> {
    let mut cells = all(1, possible, "");
    cells.retain(|cell| {
        let light = [&conditions::IDLE, &conditions::BLOCKED];
        let ours = cell.row.whose == Whose::Deadstop && cell.condition.memory.bytes() < 1 << 30;
        light.contains(&cell.condition) || ours
    });
    cells
}

/// Takes samples until every cell has its number, or the time is over.
pub(crate) fn run(cells: &mut [Cell], means: &Means, time: Duration) {
    let rounds = cells.iter().map(|cell| cell.wanted).max().unwrap_or(0);
    let until = Instant::now() + time;
    let count = cells.len();
    for round in 0.. {
        // A cell does not always follow the same neighbor.
        let first = round * 7 % count.max(1);
        for place in 0..count {
            if Instant::now() > until {
                return;
            }
            let cell = &mut cells[(first + place) % count];
            if cell.is_done() || !cell.is_due(round, rounds) {
                continue;
            }
            if !available_memory::is_there_for(cell.condition.memory) {
                cell.skipped += 1;
                continue;
            }
            let sample = means.sample(cell.row, cell.condition, round);
            cell.samples.push(sample);
        }
        if cells.iter().all(Cell::is_done) {
            return;
        }
    }
}
