//! Decides what to answer, and renders it: a function of the request and the facts.

use std::fmt::Write;

use super::check::Verdict;
use super::facts::{BeatFacts, CheckFacts, Facts, NO_END};
use super::metrics::{self, Format};
use super::output::{Head, Output};
use super::request::{Route, Wanted};

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
            out.text("this is no request of HTTP/1\n");
            400
        }
        Route::TooLong => {
            out.text("the head of the request has more than 8 KiB or 64 lines\n");
            431
        }
    };
    let mut head = Head::new();
    // Writing into a fixed buffer does not fail.
    let _ = write!(
        head,
        "HTTP/1.1 {status} {}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n{}\r\n",
        reason(status),
        out.body_len(),
        if status == 405 {
            "Allow: GET, HEAD\r\n"
        } else {
            ""
        },
    );
    out.finish(head.bytes(), wanted.has_body);
    status
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
        out.text("; it does not count here\n");
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
        (true, true) => " ok: it does not count here: ",
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
mod tests {
    use std::time::Duration;

    use deadstop_core::Nanos;
    use deadstop_core::buffer::TextBuffer;

    use super::super::facts::{PhaseFacts, Stop};
    use super::*;

    struct Stacks;

    impl Sources for Stacks {
        fn stack(&mut self, beat: &BeatFacts, out: &mut Output) {
            out.add(format_args!("    stack of thread {}\n", beat.tid));
        }

        fn status(&mut self, _: &mut Output) -> bool {
            false
        }
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn facts() -> Facts {
        Facts {
            now: Nanos(1_000_000_000_000),
            is_ready: true,
            was_ready: true,
            ..Facts::with_room(4, 4, 4, 4)
        }
    }

    fn beat(name: &'static str, is_stalled: bool) -> BeatFacts {
        BeatFacts {
            name,
            age: seconds(7),
            limit: Some(seconds(5)),
            is_stalled,
            is_alive: !is_stalled,
            watched: 1,
            stalled: is_stalled.into(),
            stalls: 0,
            tid: 42,
            listed: 0,
        }
    }

    fn stop(facts: &mut Facts) {
        facts.stop = Some(Stop {
            begun: facts.now.saturating_sub(seconds(2)),
            deadline: Some(facts.now.saturating_add(seconds(8))),
        });
        let mut name = TextBuffer::new();
        name.text("drain");
        facts.phases.push(PhaseFacts {
            name,
            length: seconds(1),
            is_over: false,
        });
    }

    fn ask(target: &str, facts: &Facts) -> (u16, String) {
        let request = format!("GET {target} HTTP/1.1\r\n\r\n");
        let wanted = super::super::request::parse(request.as_bytes()).expect("it is complete");
        let mut out = Output::with_capacity(64 * 1024);
        let status = answer(&wanted, facts, &mut Stacks, &mut out);
        let bytes = std::str::from_utf8(out.bytes()).expect("it is text");
        let (head, body) = bytes.split_once("\r\n\r\n").expect("it has a head");
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
        (status, body.into())
    }

    #[test]
    fn healthy_program_answers_ok_and_lists_with_verbose() {
        let mut facts = facts();
        facts.beats.push(beat("consumer loop", false));
        for path in ["/livez", "/readyz", "/startupz"] {
            assert_eq!(ask(path, &facts), (200, "ok\n".into()), "{path}");
        }
        let (status, body) = ask("/livez?verbose", &facts);
        assert_eq!(status, 200);
        assert_eq!(
            body,
            "[+]ping ok\n[+]consumer loop ok: ticked in the last 7.000 s\nlivez check passed\n"
        );
    }

    #[test]
    fn stalled_heartbeat_fails_liveness_alone_with_its_name_age_and_stack() {
        let mut facts = facts();
        facts.beats.push(beat("consumer loop", true));
        assert_eq!(ask("/readyz", &facts).0, 200);
        let (status, body) = ask("/livez?verbose", &facts);
        assert_eq!(status, 503);
        assert_eq!(
            body,
            "[+]ping ok\n\
             [-]consumer loop failed: no tick for 7.000 s, allowed are 5.000 s\n    \
             stack of thread 42\n\
             livez check failed\n"
        );
        let (status, body) = ask("/livez", &facts);
        assert_eq!(status, 503);
        assert!(
            body.contains("[-]consumer loop failed") && !body.contains("stack"),
            "{body}"
        );
    }

    #[test]
    fn stall_that_is_only_reported_does_not_fail_liveness() {
        let mut facts = facts();
        facts.beats.push(BeatFacts {
            is_alive: true,
            ..beat("consumer loop", true)
        });
        assert_eq!(ask("/livez", &facts).0, 200);
        assert!(
            ask("/livez?verbose", &facts)
                .1
                .contains("it does not count")
        );
    }

    #[test]
    fn request_of_the_shutdown_fails_readiness_and_leaves_liveness() {
        let mut facts = facts();
        stop(&mut facts);
        assert_eq!(ask("/livez", &facts).0, 200);
        assert_eq!(ask("/startupz", &facts).0, 200);
        let (status, body) = ask("/readyz", &facts);
        assert_eq!(status, 503);
        let expected = "[-]shutdown failed: requested 2.000 s ago, in phase drain, \
                        deadline in 8.000 s\n";
        assert!(body.contains(expected), "{body}");
    }

    #[test]
    fn every_check_must_pass_for_readiness() {
        for (verdict, reason, text) in [
            (Verdict::Pending, "", "has not returned yet"),
            (Verdict::Failed, "", "[-]database failed\n"),
            (Verdict::Failed, "refused", "[-]database failed: refused\n"),
            (Verdict::Hangs(seconds(3)), "", "not returned for 3.000 s"),
        ] {
            let mut facts = facts();
            let mut text_of = TextBuffer::new();
            text_of.text(reason);
            facts.checks.push(CheckFacts {
                name: "database",
                verdict,
                reason: text_of,
            });
            let (status, body) = ask("/readyz", &facts);
            assert_eq!(status, 503);
            assert!(body.contains(text), "{body}");
            assert_eq!(ask("/livez", &facts).0, 200);
            facts.checks[0].verdict = Verdict::Passed;
            assert_eq!(ask("/readyz", &facts).0, 200);
        }
    }

    #[test]
    fn program_that_is_not_ready_fails_readiness_and_startup_only_before_the_first_time() {
        let mut facts = facts();
        facts.is_ready = false;
        assert_eq!(
            (ask("/readyz", &facts).0, ask("/startupz", &facts).0),
            (503, 200)
        );
        facts.was_ready = false;
        assert_eq!(ask("/startupz", &facts).0, 503);
    }

    #[test]
    fn other_requests_have_their_statuses() {
        let facts = facts();
        assert_eq!(ask("/", &facts).0, 404);
        assert_eq!(ask("/status", &facts).0, 503);
        let mut out = Output::with_capacity(1024);
        for (route, status) in [
            (Route::MethodRefused, 405),
            (Route::Malformed, 400),
            (Route::TooLong, 431),
            (Route::Late, 503),
        ] {
            let wanted = Wanted::refusal(route);
            assert_eq!(answer(&wanted, &facts, &mut Stacks, &mut out), status);
        }
    }

    #[test]
    fn head_request_gets_the_length_without_the_body() {
        let wanted = super::super::request::parse(b"HEAD /livez HTTP/1.1\r\n\r\n");
        let mut out = Output::with_capacity(1024);
        answer(
            &wanted.expect("it is complete"),
            &facts(),
            &mut Stacks,
            &mut out,
        );
        let text = std::str::from_utf8(out.bytes()).expect("it is text");
        assert!(
            text.contains("Content-Length: 3\r\n") && text.ends_with("\r\n\r\n"),
            "{text}"
        );
    }
}
