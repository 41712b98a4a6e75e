//! A server on hyper: it asks HTTP/1 and HTTP/2 clients to go elsewhere, and answers
//! what is in flight.

mod client;

use std::net::SocketAddr;
use std::process::Command;

use client::process::{Process, wait_for};
use client::{GOAWAY, Recorder, ask, connect, read_to_end, read_until};
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};

fn server() -> (Process, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hyper_server"));
    let (mut server, address) = client::start(&mut command);
    server.hear("ready");
    (server, address)
}

#[test]
fn http_1_answer_in_flight_is_whole_and_closes_its_connection() {
    let (mut server, address) = server();
    let kept = connect(address);
    ask(&kept, "/");
    let answer = read_until(&kept, "answer");
    assert!(!answer.contains("connection: close"), "{answer}");
    let slow = connect(address);
    ask(&slow, "/slow");
    server.hear("in flight");
    server.signal(libc::SIGTERM);
    let answer = read_to_end(&slow);
    assert!(answer.ends_with("slow answer"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    let ended = server.ends();
    assert_eq!(ended.shell(), 0, "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_client_gets_goaway_and_its_answers_in_flight() {
    let (mut server, address) = server();
    let recorder = Recorder::start(address);
    let stream = tokio::net::TcpStream::connect(recorder.address)
        .await
        .expect("it listens");
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let request = |path: &str| {
        let request = Request::get(format!("http://test{path}"));
        request
            .body(Empty::<bytes::Bytes>::new())
            .expect("a request")
    };
    let first = sender.send_request(request("/")).await.expect("an answer");
    assert_eq!(first.status(), 200);
    assert!(!recorder.frames().contains(&GOAWAY));
    let slow = [
        sender.send_request(request("/slow")),
        sender.send_request(request("/slow")),
    ];
    let slow = slow.map(tokio::spawn);
    for _ in &slow {
        server.hear("in flight");
    }
    server.signal(libc::SIGTERM);
    wait_for("GOAWAY", || {
        recorder.frames().contains(&GOAWAY).then_some(())
    });
    for answer in slow {
        let answer = answer.await.expect("no panic").expect("an answer");
        assert_eq!(answer.status(), 200);
        let body = answer.into_body().collect().await.expect("a body");
        assert_eq!(body.to_bytes(), "slow answer");
    }
    let ended = server.ends();
    assert_eq!(ended.shell(), 0, "{ended:?}");
    let _ = connection.await.expect("no panic");
    assert!(sender.send_request(request("/")).await.is_err());
}
