//! A client of the health server.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::victim::Victim;

/// The longest wait of a client. Not a measure: it only bounds a failing run.
const PATIENCE: Duration = Duration::from_secs(10);

/// An answer of the health server.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
    pub(crate) took: Duration,
}

impl Answer {
    #[track_caller]
    pub(crate) fn assert_status(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn assert_says(&self, text: &str) -> &Self {
        assert!(self.body.contains(text), "does not say {text:?}: {self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn assert_silent_about(&self, text: &str) -> &Self {
        assert!(!self.body.contains(text), "says {text:?}: {self:#?}");
        self
    }
}

/// Reads the address that a scenario prints.
#[track_caller]
pub(crate) fn address(victim: &mut Victim) -> SocketAddr {
    let line = victim.hear("address ");
    let (_, address) = line
        .split_once("address ")
        .expect("the line has an address");
    address.trim().parse().expect("an address")
}

/// Requests `path` and returns the answer.
#[track_caller]
pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: victim\r\n\r\n");
    match try_ask(address, &request) {
        Ok(answer) => answer,
        Err(error) => panic!("{path} is not answered: {error}"),
    }
}

/// Sends `request` and reads the answer.
pub(crate) fn try_ask(address: SocketAddr, request: &str) -> io::Result<Answer> {
    ask_within(address, request, PATIENCE)
}

fn ask_within(address: SocketAddr, request: &str, patience: Duration) -> io::Result<Answer> {
    let begun = Instant::now();
    let stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    exchange(stream, request, begun)
}

/// Sends `request` on a connection and reads the answer.
pub(crate) fn exchange(
    mut stream: impl Read + Write,
    request: &str,
    begun: Instant,
) -> io::Result<Answer> {
    stream.write_all(request.as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let took = begun.elapsed();
    let parts = text.split_once("\r\n\r\n");
    let (head, body) = parts.ok_or_else(|| io::Error::other(format!("no answer: {text:?}")))?;
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    Ok(Answer {
        status: status.ok_or_else(|| io::Error::other("no status"))?,
        head: head.into(),
        body: body.into(),
        took,
    })
}

/// Requests `path` until `is_it` accepts the answer, and returns that answer.
#[track_caller]
pub(crate) fn wait_for(address: SocketAddr, path: &str, is_it: impl Fn(&Answer) -> bool) -> Answer {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = get(address, path);
        if is_it(&answer) {
            return answer;
        }
        assert!(Instant::now() < until, "the last answer: {answer:#?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Asserts that `path` is answered within a second in the best of a few tries. A machine under
/// load can delay an answer, but never makes it faster.
#[track_caller]
pub(crate) fn assert_prompt(address: SocketAddr, path: &str) {
    let mut answers = Vec::new();
    for _ in 0..10 {
        // Not longer, because the hostile clients would then have ended by themselves.
        let patience = Duration::from_millis(1_500);
        let request = format!("GET {path} HTTP/1.1\r\n\r\n");
        match ask_within(address, &request, patience) {
            Ok(answer) if answer.status == 200 && answer.took < Duration::from_secs(1) => return,
            answer => answers.push(format!("{answer:?}")),
        }
    }
    panic!("{path} is not answered in a second: {answers:#?}");
}
