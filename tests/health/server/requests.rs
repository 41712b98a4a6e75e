//! Valid and invalid requests that no probe sends, and clients that reset their connections.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::probe::{self, Answer, assert_prompt, exchange};
use super::{park, serve};
use crate::{shutdown, victim};

fn ask(address: SocketAddr, request: &str) -> Answer {
    let answer = probe::try_ask(address, request);
    answer.unwrap_or_else(|error| panic!("{request:.200?}: {error}"))
}

#[test]
fn unusual_requests_get_the_answers_of_the_http_standard() {
    let test = "server::requests::unusual_requests_get_the_answers_of_the_http_standard";
    let mut victim = victim::start(test, || {
        serve(&shutdown(), |health| health);
        park();
    });
    let address = probe::address(&mut victim);
    let body = "b".repeat(10_000);
    for (request, status) in [
        // HTTP/1.0, without a `Host` header.
        ("GET /livez HTTP/1.0\r\n\r\n".into(), 200),
        ("HEAD /livez HTTP/1.0\r\n\r\n".into(), 200),
        // The form that a client sends to a proxy.
        (
            "GET http://pod:8086/livez?verbose HTTP/1.1\r\nHost: pod\r\n\r\n".into(),
            200,
        ),
        // Lines that end with a line feed alone, and empty lines before the first.
        ("GET /livez HTTP/1.1\nHost: x\n\n".into(), 200),
        ("\r\n\r\nGET /livez HTTP/1.1\r\n\r\n".into(), 200),
        // Requests with a body.
        (
            format!("GET /livez HTTP/1.1\r\nContent-Length: 10000\r\n\r\n{body}"),
            200,
        ),
        (
            format!(
                "POST /livez HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2710\r\n{body}\r\n0\r\n\r\n"
            ),
            405,
        ),
        ("OPTIONS * HTTP/1.1\r\n\r\n".into(), 405),
        ("get /livez HTTP/1.1\r\n\r\n".into(), 405),
        // The server compares a path without decoding or normalizing it.
        ("GET /%6civez HTTP/1.1\r\n\r\n".into(), 404),
        ("GET /livez/../status HTTP/1.1\r\n\r\n".into(), 404),
        ("GET //livez HTTP/1.1\r\n\r\n".into(), 404),
        // Other protocols, and a request of HTTP/0.9, which has no version.
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), 400),
        ("GET /livez\r\n\r\n".into(), 400),
        ("GET /livez HTTP/1.1\r\nA\0: b\r\n\r\n".into(), 400),
        ("GET /livez HTTP/1.1\r\nA: b\r\n folded\r\n\r\n".into(), 400),
    ] {
        let answer = ask(address, &request);
        assert_eq!(answer.status, status, "{request:.200?}: {answer:#?}");
    }
}

/// The server must answer the first request, ignore the second, and close the connection. The
/// bytes of the second request must not cause a reset that destroys the answer.
#[test]
fn pipelined_requests_get_one_answer_and_the_connection_is_closed() {
    let test = "server::requests::pipelined_requests_get_one_answer_and_the_connection_is_closed";
    let mut victim = victim::start(test, || {
        serve(&shutdown(), |health| health);
        park();
    });
    let address = probe::address(&mut victim);
    for _ in 0..20 {
        let requests = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50);
        let answer = ask(address, &requests);
        answer.assert_status(200);
        assert!(answer.head.contains("Connection: close"), "{answer:#?}");
        assert_eq!(answer.body, "ok\n");
    }
}

#[test]
fn request_sent_byte_by_byte_is_answered() {
    let test = "server::requests::request_sent_byte_by_byte_is_answered";
    let mut victim = victim::start(test, || {
        serve(&shutdown(), |health| health);
        park();
    });
    let address = probe::address(&mut victim);
    let mut stream = TcpStream::connect(address).expect("the listener accepts connections");
    stream.set_nodelay(true).expect("an option");
    let request = "GET /livez?verbose HTTP/1.1\r\nHost: x\r\n\r\n";
    let (last, first) = request
        .as_bytes()
        .split_last()
        .expect("the request is not empty");
    for byte in first {
        stream.write_all(&[*byte]).expect("the other side reads");
    }
    let last = std::str::from_utf8(std::slice::from_ref(last)).expect("a line feed");
    let answer = exchange(stream, last, Instant::now()).expect("the server answers");
    answer.assert_status(200);
}

/// SIGPIPE has its default action in this program. A write to a closed unix socket must not
/// raise it.
#[test]
fn server_answers_after_peers_reset_their_connections_during_an_answer() {
    let test =
        "server::requests::server_answers_after_peers_reset_their_connections_during_an_answer";
    let mut victim = victim::start(test, || {
        let path = format!("/tmp/deadstop-reset-{}.sock", std::process::id());
        let health = serve(&shutdown(), |health| health.bind(format!("unix:{path}")));
        let address = health.addresses()[0];
        end_at_broken_pipes();
        for _ in 0..200 {
            let mut stream = UnixStream::connect(&path).expect("the listener accepts connections");
            let request = b"GET /metrics HTTP/1.1\r\n\r\n";
            stream.write_all(request).expect("the connection is open");
        }
        std::fs::remove_file(&path).expect("the file exists");
        for delay in 0..200 {
            let mut stream = TcpStream::connect(address).expect("the listener accepts connections");
            let request = b"GET /metrics HTTP/1.1\r\n\r\n";
            stream.write_all(request).expect("the connection is open");
            std::thread::sleep(Duration::from_micros(delay * 5));
            reset(stream);
        }
        println!("reset");
        park();
    });
    let address = probe::address(&mut victim);
    victim.hear("reset");
    assert_prompt(address, "/livez");
    assert!(victim.has_ended().is_none());
}

#[expect(unsafe_code, reason = "sets how a signal of the scenario is handled")]
fn end_at_broken_pipes() {
    // SAFETY: two integers; the default has no handler.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// Closes a connection with a reset, as the kernel does for a killed process with unread bytes.
#[expect(unsafe_code, reason = "sets an option of a socket of the scenario")]
fn reset(stream: TcpStream) {
    let linger = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    let len = size_of::<libc::linger>() as libc::socklen_t;
    // SAFETY: the pointer is valid for reads of that length.
    let result = unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            len,
        )
    };
    assert_eq!(result, 0, "the option can be set");
    drop(stream);
}
