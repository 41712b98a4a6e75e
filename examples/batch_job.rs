//! A job whose work is done, but whose client library keeps the process alive.
//!
//! ```text
//! cargo run --example batch_job               the client does not close: ends with 1
//! cargo run --example batch_job -- --healthy  ends with 0
//! ```
//!
//! The client keeps its threads for a minute after the last request, and joins
//! them when it is dropped. If `main` dropped the client at its end, the process
//! would stay for that minute, or until a supervisor kills it. If a task drops
//! the client, the process stays at most for the task's budget.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use deadstop::{Phase, Shutdown};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let healthy = std::env::args().any(|argument| argument == "--healthy");
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(5))
        .install()?;

    let client = Client::connect(match healthy {
        true => Duration::ZERO,
        false => Duration::from_secs(60),
    });
    let uploaded = (1..=3).map(|part| client.upload(part)).sum::<u32>();

    shutdown
        .task("commit the upload")
        .phase(Phase::FLUSH)
        .on_shutdown(move |_| println!("{uploaded} parts are committed"))?;
    shutdown
        .task("close the client")
        .phase(Phase::CLOSE)
        .budget(Duration::from_secs(1))
        .on_shutdown(move |_| drop(client))?;

    // The work is done. If a signal came earlier, the shutdown has already begun.
    Ok(shutdown.finish())
}

/// Stands in for a client library with a thread pool of its own.
struct Client {
    requests: Option<mpsc::Sender<u32>>,
    threads: Vec<JoinHandle<()>>,
}

impl Client {
    fn connect(keep_alive: Duration) -> Self {
        let (requests, served) = mpsc::channel();
        let thread = thread::spawn(move || {
            while let Ok(part) = served.recv() {
                println!("part {part} is uploaded");
            }
            // Keeps the connection for requests that may follow.
            let (_open, asks) = mpsc::channel::<()>();
            let _ = asks.recv_timeout(keep_alive) == Err(RecvTimeoutError::Timeout);
        });
        Self {
            requests: Some(requests),
            threads: vec![thread],
        }
    }

    fn upload(&self, part: u32) -> u32 {
        let requests = self.requests.as_ref().expect("the client is open");
        requests.send(part).expect("its thread is there");
        1
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.requests.take();
        for thread in self.threads.drain(..) {
            thread.join().expect("it does not panic");
        }
    }
}
