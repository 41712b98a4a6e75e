//! Addresses on which the server listens.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use deadstop::health::HealthError;

use super::probe::{self, get};
use super::{park, serve};
use crate::{shutdown, victim};

/// The longest wait of a client. Not a measure: it only bounds a failing run.
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn ipv6_wildcard_address_accepts_ipv4_connections() {
    let test = "server::listeners::ipv6_wildcard_address_accepts_ipv4_connections";
    let mut victim = victim::start(test, || {
        let health = shutdown().health().bind("[::]:0").start();
        println!(
            "address {}",
            health.expect("it can be started").addresses()[0]
        );
        park();
    });
    let port = probe::address(&mut victim).port();
    get((Ipv4Addr::LOCALHOST, port).into(), "/livez").assert_status(200);
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        get(v6, "/livez").assert_status(200);
    }
}

#[test]
fn server_answers_at_all_its_listeners() {
    let test = "server::listeners::server_answers_at_all_its_listeners";
    let mut victim = victim::start(test, || {
        let path = format!("/tmp/deadstop-test-{}.sock", std::process::id());
        let handed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        println!("handed {}", handed.local_addr().expect("an address").port());
        let health = serve(&shutdown(), |health| {
            health.bind(format!("unix:{path}")).listener(handed)
        });
        assert_eq!(health.addresses().len(), 2);
        println!("unix {path}");
        park();
    });
    let line = victim.hear("handed ");
    let handed = line.rsplit(' ').next().and_then(|port| port.parse().ok());
    let handed: u16 = handed.expect("a port");
    let address = probe::address(&mut victim);
    let line = victim.hear("unix ");
    let (_, path) = line.split_once("unix ").expect("a path");
    get(address, "/livez").assert_status(200);
    get((Ipv4Addr::LOCALHOST, handed).into(), "/livez").assert_status(200);
    let stream = UnixStream::connect(path).expect("the listener accepts connections");
    let answer = probe::exchange(stream, "GET /livez HTTP/1.1\r\n\r\n", Instant::now());
    answer.expect("the server answers").assert_status(200);
    std::fs::remove_file(path).expect("the file exists");
}

#[test]
fn start_refuses_a_taken_port_a_second_server_and_a_wrong_address() {
    let test = "server::listeners::start_refuses_a_taken_port_a_second_server_and_a_wrong_address";
    let ended = victim::run(test, || {
        let shutdown = shutdown();
        let start = |address: &str| shutdown.health().bind(address).start();
        assert!(matches!(
            shutdown.health().start(),
            Err(HealthError::NoAddress)
        ));
        assert!(matches!(
            start("localhost:80"),
            Err(HealthError::Address { .. })
        ));
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let taken = taken.local_addr().expect("an address");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let refused = start(&listener.local_addr().expect("an address").to_string());
        assert!(matches!(refused, Err(HealthError::Listen { .. })));
        let twice = shutdown
            .health()
            .bind(taken)
            .check("a", || true)
            .check("a", || true);
        assert!(matches!(twice.start(), Err(HealthError::Check { .. })));
        // After these errors, a valid server can still be started.
        let health = serve(&shutdown, |health| health);
        assert!(matches!(
            start("127.0.0.1:0"),
            Err(HealthError::AlreadyStarted)
        ));
        // The error must name the running server. It must not say that the address is in use.
        let again = start(&health.addresses()[0].to_string());
        assert!(matches!(again, Err(HealthError::AlreadyStarted)));
        println!("done");
    });
    ended.assert_says("done");
}

/// The queue of one listener is full of clients that send nothing. The other listener must still
/// be served.
#[test]
fn listener_is_served_while_the_queue_of_another_is_full() {
    let test = "server::listeners::listener_is_served_while_the_queue_of_another_is_full";
    let mut victim = victim::start(test, || {
        let path = format!("/tmp/deadstop-test-{}.sock", std::process::id());
        serve(&shutdown(), |health| health.bind(format!("unix:{path}")));
        println!("unix {path}");
        park();
    });
    let address = probe::address(&mut victim);
    let line = victim.hear("unix ");
    let (_, path) = line.split_once("unix ").expect("a path");
    // The server process is stopped, so that it accepts none of them before all are connected.
    victim.send(libc::SIGSTOP);
    let connect =
        |_| TcpStream::connect_timeout(&address, PATIENCE).expect("the queue is not full");
    let mute: Vec<_> = (0..400).map(connect).collect();
    let prober = UnixStream::connect(path).expect("the listener accepts connections");
    prober.set_read_timeout(Some(PATIENCE)).expect("a length");
    victim.send(libc::SIGCONT);
    let answer = probe::exchange(prober, "GET /livez HTTP/1.1\r\n\r\n", Instant::now());
    answer.expect("the server answers").assert_status(200);
    // The last connection that the server closes. It has then closed the earlier ones too.
    let last_to_make_way = &mute[350];
    last_to_make_way.set_nonblocking(true).expect("an option");
    let end = last_to_make_way
        .peek(&mut [0])
        .map_err(|error| error.kind());
    assert_eq!(end, Err(ErrorKind::WouldBlock));
    std::fs::remove_file(path).expect("the file exists");
}
