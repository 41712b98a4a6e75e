//! The page of docs/bench, and the samples behind it.

use std::fmt::Write as _;
use std::process::Command;
use std::{fs, thread};

use crate::calls::Sample;
use crate::look::Look;
use crate::programs::Program;
use crate::statistics::median;

/// A call: the library, its name in the page, and its name in the samples.
type Call = (&'static str, &'static str, &'static str);

/// Calls that are each other's counterparts; the first is what the others are
/// compared with.
const COUNTERPARTS: [(&str, &[Call]); 7] = [
    (
        "arm, first in its process",
        &[
            ("deadstop", "deadstop, watchdog", "arm, first"),
            ("the two system calls", "deadstop, watchdog", "bare, first"),
        ],
    ),
    (
        "arm again, which changes nothing",
        &[
            ("deadstop", "deadstop, watchdog", "arm, again"),
            ("the two system calls", "deadstop, watchdog", "bare, again"),
        ],
    ),
    (
        "begin a shutdown",
        &[
            ("deadstop", "deadstop, request", "request"),
            ("signal-mod", "signal-mod, request", "request"),
            (
                "tokio-graceful-shutdown",
                "tokio-graceful-shutdown, request",
                "request",
            ),
        ],
    ),
    (
        "ask whether a shutdown has begun",
        &[
            ("deadstop", "deadstop, shutdown", "is_requested"),
            ("signal-mod", "signal-mod", "is_requested"),
            (
                "tokio-graceful-shutdown",
                "tokio-graceful-shutdown",
                "is_requested",
            ),
            ("signal-hook", "signal-hook", "is_requested"),
        ],
    ),
    (
        "register a task",
        &[
            ("deadstop", "deadstop, shutdown", "register"),
            ("signal-mod", "signal-mod", "register"),
            (
                "tokio-graceful-shutdown",
                "tokio-graceful-shutdown",
                "register",
            ),
        ],
    ),
    (
        "cancel a task",
        &[
            ("deadstop", "deadstop, shutdown", "cancel"),
            (
                "tokio-graceful-shutdown",
                "tokio-graceful-shutdown",
                "cancel",
            ),
        ],
    ),
    (
        "set progress, 16 bytes",
        &[("deadstop", "deadstop, shutdown", "progress")],
    ),
];

pub(crate) struct Measured<'a> {
    pub(crate) programs: &'a [Program],
    pub(crate) looks: &'a [Look],
    pub(crate) calls: &'a [Sample],
    pub(crate) samples: usize,
    pub(crate) idle: u64,
}

impl Measured<'_> {
    pub(crate) fn page(&self) -> String {
        format!(
            include_str!("page.md"),
            machine = machine(),
            samples = self.samples,
            idle = self.idle,
            calls = self.calls_table(),
            programs = self.programs_table(),
            bytes = self.bytes_table(),
        )
    }

    fn calls_table(&self) -> String {
        let mut table = String::from(
            "| call | library | median | times deadstop's | allocations |\n\
             | --- | --- | ---: | ---: | ---: |\n",
        );
        for (what, counterparts) in COUNTERPARTS {
            let mut ours = None;
            for (of, library, call) in counterparts {
                let samples = || {
                    let of_library = self.calls.iter().filter(|it| it.library == *library);
                    of_library.filter(|sample| sample.call == *call)
                };
                let nanoseconds = median(samples().map(|it| it.nanoseconds)).unwrap();
                let allocations = median(samples().map(|it| it.allocations)).unwrap();
                let ratio = nanoseconds / *ours.get_or_insert(nanoseconds);
                writeln!(
                    table,
                    "| {what} | {of} | {nanoseconds:.1} ns | {ratio:.3} | {allocations:.2} |"
                )
                .unwrap();
            }
        }
        table
    }

    fn programs_table(&self) -> String {
        let mut table = format!(
            "| program | install | resident | of it anonymous | threads | switches in {} s |\n\
             | --- | ---: | ---: | ---: | ---: | ---: |\n",
            self.idle
        );
        for program in self.programs {
            let of = || self.looks.iter().filter(|it| it.program == program.name);
            let median = |what: fn(&Look) -> f64| median(of().map(what)).unwrap();
            let switches: u64 = of().filter_map(|look| look.switches).sum();
            writeln!(
                table,
                "| {} | {:.0} µs | {:.0} KiB | {:.0} KiB | {} | {switches} |",
                program.name,
                median(|look| look.install_nanoseconds) / 1e3,
                median(|look| look.resident),
                median(|look| look.anonymous),
                median(|look| look.threads),
            )
            .unwrap();
        }
        table
    }

    fn bytes_table(&self) -> String {
        let mut table = String::from(
            "| program | bytes added | dependencies |\n\
             | --- | ---: | ---: |\n",
        );
        let nothing = self.programs[0].bytes;
        for program in self.programs {
            writeln!(
                table,
                "| {} | {} | {} |",
                program.name,
                program.bytes as i64 - nothing as i64,
                program.dependencies.map_or("-".into(), |it| it.to_string()),
            )
            .unwrap();
        }
        table
    }

    pub(crate) fn csv(&self) -> String {
        let mut csv = String::from("of,what,unit,value\n");
        let mut line = |of: &str, what: &str, unit: &str, value: f64| {
            writeln!(csv, "\"{of}\",\"{what}\",{unit},{value}").unwrap();
        };
        for sample in self.calls {
            line(sample.library, &sample.call, "ns", sample.nanoseconds);
            let allocations = sample.allocations;
            line(sample.library, &sample.call, "allocations", allocations);
        }
        for look in self.looks {
            line(look.program, "install", "ns", look.install_nanoseconds);
            line(look.program, "resident", "KiB", look.resident);
            line(look.program, "anonymous", "KiB", look.anonymous);
            line(look.program, "threads", "threads", look.threads);
            if let Some(switches) = look.switches {
                line(look.program, "idle", "switches", switches as f64);
            }
        }
        for program in self.programs {
            line(program.name, "program", "bytes", program.bytes as f64);
            if let Some(dependencies) = program.dependencies {
                line(program.name, "tree", "crates", dependencies as f64);
            }
        }
        csv
    }
}

/// The machine, its system, the compiler and the day.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let mut models = processors.lines().filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.starts_with("model name").then_some(value.trim())
    });
    let load = read("/proc/loadavg");
    let release = read("/proc/sys/kernel/osrelease");
    let release: Vec<_> = release.split('.').take(2).collect();
    format!(
        "{}, {} cores{}, Linux {}; {}; {}; load {}",
        models.next().unwrap_or("unknown"),
        thread::available_parallelism().map_or(0, usize::from),
        match processors.contains("hypervisor") {
            true => " of a virtual machine",
            false => "",
        },
        release.join("."),
        said_by("rustc", "--version"),
        said_by("date", "+%Y-%m-%d"),
        load.split(' ').next().unwrap_or("unknown"),
    )
}

fn said_by(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    said.unwrap_or_else(|_| format!("{program} unknown"))
}
