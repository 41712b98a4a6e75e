//! The tables, the charts and the page of `docs/bench`.

use std::fmt::Write as _;
use std::fs;

use crate::chart::{self, Line, Panel};
use crate::measured_page;
use crate::results::Results;

const COMMAND: &str = "cargo bench --features health --bench growth -- --keep";

/// A part, what its sizes are, and its heading.
const PARTS: [(&str, &str, &str); 4] = [
    (
        "report",
        "threads",
        "The hang report of a process with many threads",
    ),
    (
        "symbols",
        "MB of debug information",
        "Names and lines in a large program",
    ),
    ("progress", "running tasks", "Progress while many tasks run"),
    (
        "memory",
        "number of objects",
        "Memory of registered objects",
    ),
];

pub(crate) fn tables(results: &Results) -> String {
    let mut text = String::new();
    for (part, sizes_are, heading) in PARTS {
        let sizes = results.sizes(part);
        if sizes.is_empty() {
            continue;
        }
        write!(text, "### {heading}\n\n| {sizes_are}").unwrap();
        for size in &sizes {
            write!(text, " | {size}").unwrap();
        }
        writeln!(text, " |\n| ---{} |", " | ---:".repeat(sizes.len())).unwrap();
        for (what, unit) in results.kinds(part) {
            write!(text, "| {what}").unwrap();
            for size in &sizes {
                let value = results.median(part, what, *size);
                write!(text, " | {}", value.map_or("-".into(), |it| show(it, unit))).unwrap();
            }
            text.push_str(" |\n");
        }
        text.push('\n');
    }
    text
}

fn show(value: f64, unit: &str) -> String {
    match unit {
        "ns" => chart::time(&value),
        "yes" => (if value > 0.0 { "yes" } else { "no" }).into(),
        "" => format!("{value:.0}"),
        unit => format!("{value:.0} {unit}"),
    }
}

pub(crate) fn keep(results: &Results) {
    fs::write(measured_page::file("growth.csv"), results.csv()).unwrap();
    fs::write(measured_page::file("growth.svg"), charts(results)).unwrap();
    let measured = format!(
        "{}\n{}![Cost against size](growth.svg)\n\nThe raw samples are in \
         [growth.csv](growth.csv); the tables show medians.\n",
        measured_page::machine(COMMAND),
        tables(results)
    );
    measured_page::keep("growth.md", &measured);
}

/// A panel for each part with times by size.
fn charts(results: &Results) -> String {
    let panels = PARTS.map(|(part, sizes_are, heading)| {
        let kinds = results.kinds(part).into_iter();
        let lines = kinds.filter(|(_, unit)| *unit == "ns").map(|(what, _)| {
            let sizes = results.sizes(part).into_iter();
            let points = sizes.filter_map(|size| {
                let value = results.median(part, what, size)?;
                (value > 0.0).then_some((size as f64, value))
            });
            Line {
                name: what.into(),
                points: points.collect(),
            }
        });
        Panel {
            title: heading.into(),
            sizes: sizes_are,
            value: chart::time,
            lines: lines.collect(),
        }
    });
    chart::draw(&panels)
}
