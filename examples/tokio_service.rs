//! An HTTP service whose handlers block every worker of its runtime.
//!
//! ```text
//! cargo run --example tokio_service               handlers block: ends with 1
//! cargo run --example tokio_service -- --healthy  ends with 0
//! ```
//!
//! No timer of the runtime fires while its workers are blocked, so a timeout
//! around its graceful shutdown never fires. The tasks here run on threads of
//! their own: they flush the journal, and the process ends on time.
//!
//! The program makes its own requests, and requests its own shutdown.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use deadstop::{Phase, Shutdown};
use tokio::net::TcpListener;
use tokio::runtime;

fn main() -> Result<(), Box<dyn Error>> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let healthy = std::env::args().any(|argument| argument == "--healthy");
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(4))
        .phase(Phase::DRAIN.budget(Duration::from_secs(2)))
        .phase(Phase::FLUSH.reserve(Duration::from_secs(1)))
        .install()?;

    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
    let address = listener.local_addr()?;
    println!("serving on http://{address}");

    let service = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/report", get(report));
    let requested = shutdown.requested();
    let (drained, is_drained) = mpsc::channel();
    runtime.spawn(async move {
        let served = axum::serve(listener, service).with_graceful_shutdown(requested);
        // Only the task below receives this, and it may have been abandoned.
        let _ = drained.send(served.await);
    });

    shutdown
        .task("drain connections")
        .phase(Phase::DRAIN)
        .on_shutdown(move |cx| {
            cx.progress("waiting for requests to be answered");
            is_drained
                .recv()
                .map_err(|_| "the runtime is gone".to_owned())
                .and_then(|served| served.map_err(|error| error.to_string()))
        })?;
    shutdown
        .task("flush the journal")
        .phase(Phase::FLUSH)
        .on_shutdown(|cx| println!("the journal is flushed, with {:.1?} left", cx.remaining()))?;

    thread::spawn(move || visit(address, healthy));
    // Not `wait` and `return`: dropping the runtime would wait for its workers.
    shutdown.wait_and_exit()
}

/// A handler that blocks its thread, which is a worker of the runtime.
async fn report() -> &'static str {
    thread::sleep(Duration::from_secs(3600));
    "the report"
}

/// Makes some requests, and asks the process to stop.
fn visit(address: SocketAddr, healthy: bool) {
    println!("GET / -> {}", ask(address, "/").unwrap_or_default());
    if !healthy {
        println!("GET /report, four times");
        for _ in 0..4 {
            thread::spawn(move || ask(address, "/report"));
        }
    }
    thread::sleep(Duration::from_secs(1));
    let process = std::process::id().to_string();
    println!("$ kill -TERM {process}");
    let kill = Command::new("kill").args(["-TERM", &process]).status();
    assert!(
        kill.is_ok_and(|status| status.success()),
        "kill(1) is there"
    );
}

/// The body of what the service answers.
fn ask(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some(body.to_owned())
}
