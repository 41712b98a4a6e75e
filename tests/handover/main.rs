//! The hand-over of listeners from a process to its successor, under load. Each test executes
//! its own binary again, as the old process and as the successor.

#![expect(
    clippy::exit,
    clippy::print_stdout,
    reason = "a scenario prints what happened, and ends as a program does"
)]

mod stopped;
#[expect(dead_code, reason = "shared with the tests of the drain kit")]
#[path = "../drain/victim.rs"]
mod victim;

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use deadstop::drain::wakers;
use deadstop::handover::{HandOver, HandOverError, InheritError, inherited};
use deadstop::{Cause, Phase, Shutdown};

use self::stopped::Successor;

const ROLE: &str = "DEADSTOP_TEST_ROLE";

/// The longest wait of a client for an answer. Not a measure: it only bounds a failing run.
const PATIENCE: Duration = Duration::from_secs(20);

fn shutdown() -> Shutdown {
    let builder = Shutdown::builder().grace(Duration::from_secs(20));
    builder.install().expect("no watchdog is installed")
}

/// Starts a thread that answers each connection with the process id, until the shutdown begins.
fn serve(shutdown: &Shutdown, listener: TcpListener) {
    listener
        .set_nonblocking(true)
        .expect("a socket has this option");
    let requested = shutdown.requested();
    // The thread must not answer earlier than its task is registered, because the test ends the
    // process after an answer.
    let (registered, is_registered) = channel();
    let accepting = thread::spawn(move || {
        is_registered.recv().expect("the task is registered");
        while !requested.wait_timeout(Duration::ZERO) {
            match listener.accept() {
                Ok((mut client, _)) => answer(&mut client),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    thread::sleep(Duration::from_millis(1));
                }
                Err(error) => panic!("{error}"),
            }
        }
    });
    let task = shutdown.task("accept").phase(Phase::UNBIND);
    task.join(accepting).expect("the shutdown has not begun");
    registered.send(()).expect("the thread waits");
}

fn answer(client: &mut TcpStream) {
    client
        .set_nonblocking(false)
        .expect("a socket has this option");
    let pid = std::process::id();
    let _ = client.write_all(format!("{pid}").as_bytes());
}

/// Connects, and returns the process id in the answer.
fn ask(address: SocketAddr) -> std::io::Result<u32> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    text.parse().map_err(|_| ErrorKind::InvalidData.into())
}

#[expect(unsafe_code, reason = "ends a process that the test has started")]
fn terminate(pid: u32) {
    // SAFETY: kill(2) takes two integers.
    unsafe { libc::kill(pid as i32, libc::SIGTERM) };
}

/// Returns a hand-over to a successor that executes the same test.
fn to_itself(shutdown: &Shutdown, test: &str) -> HandOver {
    let program = std::env::current_exe().expect("the test binary has a path");
    let arguments = [test, "--exact", "--nocapture", "--test-threads=1"];
    shutdown
        .hand_over(program)
        .args(arguments)
        .env(ROLE, "successor")
}

/// The scenario of both processes. The environment variable [`ROLE`] is set in the successor.
fn run_old_process_and_successor(test: &str) {
    let is_successor = std::env::var_os(ROLE).is_some();
    let shutdown = shutdown();
    let inherited = inherited().expect("the variables are valid");
    let listener = match inherited.tcp("http").expect("the descriptor is a listener") {
        Some(listener) => listener,
        None => TcpListener::bind("127.0.0.1:0").expect("a free port"),
    };
    assert_eq!(inherited.names(), [""; 0]);
    let copy = listener.try_clone().expect("a descriptor");
    if !is_successor {
        let address = listener.local_addr().expect("an address");
        println!("listens at {address}");
    }
    serve(&shutdown, listener);
    shutdown.set_ready();
    if !is_successor {
        thread::sleep(Duration::from_millis(500));
        let successor = to_itself(&shutdown, test).listener("http", &copy).start();
        let successor = successor.expect("the successor becomes ready");
        println!("successor {}", successor.pid());
        shutdown.request(Cause::requested("a successor took over"));
    }
    drop(copy);
    shutdown.wait_and_exit();
}

#[test]
fn no_connection_is_refused_while_a_successor_takes_over() {
    let test = "no_connection_is_refused_while_a_successor_takes_over";
    let mut old = victim::start(test, || run_old_process_and_successor(test));
    let line = old.hear("listens at ");
    let address: SocketAddr = line.rsplit(' ').next().unwrap().parse().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let over = Arc::clone(&over);
            thread::spawn(move || {
                let mut answers = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    answers.push(ask(address).map_err(|error| error.to_string()));
                }
                answers
            })
        })
        .collect();
    let line = old.hear("successor ");
    let successor: u32 = line.rsplit(' ').next().unwrap().parse().unwrap();
    let pid = old.pid().unsigned_abs();
    let until = Instant::now() + PATIENCE;
    let ended = loop {
        // `wait` would wait for the end of the output, which the successor keeps open.
        match old.has_ended() {
            None if Instant::now() < until => thread::sleep(Duration::from_millis(5)),
            ended => break ended.and_then(|status| status.code()),
        }
    };
    thread::sleep(Duration::from_millis(300));
    over.store(true, Ordering::Relaxed);
    let answers: Vec<_> = clients
        .into_iter()
        .flat_map(|client| client.join().expect("the client does not panic"))
        .collect();
    terminate(successor);
    assert_eq!(ended, Some(0));
    let failed: Vec<_> = answers.iter().filter(|it| it.is_err()).collect();
    assert!(
        failed.is_empty(),
        "{} of {}: {failed:?}",
        failed.len(),
        answers.len()
    );
    let by: BTreeSet<_> = answers.into_iter().flatten().collect();
    assert_eq!(by, BTreeSet::from([pid, successor]));
    println!("all connections were answered");
}

/// The control: between the end of the old process and the bind of a successor, connections
/// are refused.
#[test]
fn connections_are_refused_if_the_listener_is_not_passed_on() {
    let test = "connections_are_refused_if_the_listener_is_not_passed_on";
    let mut old = victim::start(test, || {
        let shutdown = shutdown();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        println!("listens at {}", listener.local_addr().expect("an address"));
        serve(&shutdown, listener);
        shutdown.wait_and_exit();
    });
    let line = old.hear("listens at ");
    let address: SocketAddr = line.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(ask(address).is_ok());
    old.send(libc::SIGTERM);
    old.wait().assert_status(0);
    assert!(ask(address).is_err());
}

fn hand_over_to(shutdown: &Shutdown, script: &str) -> HandOver {
    let shell = shutdown.hand_over("/bin/sh");
    shell
        .args(["-c", script])
        .ready_within(Duration::from_secs(15))
}

#[test]
fn failed_hand_over_leaves_no_successor_and_requests_no_shutdown() {
    let test = "failed_hand_over_leaves_no_successor_and_requests_no_shutdown";
    let ended = victim::run(test, || {
        let shutdown = shutdown();
        let none = shutdown.hand_over("/nonexistent/program").start();
        assert!(matches!(none, Err(HandOverError::Start(_))), "{none:?}");
        let ended = hand_over_to(&shutdown, "exit 7").start();
        assert!(matches!(ended, Err(HandOverError::Ended)), "{ended:?}");
        let begun = Instant::now();
        let within = Duration::from_millis(300);
        let late = hand_over_to(&shutdown, "exec sleep 60")
            .ready_within(within)
            .start();
        assert!(
            matches!(late, Err(HandOverError::NotReady { .. })),
            "{late:?}"
        );
        assert!(begun.elapsed() >= within);
        let named = shutdown
            .hand_over("/bin/true")
            .listener("a:b", std::io::stdin())
            .start();
        assert!(
            matches!(named, Err(HandOverError::Name { .. })),
            "{named:?}"
        );
        let children: String = fs::read_dir("/proc/self/task")
            .expect("/proc is mounted")
            .flatten()
            .map(|task| fs::read_to_string(task.path().join("children")).unwrap_or_default())
            .collect();
        println!(
            "children: {children:?}, requested: {}",
            shutdown.is_requested()
        );
        shutdown.finish_and_exit();
    });
    ended
        .assert_status(0)
        .assert_says("children: \"\", requested: false");
}

/// Shell commands that close the readiness descriptor and then loop, so that the successor
/// cannot become ready.
const GIVE_UP: &str = "eval \"exec $DEADSTOP_READY_FD>&-\"; while :; do sleep 0.05; done";

/// The successor may already have accepted connections. It gets SIGTERM and drains them before
/// `start` returns the error.
#[test]
fn successor_that_is_not_ready_drains_before_the_hand_over_fails() {
    let test = "successor_that_is_not_ready_drains_before_the_hand_over_fails";
    let ended = victim::run(test, || {
        let shutdown = shutdown();
        let script = format!("trap 'echo it has drained; exit' TERM; {GIVE_UP}");
        println!("{:?}", hand_over_to(&shutdown, &script).start());
        shutdown.finish_and_exit();
    });
    ended
        .assert_status(0)
        .assert_says("it has drained\nErr(Ended)\n");
}

#[test]
fn successor_that_is_not_ready_and_ignores_sigterm_is_killed() {
    let test = "successor_that_is_not_ready_and_ignores_sigterm_is_killed";
    let ended = victim::run(test, || {
        let shutdown = shutdown();
        let script = format!("trap '' TERM; echo successor $$; {GIVE_UP}");
        let begun = Instant::now();
        println!("{:?}", hand_over_to(&shutdown, &script).start());
        assert!(begun.elapsed() >= Duration::from_secs(5));
        shutdown.finish_and_exit();
    });
    ended.assert_status(0).assert_says("Err(Ended)\n");
    let line = ended
        .stdout
        .lines()
        .find(|line| line.contains("successor "));
    let successor = Successor::of(line.expect("the successor prints its process id"));
    assert!(!successor.is_running());
}

#[test]
fn successor_in_another_language_gets_descriptors_by_systemds_protocol() {
    let test = "successor_in_another_language_gets_descriptors_by_systemds_protocol";
    let ended = victim::run(test, || {
        let shutdown = shutdown();
        let one = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let two = TcpListener::bind("127.0.0.1:0").expect("a free port");
        // LISTEN_PID must be the shell's process id, and descriptors 3 and 4 must be sockets.
        let script = r#"
            [ "$LISTEN_PID" = $$ ] && [ "$LISTEN_FDS" = 2 ] && [ "$LISTEN_FDNAMES" = http:admin ] &&
            [ -S /proc/self/fd/3 ] && [ -S /proc/self/fd/4 ] && [ "$APP" = "a b" ] &&
            echo >&"$DEADSTOP_READY_FD"
        "#;
        let successor = hand_over_to(&shutdown, script)
            .env("APP", "a b")
            .listener("http", &one)
            .listener("admin", &two)
            .start();
        println!("{}", successor.is_ok());
        let again = hand_over_to(&shutdown, "exit 1").start();
        println!("{}", matches!(again, Err(HandOverError::UnderWay)));
        shutdown.finish_and_exit();
    });
    ended.assert_status(0).assert_says("true\ntrue\n");
}

/// `LISTEN_PID` is the id of another process, as in a grandchild that inherited the variables.
#[test]
fn listeners_of_another_process_are_not_taken() {
    let test = "listeners_of_another_process_are_not_taken";
    let variables = [("LISTEN_PID", "1"), ("LISTEN_FDS", "1")];
    let started = victim::start_with(test, &variables, || {
        let inherited = inherited().expect("variables of another process are ignored");
        println!("{:?}", inherited.names());
        assert!(
            inherited
                .tcp("")
                .expect("a missing listener is no error")
                .is_none()
        );
    });
    started.wait().assert_status(0).assert_says("[]");
}

/// Opens 32 connections that no process accepts, calls `close`, and returns the number of
/// connections that are reset.
fn resets_after(address: SocketAddr, close: impl FnOnce()) -> usize {
    let connect =
        |_| TcpStream::connect_timeout(&address, PATIENCE).expect("the queue is not full");
    let mut clients: Vec<_> = (0..32).map(connect).collect();
    close();
    let limit = Some(Duration::from_millis(20));
    let is_reset = |client: &mut TcpStream| {
        client.set_read_timeout(limit).expect("a length");
        let error = client.read(&mut [0]).map_err(|error| error.kind());
        error == Err(ErrorKind::ConnectionReset)
    };
    clients
        .iter_mut()
        .filter_map(|client| is_reset(client).then_some(()))
        .count()
}

#[test]
fn closing_a_shared_listener_resets_no_queued_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let _successors = listener.try_clone().expect("a descriptor");
    let address = listener.local_addr().expect("an address");
    assert_eq!(resets_after(address, || drop(listener)), 0);
}

/// The control: with `SO_REUSEPORT`, each listener has a separate queue, whose connections the
/// kernel resets at the close.
#[test]
fn closing_a_listener_with_so_reuseport_resets_queued_connections() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    let _context = runtime.enter();
    let listen = |port| {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_reuseport(true).expect("an option");
        socket
            .bind(SocketAddr::from(([127, 0, 0, 1], port)))
            .expect("a free port");
        socket.listen(64).expect("the socket is bound")
    };
    let old = listen(0);
    let address = old.local_addr().expect("an address");
    let _new = listen(address.port());
    let resets = resets_after(address, || drop(old));
    assert!(
        resets > 0,
        "the kernel queued none of 32 connections at the old listener"
    );
    println!("{resets} of 32 connections were reset");
}

/// Starts the program of a test as a service manager does, with `/dev/null` as descriptor 3.
const AS_SERVICE: [&str; 4] = [
    "sh",
    "-c",
    "exec 3</dev/null; export LISTEN_PID=$$; exec \"$@\"",
    "sh",
];

/// The variables name 500 descriptors, and only descriptor 3 is open. Each call must return the
/// error and leave descriptor 3 open, so that no other file gets its number.
#[test]
fn inherited_with_a_closed_descriptor_fails_and_keeps_the_others_open() {
    let test = "inherited_with_a_closed_descriptor_fails_and_keeps_the_others_open";
    let variables = [("LISTEN_FDS", "500")];
    let started = victim::start_under(test, &AS_SERVICE, &variables, || {
        for _ in 0..2 {
            let error = inherited().err();
            println!("{}", matches!(error, Some(InheritError::Closed { .. })));
            println!("{:?}", fs::read_link("/proc/self/fd/3").ok());
        }
    });
    let said = "true\nSome(\"/dev/null\")\n";
    let ended = started.wait();
    ended.assert_status(0).assert_says(&format!("{said}{said}"));
}

/// The successor has no free descriptor. It must still get its two listeners, and an error for
/// each descriptor of another type.
#[test]
fn inherited_listener_is_taken_with_all_descriptors_used_up() {
    let test = "inherited_listener_is_taken_with_all_descriptors_used_up";
    let ended = victim::run(test, || {
        let is_successor = std::env::var_os(ROLE).is_some();
        let shutdown = shutdown();
        if !is_successor {
            let (tcp, stream) = (
                TcpListener::bind("127.0.0.1:0").expect("a free port"),
                std::os::unix::net::UnixStream::pair().expect("descriptors"),
            );
            let unix = format!("/tmp/deadstop-inherited-{}.sock", std::process::id());
            let listener = UnixListener::bind(&unix).expect("the path is free");
            let successor = to_itself(&shutdown, test)
                .listener("tcp", &tcp)
                .listener("unix", &listener)
                .listener("stream", &stream.0)
                .start();
            fs::remove_file(unix).expect("the file exists");
            println!("took over: {}", successor.is_ok());
            shutdown.finish_and_exit();
        }
        let inherited = inherited().expect("the variables are valid");
        let held: Vec<_> = (0..)
            .map_while(|_| fs::File::open("/dev/null").ok())
            .collect();
        let of = |result: Result<bool, InheritError>| result.map_err(|error| error.to_string());
        let results = [
            of(inherited.tcp("unix").map(|it| it.is_some())),
            of(inherited.unix("tcp").map(|it| it.is_some())),
            of(inherited.tcp("stream").map(|it| it.is_some())),
            of(inherited.tcp("tcp").map(|it| it.is_some())),
            of(inherited.unix("unix").map(|it| it.is_some())),
        ];
        drop(held);
        println!("{results:?}, left {:?}", inherited.names());
        shutdown.set_ready();
        shutdown.finish_and_exit();
    });
    let refused = |name: &str, wanted: &str| {
        format!("Err(\"the inherited descriptor {name:?} is not a {wanted} listener\")")
            .replace("\"unix\"", "\\\"unix\\\"")
            .replace("\"tcp\"", "\\\"tcp\\\"")
            .replace("\"stream\"", "\\\"stream\\\"")
    };
    let refusals = [
        refused("unix", "TCP"),
        refused("tcp", "unix"),
        refused("stream", "TCP"),
    ];
    let refusals = refusals.join(", ");
    ended.assert_status(0).assert_says("took over: true");
    ended.assert_says(&format!(
        "[{refusals}, Ok(true), Ok(true)], left [\"stream\"]"
    ));
}

/// A socket waker shuts the listener down in each process that shares it. So a listener with
/// such a waker cannot be handed over, and a shared listener can get none.
#[test]
fn hand_over_of_a_listener_with_a_socket_waker_is_refused() {
    let test = "hand_over_of_a_listener_with_a_socket_waker_is_refused";
    let ended = victim::run(test, || {
        let shutdown = shutdown();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let wake = wakers::socket(&listener).expect("the process created the listener");
        let waker = shutdown
            .waker("accept", wake)
            .expect("the shutdown has not begun");
        let start = || {
            let successor = hand_over_to(&shutdown, "echo >&$DEADSTOP_READY_FD");
            successor.listener("http", &listener).start()
        };
        let refused = start();
        println!("{}", matches!(refused, Err(HandOverError::Waker { .. })));
        waker.disable();
        println!("{:?}", start().is_ok());
        // Another process shares the listener now.
        let refused = wakers::socket(&listener).err().map(|error| error.kind());
        println!("{refused:?}");
        shutdown.finish_and_exit();
    });
    ended.assert_status(0);
    ended.assert_says("true\ntrue\nSome(PermissionDenied)\n");
}

/// The successor duplicates its listener, and closes the original. The duplicate has another
/// descriptor number, and must still be refused.
#[test]
fn socket_waker_of_an_inherited_listener_is_refused() {
    let test = "socket_waker_of_an_inherited_listener_is_refused";
    let ended = victim::run(test, || {
        let is_successor = std::env::var_os(ROLE).is_some();
        let shutdown = shutdown();
        if is_successor {
            let inherited = inherited().expect("the variables are valid");
            let listener = inherited.tcp("http").expect("the descriptor is a listener");
            let listener = listener.expect("the listener was passed on");
            let copy = listener.try_clone().expect("a descriptor");
            drop(listener);
            let refused = wakers::socket(&copy).err().map(|error| error.kind());
            println!("{refused:?}");
        } else {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let successor = to_itself(&shutdown, test).listener("http", &listener);
            println!("{}", successor.start().is_ok());
        }
        shutdown.set_ready();
        shutdown.finish_and_exit();
    });
    ended.assert_status(0).assert_says("Some(PermissionDenied)");
    ended.assert_says("true\n");
}

/// Each process is delayed by 4 s after it forks. A process between the old one and the
/// successor could therefore write its message later than the successor's.
#[test]
fn pid_of_the_successor_is_that_of_the_ready_process() {
    let test = "pid_of_the_successor_is_that_of_the_ready_process";
    let slow = victim::strace("trace=clone", "inject=clone:delay_exit=4000000");
    if !victim::works(&slow) {
        return victim::skip("strace cannot be used");
    }
    let started = victim::start_under(test, &slow, &[], || {
        let is_successor = std::env::var_os(ROLE).is_some();
        let shutdown = shutdown();
        if is_successor {
            shutdown.set_ready();
            println!("successor {}", std::process::id());
        } else {
            let successor = to_itself(&shutdown, test)
                .start()
                .expect("the successor becomes ready");
            println!("took over {}", successor.pid());
        }
        shutdown.finish_and_exit();
    });
    let ended = started.wait();
    ended.assert_status(0);
    let number = |word: &str| {
        let line = ended.stdout.lines().find_map(|line| line.split_once(word));
        line.map(|(_, number)| number.trim().to_owned())
    };
    assert!(number("successor ").is_some(), "{ended:#?}");
    assert_eq!(number("successor "), number("took over "), "{ended:#?}");
}

/// The predecessor has exited, for example at its deadline. SIGPIPE would end this process.
/// `set_ready` in the successor must not raise this signal.
#[test]
#[expect(
    unsafe_code,
    reason = "sets the action of a signal, as a program in C would"
)]
fn set_ready_after_the_predecessor_ended_does_not_end_the_process() {
    let test = "set_ready_after_the_predecessor_ended_does_not_end_the_process";
    let ended = victim::run(test, || {
        if std::env::var_os(ROLE).is_none() {
            let (ours, theirs) = std::os::unix::net::UnixStream::pair().expect("descriptors");
            let script = "exec 9>&0; export LISTEN_PID=$$; exec \"$@\"";
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", script, "sh"]);
            shell.arg(std::env::current_exe().expect("the test binary has a path"));
            shell.args([test, "--exact", "--nocapture", "--test-threads=1"]);
            shell.env(ROLE, "successor").env("DEADSTOP_READY_FD", "9");
            let theirs = std::os::fd::OwnedFd::from(theirs);
            drop(ours);
            let status = shell.stdin(theirs).status().expect("it can be started");
            println!("{status}");
            return;
        }
        // SAFETY: the default action is a valid one.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let shutdown = shutdown();
        shutdown.set_ready();
        shutdown.finish_and_exit();
    });
    ended.assert_status(0).assert_says("exit status: 0");
}
