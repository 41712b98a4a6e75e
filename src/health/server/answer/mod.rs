//! Decides what to answer, and renders it: a function of the request and the facts.

mod facts;
mod metrics;
mod output;
mod request;

use std::fmt::Write;

use self::facts::NO_END;
use self::metrics::Format;
use self::output::Head;
use super::check::Verdict;

pub(super) use self::facts::{
    BeatFacts, CheckFacts, Facts, PhaseFacts, Served, Stop, TaskFacts, push,
};
pub(super) use self::output::Output;
pub(super) use self::request::{Route, Wanted, parse};

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// The paths, for a client that asks for another one.
const INDEX: &str = "not found; there are /livez, /readyz, /startupz (all with ?verbose), \
                     /metrics and /status\n";

/// The sources of those parts of an answer that are expensive to make.
pub(super) trait Sources {
    /// Adds what is known of the thread of a stalled heartbeat, each line indented.
    fn stack(&mut self, beat: &BeatFacts, out: &mut Output);
    /// Adds the status report, if there is one.
    fn status(&mut self, out: &mut Output) -> bool;
}

/// Renders the answer into `out`, and returns its status.
pub(super) fn answer(
    wanted: &Wanted,
    facts: &Facts,
    sources: &mut dyn Sources,
    out: &mut Output,
) -> u16 {
    out.clear();
    let mut content_type = TEXT;
    let status = match wanted.route {
        Route::Live => live(wanted, facts, sources, out),
        Route::Ready => ready(wanted, facts, out),
        Route::Startup => startup(wanted, facts, out),
        Route::Metrics => {
            let format = Format::of(wanted.wants_open_metrics);
            content_type = format.content_type();
            metrics::render(facts, format, out);
            200
        }
        Route::Status if sources.status(out) => {
            content_type = JSON;
            200
        }
        Route::Status | Route::Late => {
            out.text("the reporter is busy or stuck; /livez?verbose works without it\n");
            503
        }
        Route::NotFound => {
            out.text(INDEX);
            404
        }
        Route::MethodRefused => {
            out.text("only GET and HEAD are allowed\n");
            405
        }
        Route::Malformed => {
            out.text("this is not an HTTP/1 request\n");
            400
        }
        Route::TooLong => {
            out.text("the head of the request has more than 8 KiB or 64 lines\n");
            431
        }
    };
    let head = head(status, content_type, out.body_len());
    out.finish(head.bytes(), wanted.has_body);
    status
}

fn head(status: u16, content_type: &str, body_len: usize) -> Head {
    let mut head = Head::new();
    let allowed = match status {
        405 => "Allow: GET, HEAD\r\n",
        _ => "",
    };
    // Writing into a fixed buffer does not fail.
    let _ = write!(
        head,
        "HTTP/1.1 {status} {}\r\nContent-Type: {content_type}\r\nContent-Length: {body_len}\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n{allowed}\r\n",
        reason(status),
    );
    head
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        431 => "Request Header Fields Too Large",
        _ => "Service Unavailable",
    }
}

/// Ends a list of checks in Kubernetes' form, or leaves `ok` alone.
fn close(name: &str, passed: bool, wanted: &Wanted, out: &mut Output) -> u16 {
    if passed && !wanted.is_verbose {
        out.clear();
        out.text("ok\n");
        return 200;
    }
    let word = if passed { "passed" } else { "failed" };
    out.add(format_args!("{name} check {word}\n"));
    if passed { 200 } else { 503 }
}

fn live(wanted: &Wanted, facts: &Facts, sources: &mut dyn Sources, out: &mut Output) -> u16 {
    out.text("[+]ping ok\n");
    if facts.stop.is_some() {
        out.text("[+]shutdown ok: ");
        stopping(facts, out);
        out.text("; liveness does not depend on it\n");
    }
    for beat in &facts.beats {
        heartbeat(beat, out);
        if beat.is_stalled && wanted.is_verbose {
            sources.stack(beat, out);
        }
    }
    let passed = facts.beats.iter().all(|beat| beat.is_alive);
    close("livez", passed, wanted, out)
}

fn heartbeat(beat: &BeatFacts, out: &mut Output) {
    out.text(if beat.is_alive { "[+]" } else { "[-]" });
    out.name(beat.name);
    out.text(match (beat.is_alive, beat.is_stalled) {
        (false, _) => " failed: ",
        (true, false) => " ok: ",
        (true, true) => " ok: its stall does not count for liveness: ",
    });
    match (beat.is_stalled, beat.limit) {
        (_, None) => out.text("paused for ").seconds(beat.age),
        (false, _) => out.text("ticked in the last ").seconds(beat.age),
        (true, Some(limit)) => out
            .text("no tick for ")
            .seconds(beat.age)
            .text(" s, allowed are ")
            .seconds(limit),
    };
    out.text(" s\n");
}

fn ready(wanted: &Wanted, facts: &Facts, out: &mut Output) -> u16 {
    match facts.is_ready {
        true => out.text("[+]ready ok\n"),
        false => out.text("[-]ready failed: the program has not said that it is ready\n"),
    };
    match facts.stop {
        None => {
            out.text("[+]shutdown ok: not requested\n");
        }
        Some(_) => {
            out.text("[-]shutdown failed: ");
            stopping(facts, out);
            out.text("\n");
        }
    }
    for check in &facts.checks {
        dependency(check, out);
    }
    let checked = |check: &CheckFacts| check.verdict == Verdict::Passed;
    let passed = facts.is_ready && facts.stop.is_none() && facts.checks.iter().all(checked);
    close("readyz", passed, wanted, out)
}

fn dependency(check: &CheckFacts, out: &mut Output) {
    let passed = check.verdict == Verdict::Passed;
    out.text(if passed { "[+]" } else { "[-]" });
    out.name(check.name);
    match check.verdict {
        Verdict::Passed => out.text(" ok"),
        Verdict::Pending => out.text(" failed: it has not returned yet"),
        Verdict::Hangs(length) => out
            .text(" failed: it has not returned for ")
            .seconds(length)
            .text(" s"),
        Verdict::Failed if check.reason.as_str().is_empty() => out.text(" failed"),
        Verdict::Failed => out.text(" failed: ").name(check.reason.as_str()),
    };
    out.text("\n");
}

fn startup(wanted: &Wanted, facts: &Facts, out: &mut Output) -> u16 {
    match facts.was_ready {
        true => out.text("[+]startup ok\n"),
        false => out.text("[-]startup failed: the program has not said that it is ready\n"),
    };
    close("startupz", facts.was_ready, wanted, out)
}

/// Adds `requested 1.204 s ago, in phase drain, deadline in 8.796 s`.
fn stopping(facts: &Facts, out: &mut Output) {
    let Some(stop) = facts.stop else {
        return;
    };
    out.text("requested ")
        .seconds(facts.now.since(stop.begun))
        .text(" s ago");
    if let Some(phase) = facts.phase() {
        out.text(", in phase ").name(phase.name.as_str());
    }
    match stop.deadline.map(|deadline| deadline.since(facts.now)) {
        Some(left) if left < NO_END => out.text(", deadline in ").seconds(left).text(" s"),
        _ => out.text(", no deadline"),
    };
}

#[cfg(test)]
mod tests;
