//! A server that replaces itself by a successor without a refused connection.
//!
//! ```console
//! $ cargo run --example handover &
//! $ curl http://127.0.0.1:8080    # answers with the process id
//! $ kill -USR2 PID                # a successor takes over; start curl again
//! $ kill PID-OF-THE-SUCCESSOR
//! ```

#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use deadstop::{Cause, Phase, Shutdown};
use signal_hook::iterator::Signals;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(10))
        .install()?;
    let listener = match deadstop::handover::inherited()?.tcp("http")? {
        Some(listener) => listener,
        None => TcpListener::bind("127.0.0.1:8080")?,
    };
    listener.set_nonblocking(true)?;
    let accepted = listener.try_clone()?;
    let requested = shutdown.requested();
    let accepting = thread::spawn(move || {
        while !requested.wait_timeout(Duration::from_millis(5)) {
            while let Some(client) = accept(&accepted) {
                let _ = answer(client);
            }
        }
    });
    shutdown
        .task("accept")
        .phase(Phase::UNBIND)
        .join(accepting)?;

    let mut asked = Signals::new([signal_hook::consts::SIGUSR2])?;
    let handing = shutdown.clone();
    thread::spawn(move || {
        for _ in asked.forever() {
            hand_over(&handing, &listener);
        }
    });
    shutdown.set_ready();
    println!("process {} is ready", std::process::id());
    Ok(shutdown.wait())
}

fn hand_over(shutdown: &Shutdown, listener: &TcpListener) {
    let Ok(program) = std::env::current_exe() else {
        return println!("the program has no path");
    };
    let successor = shutdown.hand_over(program).listener("http", listener);
    match successor.start() {
        Ok(successor) => {
            let cause = format!("process {} took over", successor.pid());
            shutdown.request(Cause::requested(cause));
        }
        Err(error) => println!("this process goes on: {error}"),
    }
}

fn accept(listener: &TcpListener) -> Option<TcpStream> {
    match listener.accept() {
        Ok((client, _)) => Some(client),
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(error) => {
            println!("accept failed: {error}");
            None
        }
    }
}

fn answer(mut client: TcpStream) -> std::io::Result<()> {
    client.set_nonblocking(false)?;
    client.set_read_timeout(Some(Duration::from_secs(1)))?;
    let _request = client.read(&mut [0; 4096])?;
    let body = format!("process {}\n", std::process::id());
    let length = body.len();
    write!(
        client,
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
