//! Draws a shutdown: which task ran when, against its budget, and which one
//! hung.
//!
//! ```text
//! cargo run --example timeline -- report.json > timeline.svg
//! cargo run --example timeline -- --html report.json > report.html
//! cargo run --example timeline -- --demo > timeline.svg
//! ```
//!
//! It reads the report that a program writes for tools,
//!
//! ```text
//! Shutdown::builder().sinks(Sinks::new().json("report.json"))
//! ```
//!
//! and a `ShutdownReport` serialized with the feature `serde`. With `--demo` it runs a service
//! that hangs, and draws that report; a file name after `--demo` keeps the report there. The same
//! report makes the same drawing.

#![expect(clippy::print_stderr, reason = "a program for a terminal")]

mod demo;
mod draw;
mod layout;
mod page;
mod report;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod timeline;

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::{env, fs, io};

use report::Report;
use timeline::Timeline;

const USAGE: &str = "\
usage: timeline REPORT.json > timeline.svg
       timeline --html REPORT.json > report.html
       timeline --demo [REPORT.json] > timeline.svg

A program that hangs at its end writes such a file, to the path that it sets:
    Shutdown::builder().sinks(Sinks::new().json(\"report.json\"))
One that ends in time can write its ShutdownReport, with the feature `serde`.
With --demo a service that hangs is run first, and its report is drawn.";

/// Exit status after a command line that cannot be parsed.
const MISUSED: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(|word| word.to_str()).collect();
    let drawn = match words[..] {
        [Some(demo::SERVICE), Some(file)] => demo::service(Path::new(file)),
        [Some("--html"), Some(file)] => print_page(Path::new(file)),
        [Some("--demo")] => draw_demo(&left_by(process::id())),
        [Some("--demo"), _] => draw_demo(Path::new(&arguments[1])),
        [word] if !word.is_some_and(|word| word.starts_with('-')) => {
            draw_file(Path::new(&arguments[0]))
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(MISUSED);
        }
    };
    drawn.unwrap_or_else(|error| {
        eprintln!("timeline: {error}");
        ExitCode::FAILURE
    })
}

fn read(file: &Path) -> Result<Report, Box<dyn Error>> {
    let name = file.display();
    let json = fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    Ok(Report::read(&json).map_err(|error| format!("{name}: {error}"))?)
}

fn draw_file(file: &Path) -> Result<ExitCode, Box<dyn Error>> {
    print(&draw::draw(&Timeline::of(&read(file)?)))
}

fn print_page(file: &Path) -> Result<ExitCode, Box<dyn Error>> {
    print(&page::page(&read(file)?))
}

fn draw_demo(file: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let report = Report::read(&demo::report(file)?)?;
    print(&draw::draw(&Timeline::of(&report)))
}

fn print(output: &str) -> Result<ExitCode, Box<dyn Error>> {
    let printed = io::stdout().write_all(output.as_bytes());
    printed.map_err(|error| format!("could not write to standard output: {error}"))?;
    Ok(ExitCode::SUCCESS)
}

/// Path of the report if the command line names none.
fn left_by(process: u32) -> PathBuf {
    env::temp_dir().join(format!("timeline-{process}.json"))
}
