//! The first screen of hangs in the drain and health kits: the culprit, its innermost
//! function of the application with its line, and what it waits for.

use std::hint::black_box;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use super::*;

/// Asserts that the last report's first screen has ten lines at most, and a line for each
/// list of parts, which stand in this order in it.
#[track_caller]
fn shows(said: &str, lines: &[&[&str]]) {
    let screen = screen(said);
    assert!(screen.lines().count() <= 10, "{said}");
    for parts in lines {
        let has_all = |line: &str| {
            let mut rest = line;
            parts.iter().all(|part| match rest.split_once(part) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            })
        };
        assert!(screen.lines().any(has_all), "no {parts:?} in {said}");
    }
}

/// The part of a line that names a function of this file and its place.
fn is_in(function: &str) -> String {
    // A release build has no debug information, so that the place is an offset.
    let place = match cfg!(debug_assertions) {
        true => "tests/report_scenes/kits.rs:",
        false => "report_scenes-",
    };
    match STACKS {
        true => format!("is in report_scenes::kits::{function} ({place}"),
        false => String::new(),
    }
}

fn named(name: &str, life: impl FnOnce() + Send + 'static) -> thread::JoinHandle<()> {
    ok(thread::Builder::new().name(name.to_owned()).spawn(life))
}

/// Both ends of a connection over loopback.
fn connection() -> [TcpStream; 2] {
    let listener = ok(TcpListener::bind("127.0.0.1:0"));
    let client = ok(TcpStream::connect(ok(listener.local_addr())));
    let (server, _) = ok(listener.accept());
    [client, server]
}

/// A child process that has the other end of a pair of sockets, and says nothing.
fn silent_child() -> (Child, UnixStream) {
    let (own, other) = ok(UnixStream::pair());
    let mut command = Command::new("sleep");
    command.arg("60").stdin(OwnedFd::from(other));
    // The test reads to the end of standard error.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    (ok(command.spawn()), own)
}

#[inline(never)]
fn answers_an_order(mut database: TcpStream) {
    black_box(database.read(&mut [0; 8]).is_ok());
}

#[test]
fn gate_shows_where_the_oldest_entry_hangs_and_for_whom() {
    let test = "kits::gate_shows_where_the_oldest_entry_hangs_and_for_whom";
    let (status, said) = run(test, || {
        let shutdown = ok(builder().install());
        let gate = ok(shutdown.gate("http requests").open());
        let [database, _peer] = connection();
        let (entered, has_entered) = mpsc::channel();
        named("web-1", move || {
            let entry = ok(gate.enter_named("GET /orders/7"));
            ok(entered.send(()));
            answers_an_order(database);
            drop(entry);
        });
        ok(has_entered.recv());
        shutdown.request(Cause::requested("a test"));
        let _ = shutdown.wait();
    });
    assert_eq!(status, Some(124), "{said}");
    shows(
        &said,
        &[
            &["1 task has not returned: \"http requests\" (phase drain, "],
            &["1 in flight; oldest \\\"GET /orders/7\\\" for "],
            &[
                &is_in("answers_an_order"),
                "reads from descriptor ",
                "(socket \"tcp to 127.0.0.1:",
            ],
        ],
    );
}

#[inline(never)]
fn sends_a_mail(outbox: &Mutex<u32>) {
    let mut sent = outbox
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    **black_box(&mut sent) += 1;
}

/// A lock that a thread named `outbox` holds for good.
fn held_lock() -> Arc<Mutex<u32>> {
    let lock = Arc::new(Mutex::new(0));
    let (held, is_held) = mpsc::channel();
    let holders = Arc::clone(&lock);
    named("outbox", move || {
        let guard = holders.lock();
        ok(held.send(()));
        keeps_the_lock(&guard);
    });
    ok(is_held.recv());
    lock
}

#[inline(never)]
fn keeps_the_lock<T>(guard: &T) -> ! {
    loop {
        thread::sleep(Duration::from_secs(60));
        black_box(guard);
    }
}

#[test]
fn pool_shows_where_its_longest_job_hangs_and_who_holds_the_lock() {
    let test = "kits::pool_shows_where_its_longest_job_hangs_and_who_holds_the_lock";
    let (_, said) = run(test, || {
        let shutdown = ok(builder().install());
        let pool = ok(shutdown.pool("mailer").threads(1).start());
        let outbox = held_lock();
        ok(pool.execute_named("mail 17", move || sends_a_mail(&outbox)));
        ok(pool.execute_named("mail 18", || {}));
        // The thread has begun.
        thread::sleep(Duration::from_millis(200));
        let _ = shutdown.finish();
    });
    shows(
        &said,
        &[
            &["has not returned: \"mailer\" (phase drain, "],
            &["1 running, 1 queued; longest: \\\"mail 17\\\" for "],
            &[&is_in("sends_a_mail"), "waits (lock, "],
            &[
                "it waits for a lock that is on the stack of thread ",
                "\"outbox\", which ",
                &is_in("keeps_the_lock"),
                "sleeps",
            ],
        ],
    );
}

struct Client(Mutex<UnixStream>);

impl Client {
    #[inline(never)]
    fn says_goodbye(&self) {
        let mut broker = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        black_box(broker.read(&mut [0; 8]).is_ok());
    }
}

#[test]
fn resource_shows_where_its_close_hangs_and_the_process_that_would_answer() {
    let test = "kits::resource_shows_where_its_close_hangs_and_the_process_that_would_answer";
    let (_, said) = run(test, || {
        let shutdown = ok(builder().install());
        let (broker, stream) = silent_child();
        eprintln!("broker {}", broker.id());
        let client = Client(Mutex::new(stream));
        let resource = shutdown.resource("orders client", client);
        ok(resource.close(|client| client.says_goodbye()));
        let _ = shutdown.finish();
    });
    let broker = end_broker(&said);
    shows(
        &said,
        &[
            &[
                "2 tasks have not returned: ",
                "\"resources\"",
                "\"orders client\"",
            ],
            &["closing \\\"orders client\\\"; 0 more"],
            &[
                "it ",
                &is_in("Client::says_goodbye"),
                "reads from descriptor ",
                "(socket",
            ],
            &["it waits for process ", &broker, "\"sleep\" in state S"],
        ],
    );
}

/// Ends the process that a scenario has left, and returns its id.
fn end_broker(said: &str) -> String {
    let broker = said.lines().find_map(|line| line.strip_prefix("broker "));
    let broker = broker.unwrap_or_else(|| panic!("{said}"));
    // SAFETY: two integers; the process is the scenario's, which is gone.
    unsafe { libc::kill(ok(broker.parse()), libc::SIGKILL) };
    broker.to_owned()
}

#[inline(never)]
fn polls_the_broker(broker: &mut UnixStream) {
    black_box(broker.read(&mut [0; 8]).is_ok());
}

#[test]
fn consumer_shows_where_it_polls_and_the_process_that_would_answer() {
    let test = "kits::consumer_shows_where_it_polls_and_the_process_that_would_answer";
    let (_, said) = run(test, || {
        let shutdown = ok(builder().install());
        let (broker, mut stream) = silent_child();
        eprintln!("broker {}", broker.id());
        let consumer = shutdown.keep("consumer");
        let _kept = ok(consumer.spawn(move |_| polls_the_broker(&mut stream)));
        let _ = shutdown.finish();
    });
    let broker = end_broker(&said);
    shows(
        &said,
        &[
            &["1 task has not returned: \"consumer\" (phase drain, "],
            &[
                "it ",
                &is_in("polls_the_broker"),
                "reads from descriptor ",
                "(socket",
            ],
            &["it waits for process ", &broker, "\"sleep\" in state S"],
        ],
    );
}

/// A child has no function of the application: its task says which process it is, and what
/// that does.
#[test]
fn child_that_ignores_its_signal_is_shown_with_its_state() {
    let test = "kits::child_that_ignores_its_signal_is_shown_with_its_state";
    let (_, said) = run(test, || {
        let shutdown = ok(builder().install());
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' TERM; while :; do sleep 1; done"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = ok(shutdown.child("ffmpeg", command));
        eprintln!("child {}", child.id());
        let asked = shutdown.clone();
        thread::spawn(move || {
            thread::sleep(REPORTED / 2);
            asked.status_report();
        });
        // The shell ignores the signal by now.
        thread::sleep(Duration::from_millis(300));
        let _ = shutdown.finish();
    });
    let pid = said.lines().find_map(|line| line.strip_prefix("child "));
    let pid = pid.unwrap_or_else(|| panic!("{said}"));
    let says = format!("it says \"pid {pid} (sh), state S, in ");
    shows(
        &said,
        &[
            &["has not returned: \"ffmpeg\" (phase close, "],
            &[&says, "; signal 15 sent ", " s ago\""],
        ],
    );
    // The task's thread waits in deadstop's code, which is of no interest.
    assert!(!screen(&said).contains("it is "), "{said}");
}

#[cfg(feature = "health")]
#[inline(never)]
fn consumes(queue: &Mutex<u32>) {
    sends_a_mail(queue);
    black_box(queue);
}

#[cfg(feature = "health")]
#[test]
fn stalled_heartbeat_shows_where_its_thread_hangs_and_who_holds_the_lock() {
    use deadstop::health::OnStall;
    let test = "kits::stalled_heartbeat_shows_where_its_thread_hangs_and_who_holds_the_lock";
    let (_, said) = run(test, || {
        let shutdown = ok(builder().install());
        let every = Duration::from_millis(300);
        let beat = shutdown.heartbeat("consumer loop").every(every);
        let beat = ok(beat.on_stall(OnStall::Shutdown).start());
        let queue = held_lock();
        named("consumer", move || {
            beat.tick();
            consumes(&queue);
        });
        // main does not wait for the end: the deadline ends the process.
        park();
    });
    shows(
        &said,
        &[
            &["heartbeat \"consumer loop\""],
            &[
                "heartbeat \"consumer loop\", no tick for ",
                "\"consumer\" ",
                &is_in("sends_a_mail"),
                "waits (lock, ",
            ],
            &[
                "it waits for a lock that is on the stack of thread ",
                "\"outbox\", which ",
                &is_in("keeps_the_lock"),
                "sleeps",
            ],
        ],
    );
}
