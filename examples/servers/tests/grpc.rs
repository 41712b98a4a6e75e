//! A server on tonic: unary calls in flight are answered, a stream without an end is ended
//! with `UNAVAILABLE`, and clients get GOAWAY.

mod client;

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use client::process::{Process, wait_for};
use client::{GOAWAY, Recorder};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

fn server() -> (Process, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grpc_server"));
    let (mut server, address) = client::start(&mut command);
    server.hear("ready");
    (server, address)
}

async fn connect(address: SocketAddr) -> HealthClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    HealthClient::new(endpoint.connect().await.expect("it listens"))
}

fn check(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unary_call_in_flight_is_answered_and_the_client_gets_goaway() {
    let (mut server, address) = server();
    let recorder = Recorder::start(address);
    let mut client = connect(recorder.address).await;
    client.check(check("")).await.expect("an answer");
    assert!(!recorder.frames().contains(&GOAWAY));
    let mut slow = client.clone();
    let slow = tokio::spawn(async move { slow.check(check("slow")).await });
    server.hear("in flight");
    server.signal(libc::SIGTERM);
    wait_for("GOAWAY", || {
        recorder.frames().contains(&GOAWAY).then_some(())
    });
    slow.await.expect("no panic").expect("it is answered");
    let ended = server.ends();
    assert_eq!(ended.shell(), 0, "{ended:?}");
}

/// Beside it, a unary call: it is waited for, the stream is not.
#[tokio::test(flavor = "multi_thread")]
async fn endless_stream_ends_with_unavailable_and_does_not_cost_the_drain() {
    let (mut server, address) = server();
    let mut client = connect(address).await;
    let mut ticks = client
        .watch(check(""))
        .await
        .expect("a stream")
        .into_inner();
    assert!(ticks.message().await.expect("a tick").is_some());
    let mut slow = client.clone();
    let slow = tokio::spawn(async move { slow.check(check("slow")).await });
    server.hear("in flight");
    let begun = Instant::now();
    server.signal(libc::SIGTERM);
    let end = loop {
        match ticks.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a stream that ends early has a status"),
            Err(status) => break status,
        }
    };
    assert_eq!(end.code(), Code::Unavailable, "{end:?}");
    assert!(end.message().contains("shutting down"), "{end:?}");
    slow.await.expect("no panic").expect("it is answered");
    let ended = server.ends();
    assert_eq!(ended.shell(), 0, "{ended:?}");
    assert!(begun.elapsed() < Duration::from_secs(15), "{ended:?}");
}
