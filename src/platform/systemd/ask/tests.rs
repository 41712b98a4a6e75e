//! Unit tests against sockets that answer, lie or stay silent.

use super::super::message::tests::reply;
use super::{Address, PROPERTIES, ask_within};
use crate::platform::systemd::message::Value;
use crate::platform::systemd::questions::escaped;
use crate::platform::systemd::unit::Unit;
use std::fs;
use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const BOUND: Duration = Duration::from_secs(20);

/// A socket at which `serve` answers the first connection. The connection
/// is held until the socket is dropped.
struct Manager {
    folder: PathBuf,
    _end: mpsc::Sender<()>,
}

impl Manager {
    fn new(name: &str, serve: impl FnOnce(&mut UnixStream) + Send + 'static) -> Self {
        let name = format!("deadstop-ask-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let listener = UnixListener::bind(folder.join("socket")).unwrap();
        let (end, ended) = mpsc::channel::<()>();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            serve(&mut stream);
            let _ = ended.recv();
        });
        Self { folder, _end: end }
    }

    fn address(&self) -> Address {
        Address {
            socket: self.folder.join("socket"),
            is_bus: false,
        }
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn values() -> [Value; PROPERTIES.len()] {
    [
        Value::Number(5_000_000),
        Value::Text("mixed".into()),
        Value::Number(2),
        Value::Bool(true),
        Value::Bool(true),
        Value::Number(7),
    ]
}

fn answers() -> Vec<u8> {
    let mut answers = b"DATA\r\nOK 0123456789abcdef\r\n".to_vec();
    for (serial, value) in (2..).zip(values()) {
        answers.extend(reply(serial, Some(&value)));
    }
    answers
}

#[test]
fn answers_describe_the_unit() {
    let manager = Manager::new("answers", |stream| {
        // In two parts, cut inside a message.
        let answers = answers();
        let (first, second) = answers.split_at(answers.len() / 2);
        stream.write_all(first).unwrap();
        thread::sleep(Duration::from_millis(5));
        stream.write_all(second).unwrap();
    });
    let unit = Unit::new("app.service")
        .timeout_stop(Some(Duration::from_secs(5)))
        .kill_mode("mixed")
        .kill_signal(2)
        .send_sighup(true)
        .main_pid(7);
    assert_eq!(
        ask_within("app.service", vec![manager.address()], BOUND),
        Some(unit)
    );
}

#[test]
fn manager_without_a_bus_is_asked_next() {
    let nowhere = Address {
        socket: "/nonexistent/bus".into(),
        is_bus: true,
    };
    let manager = Manager::new("next", |stream| stream.write_all(&answers()).unwrap());
    let addresses = vec![nowhere.clone(), manager.address()];
    assert!(ask_within("app.service", addresses, BOUND).is_some());
    assert_eq!(ask_within("app.service", vec![nowhere], BOUND), None);
}

#[test]
fn refusals_garbage_and_errors_are_no_answer() {
    let refused = b"REJECTED EXTERNAL\r\n".to_vec();
    let garbage = b"OK x\r\nHTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    let endless = vec![b'x'; 4096];
    let mut error = b"OK x\r\n".to_vec();
    error.extend(reply(2, None));
    for (name, bytes) in [
        ("refused", refused),
        ("garbage", garbage),
        ("endless", endless),
        ("error", error),
    ] {
        let manager = Manager::new(name, move |stream| {
            let _ = stream.write_all(&bytes);
        });
        let begun = Instant::now();
        assert_eq!(
            ask_within("app.service", vec![manager.address()], BOUND),
            None
        );
        assert!(begun.elapsed() < BOUND, "{name} was waited for");
    }
}

#[test]
fn mute_manager_is_waited_for_no_longer_than_the_bound() {
    let bound = Duration::from_millis(50);
    let manager = Manager::new("mute", |_| {});
    let begun = Instant::now();
    assert_eq!(
        ask_within("app.service", vec![manager.address()], bound),
        None
    );
    assert!(begun.elapsed() >= bound);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn bus_that_does_not_accept_is_waited_for_no_longer_than_the_bound() {
    let name = format!("deadstop-ask-full-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).unwrap();
    let socket = folder.join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    // More than the backlog takes: from some point on, connecting blocks.
    let flood = socket.clone();
    thread::spawn(move || {
        let mut connections = Vec::new();
        while let Ok(connection) = UnixStream::connect(&flood) {
            connections.push(connection);
        }
    });
    thread::sleep(Duration::from_millis(300));
    let address = Address {
        socket,
        is_bus: false,
    };
    let begun = Instant::now();
    assert_eq!(
        ask_within("app.service", vec![address], Duration::from_millis(50)),
        None
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
    let _ = fs::remove_dir_all(&folder);
}

#[test]
fn names_are_escaped_as_systemd_does() {
    assert_eq!(escaped("app.service"), "app_2eservice");
    assert_eq!(escaped("2-a@b.service"), "_32_2da_40b_2eservice");
}
