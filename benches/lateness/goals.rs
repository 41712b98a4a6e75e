//! The goals for the figures, and a verdict on each.

use std::fmt::Write as _;

use crate::conditions::{self, REPORT};
use crate::output::time;
use crate::plan::Cell;
use crate::sampling::Sample;
use crate::statistics::Summary;
use crate::victims::{
    AT_DEADLINE, BACKUP_TIMER_ALONE, C_TIMER, C_WATCHDOG, DEADSTOP, DEADSTOP_COORDINATED,
    DEADSTOP_ROOT, DEADSTOP_SMALL, MEMORY, NO_REPORT, NO_REPORT_BESIDE_OTHERS, NO_REPORT_ON_A_DISK,
    REPORTS, SLEEP, TIMER_HERE, WATCHDOG_HERE,
};

const MILLISECOND: i64 = 1_000_000;

/// The goals, each with its figure. Goals without one are listed if `lists_unmeasured`.
pub(crate) fn judge(cells: &[Cell], lists_unmeasured: bool) -> String {
    let figures = Figures(cells);
    let mut goals = Goals::new(lists_unmeasured);
    judge_idle(&figures, &mut goals);
    judge_load(&figures, &mut goals);
    judge_status(&figures, &mut goals);
    judge_backup_timer(&figures, &mut goals);
    judge_reports(&figures, &mut goals);
    judge_early_exits(&figures, &mut goals);
    goals.table
}

fn judge_idle(figures: &Figures<'_>, goals: &mut Goals) {
    for row in [DEADSTOP, DEADSTOP_ROOT, DEADSTOP_SMALL] {
        let inside = figures.recorded(row, "idle").map(|inside| inside.p99);
        goals.add(
            format!("{row}: idle, in-process p99 at most 0.2 ms"),
            inside.map(|p99| (p99 <= MILLISECOND / 5, time(p99))),
        );
        let beside_c = (row != DEADSTOP_ROOT).then_some((C_WATCHDOG, 1.25));
        let beside_this = (row != DEADSTOP_SMALL).then_some((WATCHDOG_HERE, 1.1));
        for (bare, most) in beside_c.into_iter().chain(beside_this) {
            let ratio = figures.ratio(row, bare, "idle");
            goals.add(
                format!("{row}: idle, median at most {most} times that of \"{bare}\""),
                ratio.map(|ratio| (ratio <= most, format!("{ratio:.2}"))),
            );
        }
    }
}

fn judge_load(figures: &Figures<'_>, goals: &mut Goals) {
    for condition in [&conditions::SPINNERS_64, &conditions::FOREIGN_64] {
        let load = condition.name;
        let ours = figures.recorded(DEADSTOP, load);
        goals.add(
            format!("deadstop: {load}, in-process p99 at most 10 ms"),
            ours.map(|ours| {
                let text = format!("{} of {} samples", time(ours.p99), ours.count);
                (ours.p99 <= 10 * MILLISECOND, text)
            }),
        );
        let plain = figures.inside(SLEEP, load);
        goals.add(
            format!("deadstop: {load}, in-process p99 at most a tenth of thread::sleep's"),
            ours.zip(plain).map(|(ours, plain)| {
                let text = format!("{} of {}", time(ours.p99), time(plain.p99));
                (ours.p99.saturating_mul(10) <= plain.p99, text)
            }),
        );
    }
}

fn judge_status(figures: &Figures<'_>, goals: &mut Goals) {
    for row in [DEADSTOP, DEADSTOP_ROOT, DEADSTOP_COORDINATED] {
        let (kept, all) = figures.kept_status(row);
        goals.add(
            format!("{row}: all conditions, status kept in 99 of 100"),
            (all > 0).then(|| (100 * kept >= 99 * all, format!("{kept} of {all}"))),
        );
    }
}

fn judge_backup_timer(figures: &Figures<'_>, goals: &mut Goals) {
    for timer in [C_TIMER, TIMER_HERE] {
        let ratio = figures.ratio(BACKUP_TIMER_ALONE, timer, "idle");
        goals.add(
            format!("{BACKUP_TIMER_ALONE}: idle, median at most 1.2 times that of \"{timer}\""),
            ratio.map(|ratio| (ratio <= 1.2, format!("{ratio:.2}"))),
        );
    }
}

fn judge_reports(figures: &Figures<'_>, goals: &mut Goals) {
    let controls = [NO_REPORT, NO_REPORT_BESIDE_OTHERS, NO_REPORT_ON_A_DISK];
    for row in REPORTS.iter().filter(|row| !controls.contains(&row.name)) {
        let ratio = figures.ratio(row.name, row.control, REPORT.name);
        goals.add(
            format!(
                "{}: median within 10 % of that of \"{}\"",
                row.name, row.control
            ),
            ratio.map(|ratio| ((0.9..=1.1).contains(&ratio), format!("{ratio:.2}"))),
        );
    }
}

fn judge_early_exits(figures: &Figures<'_>, goals: &mut Goals) {
    for row in MEMORY.iter().filter(|row| row.exits_early) {
        for condition in conditions::ALL.iter().filter(|it| it.is_of_memory()) {
            let cell = figures.cell(row.name, condition.name);
            let found = cell.and_then(|cell| Punctuality::of(figures.0, cell));
            goals.add(
                format!(
                    "{}: {}, 99 of 100 ends seen within {:.0} % of the teardown before or after the deadline",
                    row.name, condition.name, WITHIN
                ),
                found.map(|found| {
                    (found.is_met(), format!("{} of {}", found.near, found.count))
                }),
            );
        }
    }
}

/// The allowed distance between the deadline and the end of a process that exits early, in
/// percent of the teardown.
const WITHIN: f64 = 30.0;

/// The figures of a row that exits early.
pub(crate) struct Punctuality {
    pub(crate) count: usize,
    /// Samples that ended near enough to the deadline, before or after it.
    pub(crate) near: usize,
    /// Samples that ended by the deadline.
    pub(crate) in_time: usize,
    /// The earliest end before the deadline, in percent of the teardown.
    pub(crate) earliest: f64,
}

impl Punctuality {
    /// `None` for a row that does not exit early, and without a row to compare it with.
    pub(crate) fn of(cells: &[Cell], cell: &Cell) -> Option<Self> {
        let teardown = Figures(cells).late(AT_DEADLINE, cell.condition.name)?;
        let late = Summary::of(cell.counted().map(Sample::lateness));
        let late = late.filter(|_| cell.row.exits_early)?;
        let in_time = cell.counted().filter(|sample| sample.lateness() <= 0);
        let is_near = |sample: &&Sample| {
            let part = 100.0 * sample.lateness() as f64 / teardown.median as f64;
            part.abs() <= WITHIN
        };
        let near = cell.counted().filter(is_near).count();
        Some(Self {
            near,
            count: late.count,
            in_time: in_time.count(),
            earliest: -100.0 * late.min as f64 / teardown.median as f64,
        })
    }

    fn is_met(&self) -> bool {
        100 * self.near >= 99 * self.count
    }
}

/// The distance from the least to the 99th of 100, in percent of the median. A lead that has 99
/// of 100 samples in time is too early by that for the least.
pub(crate) fn spread(teardown: &Summary) -> f64 {
    100.0 * (teardown.p99 - teardown.min) as f64 / teardown.median as f64
}

struct Goals {
    table: String,
    lists_unmeasured: bool,
}

impl Goals {
    fn new(lists_unmeasured: bool) -> Self {
        Self {
            table: "| goal | measured | |\n| --- | ---: | --- |\n".into(),
            lists_unmeasured,
        }
    }

    fn add(&mut self, goal: String, found: Option<(bool, String)>) {
        let (verdict, measured) = match found {
            Some((true, measured)) => ("met", measured),
            Some((false, measured)) => ("**not met**", measured),
            None if !self.lists_unmeasured => return,
            None => ("not measured", "-".into()),
        };
        writeln!(self.table, "| {goal} | {measured} | {verdict} |").unwrap();
    }
}

/// The cells, by name.
struct Figures<'a>(&'a [Cell]);

impl Figures<'_> {
    fn cells(&self, row: &str) -> impl Iterator<Item = &Cell> {
        self.0.iter().filter(move |cell| cell.row.name == row)
    }

    fn cell(&self, row: &str, condition: &str) -> Option<&Cell> {
        self.cells(row)
            .find(|cell| cell.condition.name == condition)
    }

    fn late(&self, row: &str, condition: &str) -> Option<Summary> {
        let cell = self.cell(row, condition)?;
        Summary::of(cell.counted().map(Sample::lateness))
    }

    fn recorded(&self, row: &str, condition: &str) -> Option<Summary> {
        let cell = self.cell(row, condition)?;
        Summary::of(cell.counted().filter_map(|sample| sample.recorded))
    }

    /// Figures of the victims' own readings.
    fn inside(&self, row: &str, condition: &str) -> Option<Summary> {
        let cell = self.cell(row, condition)?;
        Summary::of(cell.counted().filter_map(|sample| sample.inside))
    }

    /// One row's median as a multiple of another's.
    fn ratio(&self, row: &str, other: &str, condition: &str) -> Option<f64> {
        let (row, other) = (self.late(row, condition)?, self.late(other, condition)?);
        Some(row.median as f64 / other.median as f64)
    }

    /// The samples that the watchdog ended, and all samples.
    fn kept_status(&self, row: &str) -> (usize, usize) {
        let samples = || self.cells(row).flat_map(Cell::counted);
        let kept = samples().filter(|sample| sample.kept_status());
        (kept.count(), samples().count())
    }
}
