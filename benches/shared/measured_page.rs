//! Puts what a bench has measured into a page of `docs/bench`: between two marks, so that
//! what was written by hand around them stays.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, thread};

const BEGIN: &str = "<!-- measured -->\n";
const END: &str = "<!-- end of what was measured -->\n";

/// A file in `docs/bench`.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/bench")
        .join(name)
}

/// Replaces the measured part of the page `name`. A page without one gets it at its end.
pub(crate) fn keep(name: &str, measured: &str) {
    let path = file(name);
    let page = fs::read_to_string(&path).unwrap_or_default();
    let parts = page.split_once(BEGIN);
    let parts = parts.and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.unwrap_or((&page, ""));
    fs::write(path, format!("{before}{BEGIN}\n{measured}\n{END}{after}"))
        .expect("docs/bench can be written");
}

/// A paragraph on the machine, the day and the command.
pub(crate) fn machine(command: &str) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let said_by = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        said.unwrap_or_else(|_| format!("{program} unknown"))
    };
    let processors = read("/proc/cpuinfo");
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let load = read("/proc/loadavg");
    let mut text = String::new();
    writeln!(
        text,
        "Machine: {}, {} cores{}, Linux {}; {}, {}. Load before the end of the run: {}.\n\n\
         ```text\n{command}\n```",
        model.map_or("unknown", |(_, model)| model.trim()),
        thread::available_parallelism().map_or(0, usize::from),
        if processors.contains("hypervisor") {
            ", virtual"
        } else {
            ""
        },
        read("/proc/sys/kernel/osrelease").trim(),
        said_by("date", &["-u", "+%Y-%m-%d"]),
        said_by("rustc", &["--version"]),
        load.split_whitespace().next().unwrap_or("unknown"),
    )
    .expect("text can be written");
    text
}
