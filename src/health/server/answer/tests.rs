use std::time::Duration;

use deadstop_core::Nanos;
use deadstop_core::buffer::TextBuffer;

use super::facts::{PhaseFacts, Stop};
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
    let wanted = parse(request.as_bytes()).expect("it is complete");
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
            .contains("does not count for liveness")
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
    let wanted = parse(b"HEAD /livez HTTP/1.1\r\n\r\n");
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
