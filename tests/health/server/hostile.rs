//! Clients that are slow, silent or numerous. The hostile clients are threads of the scenario,
//! so that their descriptors do not burden the test, which is the honest prober.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use super::probe::{self, assert_prompt, get};
use super::{park, serve};
use crate::{shutdown, victim};

/// All kinds of hostile clients at the same time.
#[test]
fn honest_prober_is_answered_among_hostile_peers() {
    let test = "server::hostile::honest_prober_is_answered_among_hostile_peers";
    let mut victim = victim::start(test, || {
        raise_limit();
        let health = serve(&shutdown(), |health| health);
        let address = health.addresses()[0];
        let attacks: [fn(SocketAddr); 5] = [dribble, half, flood_of_headers, never_read, mute];
        for attack in attacks {
            for _ in 0..4 {
                thread::spawn(move || {
                    loop {
                        attack(address);
                    }
                });
            }
        }
        thread::sleep(Duration::from_millis(300));
        println!("under attack");
        park();
    });
    let address = probe::address(&mut victim);
    victim.hear("under attack");
    for _ in 0..5 {
        assert_prompt(address, "/livez");
    }
    // The server has closed the silent connections.
    probe::wait_for(address, "/metrics", |answer| {
        !answer.body.contains("outcome=\"dropped\"} 0\n")
    });
}

/// A thousand connections are opened before the prober's, and send nothing.
#[test]
fn prober_is_answered_after_a_thousand_silent_connections() {
    let test = "server::hostile::prober_is_answered_after_a_thousand_silent_connections";
    let mut victim = victim::start(test, || {
        raise_limit();
        let health = serve(&shutdown(), |health| health);
        let address = health.addresses()[0];
        let connect = |_| TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok();
        let connections: Vec<_> = (0..1_000).filter_map(connect).collect();
        println!("{} connections", connections.len());
        park();
    });
    let address = probe::address(&mut victim);
    victim.hear("1000 connections");
    assert_prompt(address, "/livez");
}

/// The limit applies to simultaneous connections, and not to the total.
#[test]
fn server_answers_and_counts_a_thousand_connections_in_sequence() {
    let test = "server::hostile::server_answers_and_counts_a_thousand_connections_in_sequence";
    let mut victim = victim::start(test, || {
        serve(&shutdown(), |health| health);
        park();
    });
    let address = probe::address(&mut victim);
    for _ in 0..1_000 {
        get(address, "/livez").assert_status(200);
    }
    get(address, "/metrics").assert_says("outcome=\"answered\"} 1000\n");
}

/// Sends a request one byte at a time.
fn dribble(address: SocketAddr) {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return;
    };
    for byte in b"GET /livez HTTP/1.1\r\nHost: a-slow-peer\r\n" {
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Sends the first half of a request, and then nothing.
fn half(address: SocketAddr) {
    if let Ok(mut stream) = TcpStream::connect(address) {
        let _ = stream.write_all(b"GET /livez HTT");
        let _ = stream.read(&mut [0; 16]);
    }
}

/// Sends headers without end.
fn flood_of_headers(address: SocketAddr) {
    if let Ok(mut stream) = TcpStream::connect(address) {
        let _ = stream.write_all(b"GET /livez HTTP/1.1\r\n");
        while stream.write_all(&[b'a'; 4096]).is_ok() {}
    }
}

/// Requests the longest answer, with a small receive window, and does not read it.
fn never_read(address: SocketAddr) {
    if let Ok(mut stream) = TcpStream::connect(address) {
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Connects, and sends nothing.
fn mute(address: SocketAddr) {
    if let Ok(mut stream) = TcpStream::connect(address) {
        let _ = stream.read(&mut [0; 16]);
    }
}

/// Raises the limit of descriptors. The scenario has more connections than the usual limit.
#[expect(unsafe_code, reason = "sets a limit of the scenario")]
fn raise_limit() {
    let limit = libc::rlimit {
        rlim_cur: 4096,
        rlim_max: 4096,
    };
    // SAFETY: the pointer is valid for reads.
    let result = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    assert_eq!(result, 0, "the limit can be set");
}
