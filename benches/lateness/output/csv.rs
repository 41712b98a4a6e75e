//! The file with every sample, discarded or not.

use std::fmt::Write as _;

use crate::plan::Cell;
use crate::victims::Table;

pub(crate) fn csv(cells: &[Cell]) -> String {
    let mut csv = String::from(
        "table,row,condition,round,late_ns,in_process_ns,exit_record_ns,status,\
         foreign_cores,stalled_ns,counted\n",
    );
    let optional = |nanos: Option<i64>| nanos.map_or(String::new(), |nanos| nanos.to_string());
    for cell in cells {
        let table = match cell.row.table {
            Table::Beginnings => "beginning",
            Table::Ends => "end",
            Table::Memory => "memory",
            Table::Reports => "report",
        };
        for sample in &cell.samples {
            writeln!(
                csv,
                "{table},\"{}\",{},{},{},{},{},{},{:.3},{},{}",
                cell.row.name,
                cell.condition.name,
                sample.round,
                optional(sample.late),
                optional(sample.inside),
                optional(sample.recorded),
                sample.shell_status(),
                sample.foreign,
                optional(sample.stalled.map(|nanos| nanos as i64)),
                sample.counts,
            )
            .unwrap();
        }
    }
    csv
}
