//! The service with a real redis: what it has begun is done, and nothing is left behind.

mod client;

use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use client::process::{Process, wait_for};
use client::{MS, ask, connect, read_to_end, read_until};

/// Starts a redis on a free port. `None` where there is none.
fn start_redis() -> Option<(Process, u16)> {
    let found = Command::new("redis-server").arg("--version").output();
    if found.is_err() {
        let allowed = std::env::var_os("DEADSTOP_NO_SKIPS").is_none();
        assert!(allowed, "would be skipped: no redis-server");
        println!("skipped: no redis-server");
        return None;
    }
    let port = free_port();
    let mut command = Command::new("redis-server");
    command.args([
        "--port",
        &port.to_string(),
        "--save",
        "",
        "--bind",
        "127.0.0.1",
    ]);
    let redis = Process::start(command.current_dir(env!("CARGO_TARGET_TMPDIR")));
    wait_for("redis", || TcpStream::connect(("127.0.0.1", port)).ok());
    Some((redis, port))
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

/// Returns redis's answer to a command of one line.
fn ask_redis(port: u16, command: &str) -> String {
    let mut stream = connect(([127, 0, 0, 1], port).into());
    write!(stream, "{command}\r\nQUIT\r\n").expect("it is sent");
    let answer = read_to_end(&stream);
    let mut lines = answer.lines();
    match lines.next().expect("an answer") {
        "$-1" => "nil".to_owned(),
        length if length.starts_with('$') => lines.next().expect("a value").to_owned(),
        value => value.to_owned(),
    }
}

struct Service {
    process: Process,
    port: u16,
    files: [PathBuf; 2],
}

fn start(redis: u16, name: &str, encoder: &str) -> Service {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let files = ["pid", "sock"].map(|kind| folder.join(format!("{name}.{kind}")));
    let port = free_port();
    let mut command = Command::new(env!("CARGO_BIN_EXE_service"));
    command.env("PIDFILE", &files[0]).env("SOCKET", &files[1]);
    command.env("REDIS", format!("redis://127.0.0.1:{redis}/"));
    command.env("LISTEN", format!("127.0.0.1:{port}"));
    command.env("HEALTH", "127.0.0.1:0").env("ENCODER", encoder);
    command.env("SHUTDOWN_GRACE", "8s");
    let process = Process::start(&mut command);
    let ready = || TcpStream::connect(("127.0.0.1", port)).ok();
    wait_for("the service", ready);
    Service {
        process,
        port,
        files,
    }
}

impl Service {
    fn get(&self, path: &str) -> TcpStream {
        let stream = connect(([127, 0, 0, 1], self.port).into());
        ask(&stream, path);
        stream
    }

    fn children(&self) -> Vec<i32> {
        let pid = self.process.pid();
        let tasks = fs::read_dir(format!("/proc/{pid}/task"))
            .expect("it runs")
            .flatten();
        let of_task = |task: fs::DirEntry| fs::read_to_string(task.path().join("children"));
        let children: Vec<String> = tasks.filter_map(|task| of_task(task).ok()).collect();
        let numbers = children.join(" ");
        numbers
            .split_whitespace()
            .map(|number| number.parse().expect("a number"))
            .collect()
    }
}

fn are_gone(pids: &[i32]) -> bool {
    let is_gone = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z")
    };
    pids.iter().all(is_gone)
}

#[test]
fn service_finishes_what_it_has_begun_and_leaves_nothing_behind() {
    let Some((_redis, redis)) = start_redis() else {
        return;
    };
    let mut service = start(redis, "finishes", "exec sleep 10000");
    assert_eq!(ask_redis(redis, "GET service:me"), "1");
    assert!(service.files.iter().all(|file| file.exists()));
    let slow = service.get("/slow");
    let answers: Vec<_> = (0..8).map(|_| service.get("/order")).collect();
    let is_accepted = |answer: &TcpStream| {
        let answer = read_until(answer, "\r\n\r\n");
        answer.contains("length: 9")
    };
    let accepted = answers.iter().filter(|answer| is_accepted(answer)).count();
    assert!((5..8).contains(&accepted), "{accepted}");
    let children = service.children();
    assert_eq!(children.len(), 1);
    service.process.signal(libc::SIGTERM);
    assert!(read_to_end(&slow).contains("slow"));
    let ended = service.process.ends();
    assert_eq!(ended.shell(), 0, "{ended:?}");
    assert!(are_gone(&children), "{children:?}");
    assert!(!service.files.iter().any(|file| file.exists()));
    assert_eq!(ask_redis(redis, "GET service:me"), "nil");
    assert_eq!(ask_redis(redis, "GET service:orders"), accepted.to_string());
}

/// The encoder ignores SIGTERM, as ffmpeg does while it waits for a disk.
#[test]
fn encoder_that_ignores_sigterm_is_named_and_gone() {
    let Some((_redis, redis)) = start_redis() else {
        return;
    };
    let encoder = "trap '' TERM; while :; do sleep 1; done";
    let mut service = start(redis, "stubborn", encoder);
    thread::sleep(300 * MS);
    let children = service.children();
    let begun = Instant::now();
    service.process.signal(libc::SIGTERM);
    let ended = service.process.ends();
    assert_eq!(ended.shell(), 1, "{ended:?}");
    assert!(ended.stderr.contains("encoder"), "{ended:?}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{ended:?}");
    assert!(are_gone(&children), "{children:?}");
    assert!(!service.files.iter().any(|file| file.exists()));
    assert_eq!(ask_redis(redis, "GET service:me"), "nil");
}
