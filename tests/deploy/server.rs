//! The HTTP server of the deployment tests: a page, a slow page, an event stream.
//!
//! ```text
//! deploy_server PORT HOW      HOW: deadstop | hang | handover | reuseport | framework | none
//! ```
//!
//! - `deadstop`: a gate that keeps accepting for two seconds after `SIGTERM`.
//! - `hang`: the same, and cleanup that never returns.
//! - `handover`: upon `SIGUSR2` it starts itself, passes its listener, and ends once the
//!   successor is ready. It takes the listener `http` from systemd too.
//! - `reuseport`: a listener with `SO_REUSEPORT`, closed at `SIGTERM`.
//! - `framework`: axum's own graceful shutdown, which closes the listener at once.
//! - `none`: `SIGTERM` ends the process.

#![expect(clippy::print_stdout, reason = "the driver reads it")]

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use axum::serve::Listener;
use deadstop::wait::Requested;
use deadstop::{Cause, Phase, RegisterError, Shutdown};
use futures::stream::{self, Stream};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::sleep;

const GRACE: Duration = Duration::from_secs(5);
const KEEP_ACCEPTING: Duration = Duration::from_secs(2);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().ok_or("no port")?.parse()?;
    let how = arguments.next().ok_or("no way to shut down")?;
    match how.as_str() {
        "deadstop" => with_deadstop(port, false),
        "hang" => with_deadstop(port, true),
        "handover" => with_hand_over(port),
        "reuseport" => with_reuse_port(port),
        "framework" => with_the_framework(port),
        "none" => with_nothing(port),
        other => Err(format!("{other} is not known").into()),
    }
}

fn app() -> Router {
    Router::new()
        .route("/", get(|| async { "page" }))
        .route("/slow", get(slow))
        .route("/events", get(|| async { Sse::new(events()) }))
}

async fn slow() -> &'static str {
    sleep(Duration::from_millis(300)).await;
    "slow page"
}

fn events() -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((), |()| async {
        sleep(Duration::from_millis(50)).await;
        Some((Ok(Event::default().data("tick")), ()))
    })
}

/// Has the shutdown wait for the server: when the gate is empty, the last bytes of an answer
/// may not have been written yet.
fn wait_for(shutdown: &Shutdown, server: JoinHandle<io::Result<()>>) -> Result<(), RegisterError> {
    let task = shutdown.task("http server").phase(Phase::DRAIN);
    task.on_shutdown_async(|_| async move {
        let _ = server.await;
    })?;
    Ok(())
}

fn with_deadstop(port: u16, hangs: bool) -> Result<(), Box<dyn Error>> {
    let shutdown = Shutdown::builder().grace(GRACE).install()?;
    let gate = shutdown
        .gate("http requests")
        .keep_accepting(KEEP_ACCEPTING)
        .open()?;
    if hangs {
        let forever = || loop {
            thread::park();
        };
        shutdown
            .task("close the client")
            .phase(Phase::CLOSE)
            .on_shutdown(move |_| forever())?;
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)))?;
    let app = app().layer(gate.layer());
    let served = axum::serve(listener, app).with_graceful_shutdown(gate.closing());
    wait_for(&shutdown, runtime.spawn(served.into_future()))?;
    println!("ready");
    shutdown.wait_and_exit()
}

fn with_hand_over(port: u16) -> Result<(), Box<dyn Error>> {
    let shutdown = Shutdown::builder().grace(GRACE).install()?;
    // The server stops accepting at the request. For a second more it serves connections that were
    // accepted just before, and whose request is on its way.
    let gate = shutdown
        .gate("http requests")
        .keep_accepting(Duration::from_secs(1))
        .open()?;
    let inherited = deadstop::handover::inherited()?;
    let listener = match inherited.tcp("http")? {
        Some(listener) => listener,
        None => std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?,
    };
    listener.set_nonblocking(true)?;
    let to_pass = listener.try_clone()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let _context = runtime.enter();
    let mut asked = signal(SignalKind::user_defined2())?;
    let app = app().layer(gate.layer());
    let listener = UntilRequested {
        listener: TcpListener::from_std(listener)?,
        requested: shutdown.requested(),
    };
    let served = axum::serve(listener, app).with_graceful_shutdown(gate.closing());
    wait_for(&shutdown, runtime.spawn(served.into_future()))?;
    let handing = shutdown.clone();
    runtime.spawn(async move {
        while asked.recv().await.is_some() {
            let arguments = std::env::args_os().skip(1);
            let program = std::env::current_exe().expect("it has a path");
            let successor = handing.hand_over(program).args(arguments);
            let successor = successor.listener("http", &to_pass);
            // `start` blocks until the successor is ready.
            match tokio::task::spawn_blocking(|| successor.start()).await {
                Ok(Ok(successor)) => {
                    println!("successor {}", successor.pid());
                    handing.request(Cause::requested("a successor took over"));
                }
                other => println!("goes on: {other:?}"),
            }
        }
    });
    shutdown.set_ready();
    println!("ready {}", std::process::id());
    shutdown.wait_and_exit()
}

/// A listener that accepts until the request. axum's graceful shutdown would close
/// connections whose request has not arrived.
struct UntilRequested {
    listener: TcpListener,
    requested: Requested,
}

impl Listener for UntilRequested {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        tokio::select! {
            biased;
            () = &mut self.requested => std::future::pending().await,
            accepted = Listener::accept(&mut self.listener) => accepted,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

fn with_reuse_port(port: u16) -> Result<(), Box<dyn Error>> {
    let shutdown = Shutdown::builder().grace(GRACE).install()?;
    let gate = shutdown
        .gate("http requests")
        .keep_accepting(Duration::from_secs(1))
        .open()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let _context = runtime.enter();
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.set_reuseport(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    let served = axum::serve(socket.listen(1024)?, app().layer(gate.layer()));
    let served = served.with_graceful_shutdown(shutdown.requested());
    wait_for(&shutdown, runtime.spawn(served.into_future()))?;
    println!("ready {}", std::process::id());
    shutdown.wait_and_exit()
}

fn with_the_framework(port: u16) -> Result<(), Box<dyn Error>> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let mut terminated = signal(SignalKind::terminate())?;
        println!("ready");
        let requested = async move {
            terminated.recv().await;
        };
        axum::serve(listener, app())
            .with_graceful_shutdown(requested)
            .await?;
        Ok(())
    })
}

fn with_nothing(port: u16) -> Result<(), Box<dyn Error>> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        println!("ready");
        axum::serve(listener, app()).await?;
        Ok(())
    })
}
