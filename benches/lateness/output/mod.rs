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

How late a process ends whose cleanup never returns: from its deadline to when
its parent sees the end (observed), and to just before the exit (in-process); and
how long it takes from a signal to the beginning of the shutdown. Then: whether the
end waits for a hang report; and whether a process with much memory has disappeared by
its deadline, if it asks for that (`exit_early`). A sample is a
process, and the rows take turns. Of fewer than a hundred samples, p99 is the
greatest. A process that is alive seconds after its deadline is killed.

`deadstop` is the watchdog alone, in a process of an unprivileged user;
`deadstop, root` is the same as root, and `deadstop, coordinated` a shutdown with
a task in it. All three are in the bench, a program of some megabytes;
`deadstop, small program` has the watchdog and nothing else. The rows in C are the
least there can be: one thread and a timer, or a thread that sleeps. `this program` is
the same in a process as large as deadstop's, with as many threads. The others are used
as their documentation says, and in the form that ends soonest where that leaves a choice.

Which system calls the threads of the report were in is looked up 10 ms before
the deadline, and so is whether the message was written: a sink that is to block
is seen to. The control of a row has the same around it, other processes or a disk,
and no report. A disk hangs whose server is stopped and has not taken the write;
the kernel lets no process go before a write is answered that was taken. The
teardown is how late a process of that size ends that begins to at its deadline
(p50). In brackets is how early the earliest would be of those same processes, had
all begun to go so much earlier that 99 of 100 were in time: no estimate does
better, as it cannot know how long this one will take. Run with:
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
