//! A typical service: an HTTP API, jobs, a child process, redis, a pid file and a unix
//! socket.
//!
//! ```text
//! redis-server --port 6379 &
//! cargo run --bin service              then Ctrl-C
//! ```

use std::error::Error;
use std::os::unix::net::UnixListener;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, fs, thread};

use axum::extract::State;
use axum::{Router, routing::get};
use deadstop::drain::Pool;
use deadstop::{Panics, Phase, Shutdown};
use tokio::net::TcpListener;

type Redis = Arc<Mutex<redis::Connection>>;

#[derive(Clone)]
struct App {
    orders: Pool,
    redis: Redis,
}

fn variable(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let shutdown = Shutdown::builder()
        .grace_from_env("SHUTDOWN_GRACE", Duration::from_secs(25))
        .panics(Panics::Shutdown)
        .install()?;

    let (pid, socket) = (
        variable("PIDFILE", "service.pid"),
        variable("SOCKET", "service.sock"),
    );
    fs::write(&pid, std::process::id().to_string())?;
    shutdown.remove_file(&pid)?;
    let _ = fs::remove_file(&socket);
    let control = UnixListener::bind(&socket)?;
    shutdown.remove_file(&socket)?;
    thread::Builder::new()
        .name("control".into())
        .spawn(move || {
            control.incoming().flatten().for_each(drop);
        })?;

    let client = redis::Client::open(variable("REDIS", "redis://127.0.0.1:6379/"))?;
    let redis: Redis = Arc::new(Mutex::new(client.get_connection()?));
    run(&redis, redis::cmd("SET").arg("service:me").arg(1))?;
    shutdown
        .resource("registration in redis", Arc::clone(&redis))
        .phase(Phase::FLUSH)
        .close(|redis| run(redis, redis::cmd("DEL").arg("service:me")))?;

    // Orders, one after another; thumbnails, two at a time.
    let orders = shutdown.pool("orders").threads(1).queue(4).start()?;
    let thumbnails = shutdown.pool("thumbnails").threads(2).queue(0).start()?;
    shutdown.keep("thumbnail feeder").spawn(move |cx| {
        while !cx.sleep(Duration::from_millis(20)) {
            // Refused while both threads are busy.
            let _ = thumbnails.execute(|| thread::sleep(Duration::from_millis(300)));
        }
    })?;

    let mut encoder = Command::new("sh");
    encoder.args(["-c", &variable("ENCODER", "exec sleep 10000")]);
    shutdown.child("encoder", encoder)?;

    let gate = shutdown.gate("http requests").open()?;
    let app = Router::new()
        .route("/", get(async || "hello\n"))
        .route("/slow", get(slow))
        .route("/order", get(order))
        .with_state(App { orders, redis })
        .layer(gate.layer());
    let runtime = tokio::runtime::Runtime::new()?;
    let listener = runtime.block_on(TcpListener::bind(variable("LISTEN", "127.0.0.1:8080")))?;
    log::info!("listens on {}", listener.local_addr()?);
    let served = async move {
        let server = axum::serve(listener, app);
        server.with_graceful_shutdown(gate.closing()).await
    };
    shutdown
        .task("http")
        .phase(Phase::DRAIN)
        .drive(&runtime, served)?;
    let health = shutdown
        .health()
        .bind(variable("HEALTH", "127.0.0.1:8086"))
        .start()?;
    health.set_ready();
    shutdown.wait_and_exit()
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_secs(3)).await;
    "slow\n"
}

async fn order(State(app): State<App>) -> &'static str {
    let job = move || {
        thread::sleep(Duration::from_millis(100));
        if let Err(error) = run(&app.redis, redis::cmd("INCR").arg("service:orders")) {
            log::error!("order: {error}");
        }
    };
    match app.orders.execute(job) {
        Ok(_) => "accepted\n",
        Err(_) => "full\n",
    }
}

fn run(redis: &Redis, command: &redis::Cmd) -> Result<(), String> {
    let mut connection = redis.lock().map_err(|error| error.to_string())?;
    let ran = command.query::<redis::Value>(&mut *connection);
    ran.map(drop).map_err(|error| error.to_string())
}
