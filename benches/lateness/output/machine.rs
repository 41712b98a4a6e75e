//! The description of the machine, and the day.

use std::fs;
use std::process::Command;
use std::thread;

use crate::plan::Cell;
use crate::sampling::Means;
use crate::victims::{DEADSTOP, DEADSTOP_ROOT};

/// A paragraph on the machine, the kernel and the day, and on the bench's permissions.
pub(crate) fn machine(cells: &[Cell], means: &Means) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let processor = processors
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split_once(": "));
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let hypervisor = match processors.contains("hypervisor") {
        true => ", virtual",
        false => "",
    };
    let (system, release) = (
        read("/proc/sys/kernel/ostype"),
        read("/proc/sys/kernel/osrelease"),
    );
    let is_allowed = |is: bool| if is { "yes" } else { "no" };
    let samples = || cells.iter().flat_map(|cell| &cell.samples);
    let is_recorded = samples().any(|sample| sample.recorded.is_some());
    let in_real_time = |row: &str| {
        let cells = cells.iter().filter(|cell| cell.row.name == row);
        let mut policies = cells.flat_map(|cell| &cell.samples).map(|it| it.policy);
        is_allowed(policies.any(|policy| policy == Some(libc::SCHED_FIFO)))
    };
    let thrown_away = match means.most_foreign.is_finite() {
        true => format!(
            "Samples during which other processes used more than {} of a core are discarded.",
            means.most_foreign
        ),
        false => "No sample is discarded.".into(),
    };
    let stalled = || samples().filter(|sample| sample.stalled.is_some());
    let dropped = stalled().filter(|sample| !sample.counts).count();
    let stood_still = match &means.sentinels {
        Some(sentinels) => format!(
            "Real-time threads that notice when the machine stands still: {}. It stood still during \
             {} of {} samples. {dropped} of these are discarded; in the others it was for less than a \
             twentieth of the teardown.",
            sentinels.count(),
            stalled().count(),
            samples().count(),
        ),
        None => {
            "The bench may not run in real time, so it does not notice when the machine stands \
                 still."
                .into()
        }
    };
    format!(
        "Machine: {} ({cores} cores{hypervisor}), {} {}; {}, {}. Real-time scheduling: bench {}, \
         watchdog as root {}, watchdog of a user {}. The kernel's records of exits: {}. {thrown_away} \
         {stood_still}\n",
        processor.map_or("unknown", |(_, model)| model.trim()),
        system.trim(),
        release.trim(),
        said_by("date", &["-u", "+%Y-%m-%d"]),
        said_by("rustc", &["--version"]),
        is_allowed(means.real_time),
        in_real_time(DEADSTOP_ROOT),
        in_real_time(DEADSTOP),
        is_allowed(is_recorded),
    )
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    said.unwrap_or_else(|_| format!("{program} unknown"))
}
