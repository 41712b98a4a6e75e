//! A service manager with the rules of systemd's notification socket.

use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::victim::Victim;

/// The longest wait of a test for a message. Not a measure: it only bounds a failing run.
const PATIENCE: Duration = Duration::from_secs(40);

/// A service manager that listens on a notification socket.
pub(crate) struct Manager {
    socket: UnixDatagram,
    pub(crate) variable: String,
    path: Option<PathBuf>,
    /// The datagrams received so far.
    pub(crate) heard: Vec<String>,
}

/// Returns a name that no other test uses.
fn unused() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("deadstop-notify-{}-{next}", std::process::id())
}

impl Manager {
    /// Listens on an abstract address, as some managers do.
    pub(crate) fn abstract_address() -> Self {
        let name = unused();
        let address = SocketAddr::from_abstract_name(&name).expect("a short name");
        let socket = UnixDatagram::bind_addr(&address).expect("an unused name");
        Self::new(socket, format!("@{name}"), None)
    }

    /// Listens on a path, as systemd does.
    pub(crate) fn path() -> Self {
        let path = std::env::temp_dir().join(unused());
        let socket = UnixDatagram::bind(&path).expect("an unused path");
        let variable = path.to_str().expect("an ASCII path").to_owned();
        Self::new(socket, variable, Some(path))
    }

    fn new(socket: UnixDatagram, variable: String, path: Option<PathBuf>) -> Self {
        Self {
            socket,
            variable,
            path,
            heard: Vec::new(),
        }
    }

    /// Receives one datagram, if one comes within `length`.
    pub(crate) fn receive(&mut self, length: Duration) -> Option<String> {
        // A timeout of zero is an error.
        let length = length.max(Duration::from_millis(1));
        self.socket
            .set_read_timeout(Some(length))
            .expect("a length");
        let mut buffer = [0; 4096];
        match self.socket.recv(&mut buffer) {
            Ok(length) => {
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                self.heard.push(text.clone());
                Some(text)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Receives until a datagram has the line `wanted`, and returns it.
    #[track_caller]
    pub(crate) fn hear(&mut self, wanted: &str) -> String {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            match self.receive(Duration::from_millis(200)) {
                Some(text) if text.lines().any(|line| line == wanted) => return text,
                _ => {}
            }
        }
        panic!("no {wanted:?} in {:?}", self.heard);
    }

    /// Stops the service as systemd does: sends `SIGTERM`, and `SIGKILL` after `timeout` or
    /// after the time that the service requested, if that is later. Returns `true` if it sent
    /// `SIGKILL`.
    pub(crate) fn stop(&mut self, service: &mut Victim, timeout: Duration) -> bool {
        service.send(libc::SIGTERM);
        let mut end = Instant::now() + timeout;
        while service.has_ended().is_none() {
            if end <= Instant::now() {
                service.send(libc::SIGKILL);
                return true;
            }
            let step = Duration::from_millis(20).min(end.saturating_duration_since(Instant::now()));
            let text = self.receive(step).unwrap_or_default();
            if let Some(extension) = extension(&text) {
                end = end.max(Instant::now() + extension);
            }
        }
        false
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Returns the time that a datagram requests.
pub(crate) fn extension(text: &str) -> Option<Duration> {
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix("EXTEND_TIMEOUT_USEC="))?;
    Some(Duration::from_micros(value.parse().expect("a number")))
}
