//! A server whose cleanup hangs. Its process still ends by its deadline.
//!
//! ```text
//! cargo run --example quickstart               its cleanup hangs: ends with 124
//! cargo run --example quickstart -- --healthy  its cleanup returns: ends with 0
//! cargo run --example quickstart -- --panic    a worker panics: ends with 124
//! ```
//!
//! The program makes its own requests, and requests its own shutdown after a second.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use deadstop::report::Sinks;
use deadstop::{Panics, Phase, Shutdown};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let mode = std::env::args().nth(1).unwrap_or_default();

    // First in main, before any thread or socket exists.
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(3))
        .panics(Panics::Shutdown)
        // By default this phase reserves a tenth of the grace. Without the reserve, the
        // hang lasts until the deadline.
        .phase(Phase::CLOSE.reserve(Duration::ZERO))
        // The logger writes to standard error, where the hang report goes too.
        .sinks(Sinks::new().log(false))
        .install()?;

    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    println!("serving on {address}, as process {}", std::process::id());

    // Cleanup tasks, in the order of their phases.
    shutdown
        .task("stop accepting")
        .phase(Phase::UNBIND)
        .on_shutdown(move |_| {
            // The listener's thread notices the request for shutdown.
            TcpStream::connect(address).map(drop)
        })?;
    let healthy = mode == "--healthy";
    shutdown
        .task("flush the log")
        .phase(Phase::FLUSH)
        .on_shutdown(move |cx| {
            cx.progress("segment 12 of 40");
            if !healthy {
                hang();
            }
        })?;
    shutdown
        .task("say goodbye")
        .on_shutdown(|cx| println!("goodbye, with {:.1?} to spare", cx.remaining()))?;

    let server = shutdown.clone();
    thread::spawn(move || serve(&listener, &server));
    thread::spawn(move || visit(address, &mode));

    // Returns after SIGTERM, Ctrl-C or a panic, when every task has ended.
    Ok(shutdown.wait())
}

/// Hangs, as a cleanup may hang in a deadlock, a full pipe or a foreign library.
fn hang() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

/// Answers each line in capitals.
fn serve(listener: &TcpListener, shutdown: &Shutdown) {
    for stream in listener.incoming().flatten() {
        if shutdown.is_requested() {
            return;
        }
        thread::spawn(move || {
            let mut replies = stream.try_clone().expect("the socket is open");
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let _ = writeln!(replies, "{}", line.to_uppercase());
            }
        });
    }
}

/// Makes some requests, and then asks the process to stop.
fn visit(address: SocketAddr, mode: &str) {
    for line in ["hello", "good day"] {
        let mut stream = TcpStream::connect(address).expect("the server listens");
        writeln!(stream, "{line}").expect("the server reads");
        let mut reply = String::new();
        let read = BufReader::new(stream).read_line(&mut reply);
        read.expect("the server replies");
        println!("{line} -> {}", reply.trim_end());
    }
    thread::sleep(Duration::from_secs(1));
    if mode == "--panic" {
        panic!("a worker panics, as asked");
    }
    println!("$ kill -TERM {}", std::process::id());
    let kill = Command::new("kill")
        .args(["-TERM", &std::process::id().to_string()])
        .status();
    assert!(
        kill.is_ok_and(|status| status.success()),
        "kill(1) is there"
    );
}
