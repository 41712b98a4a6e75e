use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use deadstop::Phase;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::{shutdown, victim, wait};

const PATIENCE: Duration = Duration::from_secs(20);

/// Serves until the gate closes.
fn serve() {
    let runtime = Runtime::new().expect("a runtime");
    let shutdown = shutdown(30);
    let gate = shutdown.gate("http requests").open().expect("it opens");
    let slow = || async {
        println!("a request is in flight");
        tokio::time::sleep(Duration::from_millis(500)).await;
        "slow answer"
    };
    let app = Router::new()
        .route("/", get(|| async { "answer" }))
        .route("/slow", get(slow))
        .layer(gate.layer());
    let bind = TcpListener::bind("127.0.0.1:0");
    let listener = runtime.block_on(bind).expect("a port is free");
    println!("listens on {}", listener.local_addr().expect("it is bound"));
    let served = async move {
        let serve = axum::serve(listener, app);
        serve.with_graceful_shutdown(gate.closing()).await
    };
    let task = shutdown.task("http").phase(Phase::DRAIN);
    task.drive(&runtime, served).expect("it is accepted");
    wait(&shutdown);
}

fn connect(line: &str) -> TcpStream {
    let address = line.rsplit_once(' ').expect("an address").1;
    let address: SocketAddr = address.parse().expect("an address");
    let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("it is set");
    stream
}

fn ask(stream: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is sent");
}

/// A running request must be answered completely, and its connection closed. An idle connection,
/// and one with half a request, must not delay the shutdown.
#[test]
fn request_in_flight_is_answered_and_idle_connections_delay_nothing() {
    let name = "http::request_in_flight_is_answered_and_idle_connections_delay_nothing";
    let mut victim = victim::start(name, serve);
    let line = victim.hear("listens on");
    victim.hear("ready");
    let mut kept_alive = connect(&line);
    ask(&mut kept_alive, "/");
    let mut answer = [0; 4096];
    let read = kept_alive.read(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer[..read]).to_lowercase();
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert!(!answer.contains("connection: close"), "{answer}");
    let _idle = connect(&line);
    let mut slow = connect(&line);
    ask(&mut slow, "/slow");
    victim.hear("a request is in flight");
    victim.send(libc::SIGTERM);
    let reads = thread::spawn(move || {
        let mut answer = String::new();
        slow.read_to_string(&mut answer).map(|_| answer)
    });
    let answer = reads.join().expect("it reads").expect("an answer");
    assert!(answer.ends_with("slow answer"), "{answer}");
    assert!(
        answer.to_lowercase().contains("connection: close"),
        "{answer}"
    );
    let ended = victim.wait();
    ended.assert_status(0);
    assert!(ended.after < Duration::from_secs(20), "{ended:#?}");
}
