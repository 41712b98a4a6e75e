//! Sources of an answer that other threads write: stacks of stalled threads, the status report.

use std::time::Duration;

use deadstop_core::{Nanos, now};

use super::super::answer::{BeatFacts, Output, Sources};
use crate::process::{self, report_requests::Request};
use crate::reporting::{Document, SERVED, STALLED_STACKS, STALLED_TEXT, Served};

/// The age up to which a status report is sent again: making one interrupts threads.
const FRESH: Duration = Duration::from_secs(1);

/// The stacks and the status report.
pub(super) struct Reports {
    stack: Box<[u8; STALLED_TEXT]>,
    status: Status,
    /// The time at which the stored report came.
    came: Option<Nanos>,
}

/// The place of the status report's buffer.
enum Status {
    Here(Box<Document>),
    /// The reporter has it, and was asked to fill it.
    Asked,
}

impl Reports {
    pub(super) fn new() -> Self {
        Self {
            stack: Box::new([0; STALLED_TEXT]),
            status: Status::Here(Served::new_buffer()),
            came: None,
        }
    }

    /// Asks for a status report, unless a fresh one is here. Returns whether one is here.
    pub(super) fn ask(&mut self, now: Nanos) -> bool {
        self.poll(now);
        if self.came.is_some_and(|came| now.since(came) <= FRESH) {
            return true;
        }
        if let Status::Here(_) = self.status {
            if let Status::Here(buffer) = std::mem::replace(&mut self.status, Status::Asked) {
                SERVED.give(buffer);
                process::request_report(Request::Serve);
            }
        }
        false
    }

    /// Takes the report if it has come. Returns whether one is here.
    pub(super) fn poll(&mut self, now: Nanos) -> bool {
        if let (Status::Asked, Some(document)) = (&self.status, SERVED.take()) {
            self.status = Status::Here(document);
            self.came = Some(now);
        }
        self.came.is_some() && matches!(self.status, Status::Here(_))
    }
}

impl Sources for Reports {
    fn stack(&mut self, beat: &BeatFacts, out: &mut Output) {
        // The next answer has a newer stack, and names that were not found in time.
        self.ask(now());
        match (STALLED_STACKS.text(beat.listed, &mut self.stack), beat.tid) {
            (Some(text), _) => out.text(text),
            (None, 0) => out.text("    it has no thread of its own\n"),
            (None, tid) => out.add(format_args!("    thread {tid}: its stack is not known\n")),
        };
    }

    fn status(&mut self, out: &mut Output) -> bool {
        match (&self.status, self.came) {
            (Status::Here(document), Some(_)) => {
                out.push(document.bytes());
                true
            }
            _ => false,
        }
    }
}
