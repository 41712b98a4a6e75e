//! A server on axum: requests, server-sent events, WebSockets.
//!
//! ```text
//! cargo run --bin axum_server              then Ctrl-C
//! cargo run --bin axum_server -- --plain   the control: axum's graceful shutdown alone
//! ```
//!
//! `KEEP_ACCEPTING_MS` is for how long requests are admitted after the signal.

#![expect(clippy::print_stdout, reason = "it talks to the user")]

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::future::{self, IntoFuture};
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use deadstop::drain::{Gate, StreamGuard};
use deadstop::{Phase, Shutdown};
use futures_util::stream::{self, Stream};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::time::sleep;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let runtime = Runtime::new()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    println!("listens on {}", listener.local_addr()?);
    if env::args().nth(1).is_some_and(|option| option == "--plain") {
        return plain(&runtime, listener);
    }

    let keep = env::var("KEEP_ACCEPTING_MS").unwrap_or_else(|_| "0".to_owned());
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(20))
        // Before the phase in which listeners close.
        .phase(Phase::new("announce").before(Phase::UNBIND))
        .install()?;
    let gate = shutdown
        .gate("http requests")
        .keep_accepting(Duration::from_millis(keep.parse()?))
        .budget(Duration::from_secs(2))
        .open()?;
    let health = shutdown
        .health()
        .bind("127.0.0.1:0")
        .readiness_failure_threshold(0)
        .start()?;
    println!("health on {}", health.addresses()[0]);
    let app = routes()
        // The handler holds a guard of its own, since its work goes on after the response.
        .route("/socket", any(async move |upgrade| socket(upgrade, gate)))
        .layer(gate.layer());
    shutdown
        .task("http")
        .phase(Phase::DRAIN)
        .drive(&runtime, serve(listener, app, gate))?;
    health.set_ready();
    println!("ready");
    shutdown.wait_and_exit()
}

/// Serves until the gate closes, and then until each request is answered. A connection
/// without a whole request holds nothing up.
async fn serve(listener: TcpListener, app: Router, gate: Gate) -> std::io::Result<()> {
    let server = axum::serve(listener, app).with_graceful_shutdown(gate.closing());
    let answered = async {
        gate.drained().await;
        // The last answer is on its way to the socket.
        sleep(Duration::from_millis(200)).await;
    };
    tokio::select! {
        served = server.into_future() => served,
        () = answered => Ok(()),
    }
}

fn routes() -> Router {
    Router::new()
        .route("/", get(async || "answer"))
        .route("/slow", get(slow))
        .route("/never", get(never))
        .route("/events", get(async || Sse::new(ticks())))
}

async fn slow() -> &'static str {
    println!("a request is in flight");
    sleep(Duration::from_millis(700)).await;
    "slow answer"
}

async fn never() {
    println!("a request is in flight");
    future::pending().await
}

/// Server-sent events without an end.
fn ticks() -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((), async |()| {
        sleep(Duration::from_millis(50)).await;
        Some((Ok(Event::default().data("tick")), ()))
    })
}

fn socket(upgrade: WebSocketUpgrade, gate: Gate) -> Response {
    match gate.stream() {
        Ok(guard) => upgrade.on_upgrade(async move |socket| echo(socket, guard).await),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Answers messages until the client leaves or the gate closes.
async fn echo(mut socket: WebSocket, guard: StreamGuard) {
    loop {
        let message = tokio::select! {
            message = socket.recv() => message,
            () = guard.closing() => {
                let _ = socket.send(Message::Close(None)).await;
                return;
            }
        };
        match message {
            Some(Ok(Message::Text(text)))
                if socket.send(Message::Text(text.clone())).await.is_ok() => {}
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            _ => return,
        }
    }
}

/// The control.
fn plain(runtime: &Runtime, listener: TcpListener) -> Result<ExitCode, Box<dyn Error>> {
    let signal = async {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut term) = signal(SignalKind::terminate()) {
            term.recv().await;
        }
    };
    println!("ready");
    let server = axum::serve(listener, routes()).with_graceful_shutdown(signal);
    runtime.block_on(server.into_future())?;
    Ok(ExitCode::SUCCESS)
}
