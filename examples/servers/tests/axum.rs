//! A server on axum, whose clients keep connections, listen to events,
//! hold WebSockets, or send half a request.

mod client;

use std::io::Write;
use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use client::process::{Process, SOON};
use client::{MS, address, ask, connect, read_to_end, read_until};

fn server(option: Option<&str>) -> (Process, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_axum_server"));
    let (mut server, address) = client::start(command.args(option));
    server.hear("ready");
    (server, address)
}

/// A connection that was used, one that was not, and one with half a request: none costs
/// the drain a moment.
#[test]
fn connections_without_a_whole_request_hold_nothing_up() {
    let (mut server, address) = server(None);
    let kept = connect(address);
    ask(&kept, "/");
    let answer = read_until(&kept, "answer");
    assert!(!answer.contains("connection: close"), "{answer}");
    let _idle = connect(address);
    let mut half = connect(address);
    half.write_all(b"GET /slow HTTP/1.1\r\nHost: te")
        .expect("it is sent");
    thread::sleep(50 * MS);
    server.signal(libc::SIGTERM);
    let begun = Instant::now();
    let ended = server.ends();
    assert_eq!(ended.shell(), 0, "{ended:?}");
    assert!(begun.elapsed() < Duration::from_secs(15), "{ended:?}");
}

/// The control: axum's graceful shutdown waits for the half request.
#[test]
fn control_half_a_request_holds_a_plain_server_up() {
    let (mut server, address) = server(Some("--plain"));
    let mut half = connect(address);
    half.write_all(b"GET /slow HTTP/1.1\r\nHost: te")
        .expect("it is sent");
    thread::sleep(50 * MS);
    server.signal(libc::SIGTERM);
    assert!(server.ends_within(Duration::from_secs(5)).is_none());
}

/// Several connections at once; each answer is whole, and closes its connection.
#[test]
fn requests_in_flight_are_answered_and_close_their_connections() {
    let (mut server, address) = server(None);
    let slow: Vec<_> = (0..5)
        .map(|_| {
            let stream = connect(address);
            ask(&stream, "/slow");
            server.hear("in flight");
            stream
        })
        .collect();
    server.signal(libc::SIGTERM);
    for stream in &slow {
        let answer = read_to_end(stream);
        assert!(answer.ends_with("slow answer"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    let ended = server.ends();
    assert_eq!(ended.shell(), 0, "{ended:?}");
}

#[test]
fn request_without_an_answer_costs_the_budget_and_is_named() {
    let (mut server, address) = server(None);
    let never = connect(address);
    ask(&never, "/never");
    server.hear("in flight");
    server.signal(libc::SIGTERM);
    let ended = server.ends();
    assert_eq!(ended.shell(), 1, "{ended:?}");
    assert!(ended.stderr.contains("GET /never"), "{ended:?}");
    assert!(ended.stderr.contains("1 in flight"), "{ended:?}");
}

/// The control of endless events: a plain server never ends.
#[test]
fn control_endless_events_hold_a_plain_server_up() {
    let (mut server, address) = server(Some("--plain"));
    let events = connect(address);
    ask(&events, "/events");
    read_until(&events, "tick");
    server.signal(libc::SIGTERM);
    assert!(server.ends_within(Duration::from_secs(5)).is_none());
}

#[test]
fn endless_events_end_at_the_drain_with_a_whole_body() {
    let (mut server, address) = server(None);
    let events = connect(address);
    ask(&events, "/events");
    read_until(&events, "tick");
    server.signal(libc::SIGTERM);
    let rest = read_to_end(&events);
    // The last chunk of a body that is complete.
    assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
    let ended = server.ends();
    assert_eq!(ended.shell(), 0, "{ended:?}");
}

#[test]
fn websocket_is_closed_at_the_drain() {
    let (mut server, address) = server(None);
    let (mut socket, _) = tungstenite::client(format!("ws://{address}/socket"), connect(address))
        .expect("it is upgraded");
    socket.send("hello".into()).expect("it is sent");
    let echo = socket.read().expect("an echo");
    assert_eq!(echo.into_text().expect("a text"), "hello");
    server.signal(libc::SIGTERM);
    let message = socket.read().expect("a message");
    assert!(message.is_close(), "{message:?}");
    let ended = server.ends();
    assert_eq!(ended.shell(), 0, "{ended:?}");
}

/// Readiness is "no", and requests are still answered; some ask for a new connection.
#[test]
fn server_that_keeps_accepting_is_not_ready_and_answers() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_axum_server"));
    let command = command.env("KEEP_ACCEPTING_MS", "3000");
    let (mut server, service) = client::start(command);
    let health = address(&server.hear("health on "));
    server.hear("ready");
    let ready = || {
        let probe = connect(health);
        ask(&probe, "/readyz");
        read_until(&probe, "\r\n").contains(" 200 ")
    };
    assert!(ready());
    server.signal(libc::SIGTERM);
    let begun = Instant::now();
    while ready() {
        assert!(begun.elapsed() < SOON);
    }
    let (mut answered, mut closes) = (0, 0);
    while begun.elapsed() < Duration::from_secs(2) {
        let request = connect(service);
        ask(&request, "/");
        let answer = read_until(&request, "\r\n\r\n");
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
        answered += 1;
        closes += u32::from(answer.contains("connection: close"));
        thread::sleep(MS);
    }
    assert!(
        answered >= 10 && closes > 0 && closes < answered,
        "{closes} of {answered}"
    );
    let ended = server.ends();
    assert_eq!(ended.shell(), 0, "{ended:?}");
    assert!(begun.elapsed() >= Duration::from_secs(3));
}
