//! A service with a consumer loop, a heartbeat and the health server.
//!
//!     cargo run --example health --features health -- stuck
//!     curl http://127.0.0.1:8086/livez?verbose
//!
//! With the argument `stuck` the consumer loop hangs after its third message. Two seconds
//! later `/livez` answers 503 and names the function, and the shutdown begins. Five seconds
//! after that the process ends with status 124 and a report. Without the argument, the program
//! runs until Ctrl-C.

#![expect(clippy::print_stdout, reason = "it prints its address")]

use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use deadstop::health::{Heartbeat, OnStall};
use deadstop::{Phase, Shutdown};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    env_logger::init();
    let is_stuck = std::env::args().nth(1).is_some_and(|word| word == "stuck");
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(5))
        .install()?;
    let health = shutdown
        .health()
        .bind("127.0.0.1:8086")
        .or_next_ports(10)
        .check("database", || Ok::<(), String>(()))
        .start()?;
    println!("health: http://{}", health.addresses()[0]);

    let beat = shutdown
        .heartbeat("consumer loop")
        .every(Duration::from_secs(2))
        .on_stall(OnStall::Shutdown)
        .start()?;
    let (messages, inbox) = mpsc::channel();
    let consumer = thread::Builder::new()
        .name("consumer".into())
        .spawn(move || consume(&inbox, &beat, is_stuck))?;
    shutdown
        .task("consumer")
        .phase(Phase::DRAIN)
        .join(consumer)?;
    health.set_ready();

    let requested = shutdown.requested();
    for message in 0.. {
        if requested.wait_timeout(Duration::from_millis(200)) {
            break;
        }
        messages.send(message)?;
    }
    drop(messages); // the consumer's loop ends when it has read all messages
    Ok(shutdown.wait())
}

fn consume(inbox: &mpsc::Receiver<u32>, beat: &Heartbeat, is_stuck: bool) {
    while let Some(message) = {
        let _waits = beat.pause(); // a wait without a bound is no stall
        inbox.recv().ok()
    } {
        beat.tick();
        handle(message, is_stuck);
    }
}

#[inline(never)]
fn handle(message: u32, is_stuck: bool) {
    if is_stuck && message == 3 {
        wait_for_a_reply_that_never_comes();
    }
}

#[inline(never)]
fn wait_for_a_reply_that_never_comes() {
    let (_request, reply) = mpsc::channel::<()>();
    let _ = reply.recv();
}
