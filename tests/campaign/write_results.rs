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

Runs every fault that `victim --list` prints again and again, each time in a process of its
own. A seed decides the grace (50 ms to 1 s), the pause between install and arming (up to
50 ms) and the load on the machine. The loads are a process beside the victims, in their
session: none; two spinning threads; sixty-four of them; two threads that allocate 96 MiB
each, touch it and free it. A victim has all lines of defense.

A victim must never disappear before its deadline; this is exact. It must disappear within
125 ms after the deadline, or 100 ms and a tenth of a grace above 250 ms, *not counting the time for which the machine delayed it*: while
its threads wanted a processor and others had them (by the kernel's count for each thread),
or slept in the kernel where no signal wakes them (a root directory that was removed is
deleted from the disk when its last user ends). Counted are the two threads of each process,
a tracer included, that waited longest (the watchdog, and then the last thread to end), the
time stolen by a virtual machine's host, and the time for which the monitor itself waited. A
thread that sleeps and can be woken counts as not waiting: a watchdog that is not woken is
found under any load.

";

const LATE: &str = "\
*Watchdog* ended the process with our status (in one fault only by a crash, since the system
allows nothing else); the *backup timer* acts 25 to 100 ms later. *Status kept* is the share of runs
in which the watchdog had to end the process and did, not the timer. *Late* is in
milliseconds, from the deadline until the last thread and the last page are released, under
load; *most, not starved* is what counts against the bound. *Set in late*
is a victim that the watchdog ended before its fault set in. *Unheard* is a victim that ended
as it may, later than its grace, before it printed that it had armed. The latest by that
measure:
";

const BOUNDS: &str = "\
The raw data are in [campaign.csv.gz](campaign.csv.gz). These faults have a bound of their
own, or do not run under a load:

| fault | bound | why |
| --- | --- | --- |";
