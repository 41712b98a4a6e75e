//! A server on hyper alone, for HTTP/1 and HTTP/2 on one port.
//!
//! ```text
//! cargo run --bin hyper_server              then Ctrl-C
//! ```

#![expect(clippy::print_stdout, reason = "it talks to the user")]

use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use deadstop::drain::Gate;
use deadstop::{Phase, Shutdown};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower_layer::Layer;

fn main() -> Result<(), Box<dyn Error>> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let runtime = Runtime::new()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    println!("listens on {}", listener.local_addr()?);
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(20))
        .install()?;
    let gate = shutdown
        .gate("http requests")
        .budget(Duration::from_secs(2))
        .open()?;
    shutdown
        .task("http")
        .phase(Phase::DRAIN)
        .drive(&runtime, serve(listener, gate))?;
    println!("ready");
    shutdown.wait_and_exit()
}

/// Serves until the gate closes. Then `Connection: close` and GOAWAY tell clients to go
/// elsewhere, and what is in flight is answered.
async fn serve(listener: TcpListener, gate: Gate) -> std::io::Result<()> {
    let server = auto::Builder::new(TokioExecutor::new());
    let connections = GracefulShutdown::new();
    let mut closing = gate.closing();
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            () = &mut closing => break,
        };
        let service = gate.layer().layer(tower::service_fn(answer));
        let service = TowerToHyperService::new(service);
        let connection = server
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        tokio::spawn(connections.watch(connection));
    }
    drop(listener);
    let answered = async {
        gate.drained().await;
        // The last answer is on its way to the socket.
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    tokio::select! {
        () = connections.shutdown() => {}
        // A connection without a whole request holds nothing up.
        () = answered => {}
    }
    Ok(())
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let text = match request.uri().path() {
        "/slow" => {
            println!("a request is in flight");
            tokio::time::sleep(Duration::from_millis(700)).await;
            "slow answer"
        }
        _ => "answer",
    };
    Ok(Response::new(Full::from(text)))
}
