//! Writes the results of a campaign to `docs/campaign`.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use flate2::{Compression, GzBuilder};

use crate::bounds::{LONGER, NOT_UNDER};
use crate::tally::{Tally, short};
use crate::verdict::Ended;

/// Writes the table and the raw data.
pub(crate) fn write(
    seed: u64,
    at_once: usize,
    took: Duration,
    ended: &[Ended],
    tally: &Tally<'_>,
) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/campaign");
    fs::create_dir_all(&folder)?;
    let raw = File::create(folder.join("campaign.csv.gz"))?;
    // Without a time in it, the same data are the same file.
    let mut raw = GzBuilder::new().write(raw, Compression::best());
    raw.write_all(csv(ended).as_bytes())?;
    raw.finish()?;
    fs::write(
        folder.join("campaign.md"),
        page(seed, at_once, took, ended, tally),
    )
}

fn csv(ended: &[Ended]) -> String {
    let mut csv =
        String::from("run,fault,load,grace_ms,trigger_us,end,verdict,late_us,starved_us\n");
    for ended in ended {
        let run = &ended.run;
        let (late, starved) = ended.late.map_or_else(Default::default, |late| {
            let late_us = late.nanos.div_euclid(1000).to_string();
            (late_us, late.starved.as_micros().to_string())
        });
        let _ = writeln!(
            csv,
            "{},{},{},{},{},{},{:?},{late},{starved}",
            run.number,
            run.fault.name,
            run.load,
            run.grace.as_millis(),
            run.trigger.as_micros(),
            short(ended.end),
            ended.verdict,
        );
    }
    csv
}

fn page(seed: u64, at_once: usize, took: Duration, ended: &[Ended], tally: &Tally<'_>) -> String {
    let mut page = String::from(HEAD);
    let runs = ended.last().map_or(0, |ended| ended.run.number + 1);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let _ = write!(
        page,
        "Machine: {}, {cores} cores, Linux {}; {}. Seed {seed}, {at_once} at a time; \
         it took {} minutes. Repeat it with:\n\n\
         ```text\ncargo run --release --example campaign -- --runs {runs} --seed {seed} --at-once {at_once} --keep\n```\n\n\
         {}\n{}\n{LATE}\n{}\n{BOUNDS}\n",
        model(),
        first_line("/proc/sys/kernel/osrelease"),
        date(),
        took.as_secs().div_ceil(60),
        tally.table(),
        tally.by_backup_timer(),
        tally.worst(),
    );
    for (fault, by, why) in LONGER {
        let _ = writeln!(page, "| `{fault}` | {} ms more | {why} |", by.as_millis());
    }
    for (fault, load, why) in NOT_UNDER {
        let _ = writeln!(page, "| `{fault}` | not under {load} | {why} |");
    }
    page
}

fn model() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let name = name.map(|name| name.trim_start_matches([' ', '\t', ':']));
    name.unwrap_or("a processor without a name").to_owned()
}

fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

fn date() -> String {
    let date = Command::new("date").args(["-u", "+%F"]).output();
    let date = date.expect("date runs").stdout;
    String::from_utf8_lossy(&date).trim().to_owned()
}

const HEAD: &str = "\
# The campaign

The campaign runs every fault that `victim --list` prints many times. Each run is a process of its own, with
all lines of defense. A seed chooses the grace (50 ms to 1 s), the pause between install and arming (up to
50 ms) and the load on the machine. The load is a process beside the victims, in their session:

| load | is |
| --- | --- |
| idle | none |
| two | two spinning threads |
| sixty-four | sixty-four spinning threads |
| memory | two threads that each allocate 96 MiB, touch it and free it |

There are two rules:

- A victim never disappears before its deadline. This rule is exact.
- A victim disappears at most 125 ms (100 ms and a tenth of the grace, above 250 ms) after the deadline. Time for which the
  machine delayed it does not count.

The machine delays a victim in three ways: its threads want a processor that other threads have (the kernel
counts this for each thread); they sleep in the kernel where no signal wakes them (the disk deletes a removed
root directory when its last user ends); the host of a virtual machine takes its processors away. The campaign
subtracts the delays of the two threads that waited longest, in each process and its tracer: the watchdog, and
then the last thread to end. It also subtracts the time for which the monitor itself waited. A thread that
sleeps and can be woken counts as not waiting, so a watchdog that nothing wakes is found under any load.

";

const LATE: &str = "\
| column | is |
| --- | --- |
| watchdog | runs that the watchdog ended with deadstop's status (in one fault by a crash, since the system allows nothing else) |
| backup timer, as listed | runs that only the backup timer could end; it acts 25 to 100 ms after the deadline |
| backup timer instead | runs that the backup timer ended, although the watchdog should have |
| status kept | share of the runs that the watchdog should have ended and did |
| late | milliseconds from the deadline until the last thread and the last page are released, under load |
| most, not starved | the greatest lateness in milliseconds, without delays by the machine; the second rule bounds it |
| early, lost | runs that break the first and the second rule |
| otherwise | runs that ended in any other way |
| set in late | victims that the watchdog ended before their fault began |
| unheard | victims that ended as expected after their grace, but before they printed that they had armed |
| refused | runs whose fault the system did not allow |

These runs were the latest, without delays by the machine:
";

const BOUNDS: &str = "\
The raw data are in [campaign.csv.gz](campaign.csv.gz). These faults have a different bound, or
do not run under a load:

| fault | bound | why |
| --- | --- | --- |";
