//! The faults of `tests/faults` with the health server: it must answer `/livez` while the
//! process hangs.
//!
//! The process has a long grace, and the test kills it after the answer.

#[path = "harness/fault_list.rs"]
mod fault_list;
#[expect(dead_code, reason = "shared with the tests of the faults")]
#[path = "harness/mod.rs"]
mod harness;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use harness::{End, Victim};
use libtest_mimic::{Arguments, Trial};

/// Faults without an answer, with the reason. Either no answer is possible, or this test does
/// not run the fault.
const SILENT: &[(&str, &[&str])] = &[
    (
        "they stop all threads",
        &[
            "all_but_the_watchdog_frozen",
            "cgroup_frozen",
            "continued_after_the_deadline",
            "every_call_refused",
            "every_call_refused_frozen",
            "every_thread_frozen",
            "stopped",
        ],
    ),
    (
        "they freeze the threads of deadstop, the server's among them",
        &["ctrl_c_own_threads_frozen"],
    ),
    (
        "the limit of open descriptors is zero, so that no connection can be accepted",
        &[
            "files_refused",
            "limited_in_everything",
            "limited_in_everything_frozen",
            "limited_nofile",
        ],
    ),
    (
        "the standard library aborts where futex(2) is refused",
        &["no_one_can_be_woken"],
    ),
    (
        "they want a backup timer of a certain kind, which these processes do not choose",
        &[
            "finishing_cores_no_signal_is_free",
            "finishing_cores_one_signal_is_free",
            "finishing_cores_watchdog_frozen",
        ],
    ),
    (
        "tests/faults/copies.rs has the second copy of the library",
        &[
            "plugin_unloaded",
            "two_copies_ours_is_first",
            "two_copies_the_other_is_first",
        ],
    ),
];

/// The number of tests that run at the same time. Victims mostly sleep.
const AT_ONCE: usize = 8;

/// The grace, long enough for all requests of a test.
const GRACE: Duration = Duration::from_secs(30);

/// The longest time for an answer, and the number of tries. A machine under load can delay an
/// answer, but never makes it faster.
const PROMPT: Duration = Duration::from_secs(1);
const TRIES: usize = 10;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let is_silent = |fault: &str| SILENT.iter().any(|(_, faults)| faults.contains(&fault));
    // `tests/faults` asserts how the processes end.
    let faults = fault_list::read(env!("CARGO_BIN_EXE_victim"));
    let spoken = faults.into_iter().filter(|(fault, _)| !is_silent(fault));
    let trials = spoken.map(|(fault, _)| {
        Trial::test(format!("{fault}::liveness_is_answered"), move || {
            if let Some(Err(answers)) = ask_hung(fault, TRIES) {
                panic!("{fault} is silent: {answers}");
            }
            Ok(())
        })
    });
    let control = Trial::test("stopped::is_silent", || {
        let answered = ask_hung("stopped", 1);
        assert!(
            matches!(answered, Some(Err(_))),
            "a stopped process answers"
        );
        Ok(())
    });
    let trials = trials.chain([control]).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Requests `/livez` from a process that hangs by `fault`. Returns an error with the answers if
/// none of them is in time, and `None` if the system does not allow the fault.
fn ask_hung(fault: &str, tries: usize) -> Option<Result<(), String>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    let mut command = harness::command(fault, GRACE, "watched");
    hand_over(&mut command, &listener);
    let victim = Victim::start(command, fault, GRACE);
    if victim.is_refused() {
        return None;
    }
    // The fault begins right after the victim has printed that it armed.
    std::thread::sleep(Duration::from_millis(100));
    let mut answers = Vec::new();
    for _ in 0..tries {
        let begun = Instant::now();
        let answer = ask(address);
        let took = begun.elapsed();
        if matches!(&answer, Ok(text) if text.starts_with("HTTP/1.1 200 ")) && took < PROMPT {
            return Some(Ok(()));
        }
        answers.push((took, answer));
    }
    Some(Err(format!("{answers:#?}")))
}

/// Lets the victim inherit the listener. This process never accepts.
#[expect(unsafe_code, reason = "a descriptor is inherited if a flag is cleared")]
fn hand_over(command: &mut Command, listener: &TcpListener) {
    let number = listener.as_raw_fd();
    command.env("VICTIM_HEALTH", number.to_string());
    let inherit = move || {
        // SAFETY: three integers; the descriptor is open.
        match unsafe { libc::fcntl(number, libc::F_SETFD, 0) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: the closure makes one system call, and an error from a number allocates
    // nothing.
    unsafe { command.pre_exec(inherit) };
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PROMPT))?;
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: victim\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
