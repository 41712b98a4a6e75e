//! Progress of the campaign: a bar on a terminal, otherwise a line at intervals.

use std::io::{self, IsTerminal};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::load::Load;

/// The time between two lines.
const LINES: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    is_terminal: bool,
    said: Mutex<Instant>,
}

impl Progress {
    pub(crate) fn new(runs: usize) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let bar = match is_terminal {
            true => ProgressBar::new(runs as u64),
            false => ProgressBar::hidden(),
        };
        bar.set_length(runs as u64);
        let style = "{bar:40} {pos}/{len} {msg} {elapsed} of {duration}";
        bar.set_style(ProgressStyle::with_template(style).expect("a template"));
        Self {
            bar,
            is_terminal,
            said: Mutex::new(Instant::now()),
        }
    }

    pub(crate) fn under(&self, load: Load) {
        self.bar.set_message(load.to_string());
    }

    /// Counts one more run as done.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
        if self.is_terminal {
            return;
        }
        let mut said = self.said.lock().expect("no thread panics with the lock");
        if said.elapsed() >= LINES {
            *said = Instant::now();
            let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
            eprintln!("{done} of {all}, {}", self.bar.message());
        }
    }

    /// Prints a line above the bar.
    pub(crate) fn say(&self, line: &str) {
        match self.is_terminal {
            true => self.bar.println(line),
            false => eprintln!("{line}"),
        }
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
