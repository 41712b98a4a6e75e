//! Prints how the platform treats a program that is started in the same place as
//! this one: which supervisor stops it, how long it waits before it kills, and
//! whether its signals arrive.
//!
//! ```text
//! doctor [--grace 25s]
//! ```
//!
//! Start it as the entry point of an image, or in place of the program in a unit
//! file. It ends with status 1 if it finds a certain error, and with 0 otherwise.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints")]

use std::process::ExitCode;
use std::time::Duration;

use deadstop::platform::{self, Finding, Level, Platform, Program, SignalPath};

fn main() -> ExitCode {
    let grace = match grace() {
        Ok(grace) => grace,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    let platform = platform::detect();
    let findings = platform.findings(&Program::new(grace));
    print(&platform, grace, &findings);
    match findings.iter().any(Finding::is_certain_error) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

fn grace() -> Result<Duration, String> {
    const USAGE: &str = "usage: doctor [--grace 25s]";
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        None => Ok(Duration::from_secs(25)),
        Some("--grace") => {
            let value = arguments.next().ok_or(USAGE)?;
            humantime::parse_duration(&value).map_err(|error| format!("--grace {value}: {error}"))
        }
        Some(_) => Err(USAGE.to_owned()),
    }
}

fn print(platform: &Platform, grace: Duration, findings: &[Finding]) {
    println!(
        "A program with a grace of {grace:?}, started here as process {}:",
        std::process::id()
    );
    println!("  supervisors   {}", supervisors(platform));
    println!("  grace         {}", length(platform));
    println!("  signal path   {}", signal_path(platform.signal_path()));
    for level in [Level::Error, Level::Warning, Level::Info] {
        for finding in findings.iter().filter(|finding| finding.level == level) {
            println!("{level}: {finding}");
        }
    }
}

fn supervisors(platform: &Platform) -> String {
    let names: Vec<_> = platform
        .supervisions()
        .iter()
        .map(|seen| seen.supervisor().to_string())
        .collect();
    match names.is_empty() {
        true => "none recognized".to_owned(),
        false => names.join(", "),
    }
}

fn length(platform: &Platform) -> String {
    match platform.grace() {
        Some(grace) => {
            let sure = if grace.certain { "certain" } else { "guess" };
            format!("{:?} ({sure}: {})", grace.length, grace.source)
        }
        None => "not known".to_owned(),
    }
}

fn signal_path(path: &SignalPath) -> String {
    match path {
        SignalPath::Direct => "direct".to_owned(),
        SignalPath::Shell { pid, command, .. } => format!("through a shell: {command} (pid {pid})"),
        SignalPath::Program { pid, command, .. } => format!("through {command} (pid {pid})"),
        SignalPath::Unseen { why, .. } => format!("not visible: {why}"),
        other => format!("{other:?}"),
    }
}
