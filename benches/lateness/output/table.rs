//! The tables, as Markdown.

use std::fmt::Write as _;

use super::{memory, reports, time};
use crate::conditions;
use crate::plan::Cell;
use crate::sampling::{ALIVE, Sample};
use crate::statistics::Summary;
use crate::victims::{C_WATCHDOG, Table};

pub(crate) fn tables(cells: &[Cell]) -> String {
    let mut text = String::new();
    for condition in conditions::ALL {
        let of = |cell: &&Cell| cell.condition == condition && cell.row.table == Table::Ends;
        let rows: Vec<_> = cells.iter().filter(of).collect();
        if !rows.is_empty() {
            writeln!(
                text,
                "### {}, grace {:?}\n",
                condition.name, condition.grace
            )
            .unwrap();
            ends(&mut text, &rows);
        }
    }
    check_of_records(&mut text, cells);
    for condition in conditions::ALL {
        let of = |cell: &&Cell| cell.condition == condition && cell.row.table == Table::Beginnings;
        let rows: Vec<_> = cells.iter().filter(of).collect();
        if !rows.is_empty() {
            writeln!(text, "### From the signal to armed: {}\n", condition.name).unwrap();
            beginnings(&mut text, &rows);
        }
    }
    reports::table(&mut text, cells);
    memory::table(&mut text, cells);
    text
}

fn ends(text: &mut String, rows: &[&Cell]) {
    text.push_str(
        "| | observed p50 | p99 | max | times that of C: p50 | p99 | in-process p50 | p99 | max \
         | n | status kept | discarded | machine stood still | discarded, status kept | early |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: \
         | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    let measure = rows.iter().find(|cell| cell.row.name == C_WATCHDOG);
    let measure = measure.and_then(|cell| late(cell));
    for cell in rows {
        let (kept, thrown) = counts(cell);
        let late = late(cell);
        let ratio = |part: fn(Summary) -> i64| {
            let (late, of) = (late.map(part), measure.map(part));
            match late.filter(|&late| late != ALIVE).zip(of) {
                Some((late, of)) => format!("{:.2}", late as f64 / of as f64),
                None => "-".into(),
            }
        };
        let samples = || cell.samples.iter();
        let early = samples().filter(|sample| sample.late.is_some_and(|late| late < 0));
        let stalled = samples().filter(|sample| sample.stalled.is_some()).count();
        let by_status = |counts: bool| {
            let samples = samples().filter(|sample| sample.counts == counts);
            samples.filter(|sample| sample.kept_status()).count()
        };
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {kept} | {} | {thrown} | {stalled} | {} | {} |",
            cell.row.name,
            columns(late, ""),
            ratio(|of| of.median),
            ratio(|of| of.p99),
            inside(cell),
            by_status(true),
            by_status(false),
            early.count(),
        )
        .unwrap();
    }
    text.push('\n');
}

fn beginnings(text: &mut String, rows: &[&Cell]) {
    text.push_str(
        "| | p50 | p99 | max | n | discarded |\n| --- | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for cell in rows {
        let (kept, thrown) = counts(cell);
        let figures = columns(late(cell), "");
        writeln!(
            text,
            "| {} | {figures} | {kept} | {thrown} |",
            cell.row.name
        )
        .unwrap();
    }
    text.push('\n');
}

/// The error of the exit records, from the row that also reads the clock itself.
fn check_of_records(text: &mut String, cells: &[Cell]) {
    let measure = cells.iter().filter(|cell| cell.row.name == C_WATCHDOG);
    let after = measure
        .flat_map(Cell::counted)
        .filter_map(|sample| Some(sample.recorded? - sample.inside?));
    if let Some(after) = Summary::of(after) {
        writeln!(
            text,
            "≤ marks the kernel's record of the exit. It came {} (p50), {} (p99) and {} (max) later \
             than the C watchdog's own reading of the clock, in {} samples.\n",
            time(after.median),
            time(after.p99),
            time(after.max),
            after.count,
        )
        .unwrap();
    }
}

pub(super) fn late(cell: &Cell) -> Option<Summary> {
    Summary::of(cell.counted().map(Sample::lateness))
}

pub(super) fn counts(cell: &Cell) -> (usize, usize) {
    let kept = cell.counted().count();
    (kept, cell.samples.len() - kept)
}

/// Three columns: the victim's own reading, else the kernel's record.
fn inside(cell: &Cell) -> String {
    match Summary::of(cell.counted().filter_map(|sample| sample.inside)) {
        Some(own) => columns(Some(own), ""),
        None => columns(
            Summary::of(cell.counted().filter_map(|sample| sample.recorded)),
            "≤ ",
        ),
    }
}

pub(super) fn columns(of: Option<Summary>, before: &str) -> String {
    of.map_or("- | - | -".into(), |of| {
        let column = |nanos| format!("{before}{}", time(nanos));
        [of.median, of.p99, of.max].map(column).join(" | ")
    })
}
