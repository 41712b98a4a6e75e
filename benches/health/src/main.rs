//! Answers per second and their times: deadstop's health server beside the same handler on
//! axum in the application's runtime.
//!
//! ```text
//! cargo run --release [SECONDS]
//! ```
//!
//! Three situations, each measured for both servers in one process: idle, beside 64 threads
//! that spin, and while the runtime's workers are blocked. One client asks, one connection
//! for each request, on loopback; an answer that takes longer than a second is a failure,
//! as for the kubelet.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use clap::Parser;
use deadstop::Shutdown;

const WORKERS: usize = 2;
const TIMEOUT: Duration = Duration::from_secs(1);

/// Compares deadstop's health server with the same handler on axum
#[derive(Parser)]
#[command(bin_name = "cargo run --release --")]
struct Arguments {
    /// Time for each server in each situation
    #[arg(default_value_t = 5)]
    seconds: u64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let length = Duration::from_secs(Arguments::parse().seconds);
    let shutdown = Shutdown::builder().signals([]).install()?;
    let health = shutdown.health().bind("127.0.0.1:0").start()?;
    let beat = shutdown
        .heartbeat("loop")
        .every(Duration::from_secs(600))
        .start()?;
    println!("tick: {:.2} ns", tick(&beat));

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_io()
        .build()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let axum_at = listener.local_addr()?;
    let router = Router::new().route("/livez", get(|| async { "ok\n" }));
    runtime.spawn(async move { axum::serve(listener, router).await });

    let ours = health.addresses()[0];
    println!("situation,server,answers per second,p50 us,p99 us,max us,failures");
    measure("idle", ours, axum_at, length);
    let spinning = Spinners::start(64);
    measure("64 spinners", ours, axum_at, length);
    spinning.stop();
    for _ in 0..WORKERS {
        runtime.spawn(async { thread::sleep(Duration::from_secs(3600)) });
    }
    thread::sleep(Duration::from_millis(200));
    measure("runtime blocked", ours, axum_at, length);
    std::process::exit(0);
}

fn measure(situation: &str, ours: SocketAddr, axum_at: SocketAddr, length: Duration) {
    for (server, address) in [("deadstop", ours), ("axum", axum_at)] {
        let mut times = Vec::new();
        let mut failures = 0;
        let begun = Instant::now();
        while begun.elapsed() < length {
            let asked = Instant::now();
            match ask(address) {
                Ok(()) => times.push(asked.elapsed()),
                Err(_) => failures += 1,
            }
        }
        let per_second = times.len() as f64 / begun.elapsed().as_secs_f64();
        times.sort_unstable();
        let at = |part: f64| {
            let place = ((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1));
            times.get(place).map_or(0, Duration::as_micros)
        };
        println!(
            "{situation},{server},{per_second:.0},{},{},{},{failures}",
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
}

fn ask(address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut answer = [0; 1024];
    let mut len = 0;
    loop {
        match stream.read(&mut answer[len..])? {
            0 => break,
            read => len += read,
        }
    }
    match answer.starts_with(b"HTTP/1.1 200") {
        true => Ok(()),
        false => Err(std::io::Error::other("no answer")),
    }
}

/// The best of some rounds, in nanoseconds.
fn tick(beat: &deadstop::health::Heartbeat) -> f64 {
    const TICKS: u32 = 1_000_000;
    let round = || {
        let begun = Instant::now();
        for _ in 0..TICKS {
            std::hint::black_box(beat).tick();
        }
        begun.elapsed().as_secs_f64() * 1e9 / f64::from(TICKS)
    };
    (0..20).map(|_| round()).fold(f64::INFINITY, f64::min)
}

struct Spinners {
    stop: Arc<AtomicBool>,
}

impl Spinners {
    fn start(threads: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..threads {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self { stop }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
