//! Output of a run: tables, every sample, a plot, and the machine.

mod csv;
mod machine;
mod memory;
mod plot;
mod reports;
mod table;

use std::fs;
use std::path::Path;

use crate::goals;
use crate::plan::Cell;
use crate::sampling::{ALIVE, Means};

/// Nanoseconds, in a suitable unit.
pub(crate) fn time(nanos: i64) -> String {
    if nanos == ALIVE {
        return "alive".into();
    }
    match nanos.unsigned_abs() {
        0..1_000_000 => format!("{:.0} µs", nanos as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", nanos as f64 / 1e6),
        _ => format!("{:.1} s", nanos as f64 / 1e9),
    }
}

/// The text above the tables.
const PREFACE: &str = "\
# Lateness

This page measures how late processes end whose cleanup never returns.

- *Observed* is the time from the deadline to the moment when the parent process sees the end.
- *In-process* is the time from the deadline to just before the exit.
- *From the signal to armed* is the time from a signal to the beginning of the shutdown.
- *A report is due* shows whether the end waits for a hang report.
- *Touched memory* shows whether a process with much memory has disappeared by its deadline, if it asks
  for that (`exit_early`).

Each sample is a process of its own. The rows take turns. With fewer than a hundred samples, p99 is the
greatest. \"alive\" means that the process still ran seconds after its deadline; the bench then killed it.

| row | is |
| --- | --- |
| `deadstop` | the watchdog alone, in a process of an unprivileged user |
| `deadstop, root` | the same as root |
| `deadstop, coordinated` | a shutdown with one task |
| `deadstop, small program` | the watchdog in a program that has nothing else; the other rows of deadstop are in the bench, a program of some megabytes |
| `C, ...` | the smallest possible program: one thread and a timer, or a thread that sleeps |
| `..., this program` | the same in a process as large as deadstop's, with as many threads |
| other libraries | used as their documentation says; if it leaves a choice, in the form that ends soonest |

In the table of reports, the bench checks 10 ms before the deadline in which system calls the threads of
the report are, and whether the message was written. So it knows that a sink which should block does block.
Each row has a control with the same surroundings (other processes or a disk) and no report. A disk
\"hangs\" when its server was stopped before it took the write. If the server has taken a write and does not
answer, the kernel does not let the process end.

In the tables of memory, the *teardown* is how late a process of that size ends if it begins to exit at its
deadline (median). The figure in brackets belongs to the best possible estimate: if all these processes had
begun so much earlier that 99 of 100 were in time, the earliest would have ended this much too early. No
estimate can do better, because it cannot know how long this exit will take.

Run it with:
";

/// Renders the page of a run.
pub(crate) fn text(cells: &[Cell], means: &Means, arguments: &[String]) -> String {
    // A run of some rows lists the goals of those rows only.
    let is_whole = !arguments.iter().any(|argument| argument == "--only");
    let arguments = arguments.iter().filter(|argument| *argument != "--bench");
    let arguments: String = arguments.map(|argument| format!(" {argument}")).collect();
    format!(
        "{PREFACE}\n```text\ncargo bench --bench lateness --{arguments}\n```\n\n{}\n{}{}",
        machine::machine(cells, means),
        table::tables(cells),
        goals::judge(cells, is_whole)
    )
}

/// Writes the files of the page `name`, which are kept with the source.
pub(crate) fn keep(cells: &[Cell], text: &str, name: &str) {
    let pictured = format!(
        "\n![The distributions]({name}.svg)\n\n\
         The raw samples are in [{name}.csv]({name}.csv).\n"
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/bench");
    fs::create_dir_all(&folder).unwrap();
    let path = |extension: &str| folder.join(format!("{name}{extension}"));
    fs::write(path(".csv"), csv::csv(cells)).unwrap();
    fs::write(path(".svg"), plot::plot(cells)).unwrap();
    fs::write(path("-short.svg"), plot::short(cells)).unwrap();
    fs::write(path(".md"), format!("{text}{pictured}")).unwrap();
}
