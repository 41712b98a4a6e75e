//! Servers to start, and clients on bare sockets.

#![allow(dead_code, reason = "each test uses its part")]

#[path = "../../../systems/tests/process/mod.rs"]
pub mod process;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use process::{Process, SOON};

/// Starts a server, and returns it with its address.
pub fn start(command: &mut Command) -> (Process, SocketAddr) {
    let mut server = Process::start(command);
    let address = address(&server.hear("listens on "));
    (server, address)
}

/// Returns the address at the end of a line.
pub fn address(line: &str) -> SocketAddr {
    let (_, address) = line.rsplit_once(' ').expect("an address");
    address.parse().expect("an address")
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, SOON).expect("it listens");
    stream.set_read_timeout(Some(SOON)).expect("it is set");
    stream
}

/// Sends a request that keeps the connection.
pub fn ask(mut stream: &TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is sent");
}

/// Reads until the text is there, and returns all that was read, in lower case.
pub fn read_until(mut stream: &TcpStream, text: &str) -> String {
    let mut read = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        let said = String::from_utf8_lossy(&read).to_lowercase();
        if said.contains(text) {
            return said;
        }
        let length = stream.read(&mut bytes).expect("more");
        assert!(length > 0, "the end comes before {text:?}: {said}");
        read.extend_from_slice(&bytes[..length]);
    }
}

/// Reads to the end of the connection.
pub fn read_to_end(mut stream: &TcpStream) -> String {
    let mut read = Vec::new();
    stream
        .read_to_end(&mut read)
        .expect("the connection is closed");
    String::from_utf8_lossy(&read).to_lowercase()
}

/// Passes connections on, and keeps what the server sends.
pub struct Recorder {
    pub address: SocketAddr,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Recorder {
    /// Passes one connection on to `server`.
    pub fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let sent = Arc::new(Mutex::new(Vec::new()));
        let keeps = Arc::clone(&sent);
        thread::spawn(move || {
            let (mut client, _) = listener.accept().expect("a client");
            let mut server = TcpStream::connect(server).expect("it listens");
            let mut to_server = server.try_clone().expect("a descriptor");
            let mut from_client = client.try_clone().expect("a descriptor");
            thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = server.read(&mut bytes) {
                keeps
                    .lock()
                    .expect("no panic")
                    .extend_from_slice(&bytes[..length]);
                if client.write_all(&bytes[..length]).is_err() {
                    return;
                }
            }
        });
        Self { address, sent }
    }

    /// Returns the types of the HTTP/2 frames that the server has sent.
    pub fn frames(&self) -> Vec<u8> {
        let sent = self.sent.lock().expect("no panic").clone();
        let mut frames = Vec::new();
        let mut rest = &sent[..];
        while let [a, b, c, kind, ..] = *rest {
            frames.push(kind);
            let length = 9 + usize::from(a) * 65_536 + usize::from(b) * 256 + usize::from(c);
            rest = rest.get(length..).unwrap_or_default();
        }
        frames
    }
}

/// The HTTP/2 frame that asks a client to open a new connection elsewhere.
pub const GOAWAY: u8 = 7;

pub const MS: Duration = Duration::from_millis(1);
