//! The table of hang reports: does the end wait for one?

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::table::{columns, counts, late};
use crate::plan::Cell;
use crate::victims::{RUNNING, Table};

pub(super) fn table(text: &mut String, cells: &[Cell]) {
    let of = |cell: &&Cell| cell.row.table == Table::Reports;
    let rows: Vec<_> = cells.iter().filter(of).collect();
    let Some(first) = rows.first() else { return };
    let condition = first.condition;
    writeln!(
        text,
        "### {}, grace {:?}\n\n\
         | | observed p50 | p99 | max | p50, times the control's | n | discarded \
         | `deadstop-report` was in | `deadstop-log` was in | message written |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- | ---: |",
        condition.name, condition.grace
    )
    .unwrap();
    for cell in &rows {
        let control = rows.iter().find(|it| it.row.name == cell.row.control);
        let control = control.and_then(|control| late(control));
        let (kept, thrown) = counts(cell);
        let late = late(cell);
        let ratio = late.zip(control).map_or("-".into(), |(late, control)| {
            format!("{:.2}", late.median as f64 / control.median as f64)
        });
        let thread_calls = |place: usize| {
            calls(
                cell.counted()
                    .filter_map(move |sample| sample.reporting_threads[place]),
            )
        };
        let written = cell.counted().filter(|sample| sample.message.is_some());
        writeln!(
            text,
            "| {} | {} | {ratio} | {kept} | {thrown} | {} | {} | {} |",
            cell.row.name,
            columns(late, ""),
            thread_calls(0),
            thread_calls(1),
            written.count(),
        )
        .unwrap();
    }
    text.push('\n');
}

/// The system calls, each with its count.
fn calls(numbers: impl Iterator<Item = u64>) -> String {
    let mut often = BTreeMap::<String, usize>::new();
    for number in numbers {
        *often.entry(call(number)).or_default() += 1;
    }
    let mut often: Vec<_> = often.into_iter().collect();
    often.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let often = often.iter().map(|(call, count)| format!("{call} {count}"));
    often.collect::<Vec<_>>().join(", ")
}

/// The call's name. The stored number is the call's plus one.
fn call(word: u64) -> String {
    if word == RUNNING {
        return "none".into();
    }
    let number = word as i64 - 1;
    let names = [
        (libc::SYS_futex, "futex"),
        (libc::SYS_ppoll, "poll"),
        (libc::SYS_pwrite64, "pwrite"),
        (libc::SYS_write, "write"),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_poll, "poll"),
    ];
    let name = names.iter().find(|(known, _)| *known == number);
    name.map_or(format!("call {number}"), |(_, name)| (*name).into())
}
