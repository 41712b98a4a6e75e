//! On what, and when.

use std::fs;
use std::process::Command;
use std::thread;

use crate::plan::Cell;
use crate::sampling::Means;

/// A paragraph on the machine, the kernel and the day, and on what was allowed.
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
    let recorded = cells.iter().flat_map(|cell| &cell.samples);
    let mut recorded = recorded.filter_map(|sample| sample.recorded);
    format!(
        "Machine: {} ({cores} cores{hypervisor}), {} {}; {}, {}. The bench in real time: {}; \
         exit records: {}; the watchdog as root in real time: {}. Samples with more than {} of \
         a core used by others are thrown away.\n",
        processor.map_or("unknown", |(_, model)| model.trim()),
        system.trim(),
        release.trim(),
        said_by("date", &["-u", "+%Y-%m-%d"]),
        said_by("rustc", &["--version"]),
        is_allowed(means.real_time),
        is_allowed(recorded.next().is_some()),
        is_allowed(cells.iter().any(|cell| {
            let mut policies = cell.samples.iter().map(|sample| sample.policy);
            cell.row.name == "deadstop, root" && policies.any(|it| it == Some(libc::SCHED_FIFO))
        })),
        means.most_foreign,
    )
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    said.unwrap_or_else(|_| format!("{program} unknown"))
}
