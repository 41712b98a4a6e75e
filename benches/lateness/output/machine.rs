//! The description of the machine, and the day.

use std::fs;
use std::process::Command;
use std::thread;

use crate::plan::Cell;
use crate::sampling::Means;
use crate::victims::{DEADSTOP, DEADSTOP_ROOT};

/// A paragraph on the machine, the kernel and the day, and on the bench's permissions.
pub(crate) fn machine(cells: &[Cell], means: &Means) -> String {
    let mut samples = cells.iter().flat_map(|cell| &cell.samples);
    let in_real_time = |row: &str| {
        let cells = cells.iter().filter(|cell| cell.row.name == row);
        let mut policies = cells.flat_map(|cell| &cell.samples).map(|it| it.policy);
        yes_or_no(policies.any(|policy| policy == Some(libc::SCHED_FIFO)))
    };
    format!(
        "Machine: {}; {}, {}. Real-time scheduling: bench {}, \
         watchdog as root {}, watchdog of a user {}. The kernel's records of exits: {}. {} {}\n",
        processor_and_system(),
        said_by("date", &["-u", "+%Y-%m-%d"]),
        said_by("rustc", &["--version"]),
        yes_or_no(means.real_time),
        in_real_time(DEADSTOP_ROOT),
        in_real_time(DEADSTOP),
        yes_or_no(samples.any(|sample| sample.recorded.is_some())),
        discarded(means),
        stood_still(cells, means),
    )
}

fn yes_or_no(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

fn processor_and_system() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let processor = processors
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split_once(": "));
    let hypervisor = match processors.contains("hypervisor") {
        true => ", virtual",
        false => "",
    };
    format!(
        "{} ({} cores{hypervisor}), {} {}",
        processor.map_or("unknown", |(_, model)| model.trim()),
        thread::available_parallelism().map_or(0, usize::from),
        read("/proc/sys/kernel/ostype").trim(),
        read("/proc/sys/kernel/osrelease").trim(),
    )
}

/// Says which samples are discarded because other processes ran.
fn discarded(means: &Means) -> String {
    match means.most_foreign.is_finite() {
        true => format!(
            "Samples during which other processes used more than {} of a core are discarded.",
            means.most_foreign
        ),
        false => "No sample is discarded.".into(),
    }
}

/// Says during how many samples the machine stood still.
fn stood_still(cells: &[Cell], means: &Means) -> String {
    let Some(sentinels) = &means.sentinels else {
        return "The bench may not run in real time, so it does not notice when the machine stands \
                still."
            .into();
    };
    let (mut count, mut stalled, mut dropped) = (0, 0, 0);
    for sample in cells.iter().flat_map(|cell| &cell.samples) {
        count += 1;
        if sample.stalled.is_some() {
            stalled += 1;
            dropped += u32::from(!sample.counts);
        }
    }
    format!(
        "Real-time threads that notice when the machine stands still: {}. It stood still during \
         {stalled} of {count} samples. {dropped} of these are discarded; in the others it was for \
         less than a twentieth of the teardown.",
        sentinels.count(),
    )
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    said.unwrap_or_else(|_| format!("{program} unknown"))
}
