//! What is left of a run: tables, every sample, a plot, and on what machine.

mod csv;
mod machine;
mod plot;
mod table;

use std::fs;
use std::path::Path;

pub(crate) use self::csv::csv;
pub(crate) use self::machine::machine;
pub(crate) use self::table::tables;

use crate::plan::Cell;

/// Nanoseconds, in the unit that suits them.
pub(crate) fn time(nanos: i64) -> String {
    match nanos.unsigned_abs() {
        0..1_000_000 => format!("{:.0} µs", nanos as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", nanos as f64 / 1e6),
        _ => format!("{:.1} s", nanos as f64 / 1e9),
    }
}

/// Writes the files that are kept with the source.
pub(crate) fn keep(cells: &[Cell], text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/bench");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("lateness.csv"), csv(cells)).unwrap();
    fs::write(folder.join("lateness.svg"), plot::plot(cells)).unwrap();
    fs::write(folder.join("lateness.md"), text).unwrap();
}
