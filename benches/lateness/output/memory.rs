//! The tables of memory: does a process that exits early disappear by its deadline?

use std::fmt::Write as _;

use super::table::{counts, late};
use super::time;
use crate::conditions;
use crate::goals::{Punctuality, spread};
use crate::plan::Cell;
use crate::victims::Table;

pub(super) fn table(text: &mut String, cells: &[Cell]) {
    for condition in conditions::ALL {
        let of = |cell: &&Cell| cell.condition == condition && cell.row.table == Table::Memory;
        let rows: Vec<_> = cells.iter().filter(of).collect();
        if rows.is_empty() {
            continue;
        }
        writeln!(
            text,
            "### Touched memory: {}, grace {:?}\n\n\
             | observed, from the deadline | min | p50 | p99 | max | seen by the deadline \
             | earliest, % of the teardown | n | discarded | skipped: too little memory |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
            condition.name, condition.grace
        )
        .unwrap();
        for cell in rows {
            let (kept, thrown) = counts(cell);
            let figures = late(cell).map_or("- | - | - | -".into(), |of| {
                [of.min, of.median, of.p99, of.max].map(time).join(" | ")
            });
            let own = late(cell).filter(|_| !cell.row.exits_early);
            let own = own.map_or("- | -".into(), |of| format!("- | ({:.0} %)", spread(&of)));
            let punctual = Punctuality::of(cells, cell).map_or(own, |of| {
                format!("{} of {} | {:.0} %", of.in_time, of.count, of.earliest)
            });
            writeln!(
                text,
                "| {} | {figures} | {punctual} | {kept} | {thrown} | {} |",
                cell.row.name, cell.skipped
            )
            .unwrap();
        }
        text.push('\n');
    }
}
