//! The list of system calls in `deadstop::protection` is complete: `install`, a
//! shutdown, a report and the end run under a filter that kills at any other call.

#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#![expect(unsafe_code, reason = "installs a seccomp filter in the victim")]

use std::mem::offset_of;
use std::process::Output;
use std::time::Duration;

#[path = "harness/self_victim.rs"]
mod self_victim;

use deadstop::protection::{Occasion, system_calls};
use deadstop::report::Sinks;
use deadstop::{Cause, Phase, Shutdown, Signal, Watchdog};

/// Runs `scenario` in a separate process.
fn run(test: &str, scenario: impl FnOnce()) -> Output {
    self_victim::victim(test, scenario)
        .output()
        .expect("it starts")
}

/// For a filter that is installed after `install`.
const FOLLOWS_INSTALL: [Occasion; 4] = [
    Occasion::Arm,
    Occasion::Run,
    Occasion::Report,
    Occasion::End,
];
const EVERY: [Occasion; 5] = [
    Occasion::Install,
    Occasion::Arm,
    Occasion::Run,
    Occasion::Report,
    Occasion::End,
];
/// Calls of the victim itself: two filters.
const OWN: [i64; 2] = [libc::SYS_prctl, libc::SYS_seccomp];

/// Kills the process at each call that `occasions` do not cause, except `without`.
fn allow(occasions: &[Occasion], without: &[&str]) {
    let calls = system_calls(occasions).filter(|call| !without.contains(&call.name()));
    let mut numbers: Vec<i64> = calls.map(|call| call.number()).collect();
    numbers.extend(OWN);
    filter(
        &numbers,
        libc::SECCOMP_RET_ALLOW,
        libc::SECCOMP_RET_KILL_PROCESS,
    );
}

/// Makes the call `number` fail with `EPERM`.
fn refuse(number: i64) {
    let refused = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    filter(&[number], refused, libc::SECCOMP_RET_ALLOW);
}

/// Answers each call of `numbers` with `one`, and each other with `other`.
fn filter(numbers: &[i64], one: u32, other: u32) {
    let step = |code: u32, k: u32| libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k,
    };
    let number = offset_of!(libc::seccomp_data, nr) as u32;
    let mut program = vec![step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, number)];
    for number in numbers {
        program.push(libc::sock_filter {
            jf: 1,
            ..step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, *number as u32)
        });
        program.push(step(libc::BPF_RET | libc::BPF_K, one));
    }
    program.push(step(libc::BPF_RET | libc::BPF_K, other));
    let program = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: `PR_SET_NO_NEW_PRIVS` takes integers.
    let promised = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(promised, 0, "PR_SET_NO_NEW_PRIVS");
    // SAFETY: the pointer is valid for reads, and so is the one inside.
    let set = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_TSYNC,
            &raw const program,
        )
    };
    assert_eq!(set, 0, "seccomp");
}

fn shutdown(sinks: Sinks) -> Shutdown {
    let builder = Shutdown::builder().grace(Duration::from_secs(2));
    let builder = builder.status_signals([Signal::USR1]).sinks(sinks);
    builder.install().expect("install succeeds")
}

fn assert_status(output: &Output, status: i32) {
    assert_eq!(output.status.code(), Some(status), "{output:?}");
}

fn assert_killed_by_filter(output: &Output) {
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(output.status.signal(), Some(libc::SIGSYS), "{output:?}");
}

fn raise(signal: i32) {
    // SAFETY: `raise` takes an integer.
    assert_eq!(unsafe { libc::raise(signal) }, 0);
}

fn hang(shutdown: &Shutdown) {
    let hangs = shutdown.task("hangs").on_shutdown(|_| {
        loop {
            std::thread::park();
        }
    });
    hangs.expect("install succeeds");
}

/// Returns sinks with files in a folder that only this test uses.
fn sinks(test: &str) -> Sinks {
    let folder = std::env::temp_dir().join(format!("deadstop-{test}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let sinks = Sinks::new().json(folder.join("hang.json"));
    sinks.termination_message(folder.join("message"))
}

#[test]
fn install_hang_report_and_deadline_make_listed_calls_alone() {
    let test = "install_hang_report_and_deadline_make_listed_calls_alone";
    let output = run(test, || {
        let sinks = sinks(test);
        allow(&EVERY, &[]);
        let shutdown = shutdown(sinks);
        allow(&FOLLOWS_INSTALL, &[]);
        hang(&shutdown);
        raise(libc::SIGTERM);
        let _ = shutdown.wait();
    });
    assert_status(&output, 124);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("1 task has not returned: \"hangs\""),
        "{said}"
    );
    assert!(said.contains("end of hang report"), "{said}");
}

#[test]
fn clean_shutdown_makes_no_call_of_a_report() {
    let test = "clean_shutdown_makes_no_call_of_a_report";
    let output = run(test, || {
        let shutdown = shutdown(Sinks::new());
        let flush = shutdown.task("flush").on_shutdown(|cx| {
            cx.progress("segment 1 of 1");
            std::thread::sleep(Duration::from_millis(10));
        });
        flush.expect("install succeeds");
        allow(&[Occasion::Arm, Occasion::Run, Occasion::End], &[]);
        raise(libc::SIGTERM);
        shutdown.wait_and_exit();
    });
    assert_status(&output, 0);
}

#[test]
fn status_report_and_report_of_an_abandoned_task_make_listed_calls_alone() {
    let test = "status_report_and_report_of_an_abandoned_task_make_listed_calls_alone";
    let output = run(test, || {
        let shutdown = shutdown(sinks(test));
        allow(&FOLLOWS_INSTALL, &[]);
        let budget = Duration::from_millis(200);
        let task = shutdown.task("hangs").phase(Phase::DRAIN).budget(budget);
        let hangs = task.on_shutdown(|_| {
            loop {
                std::thread::park();
            }
        });
        hangs.expect("install succeeds");
        raise(libc::SIGUSR1);
        std::thread::sleep(Duration::from_millis(500));
        shutdown.request(Cause::requested("a test"));
        shutdown.wait_and_exit();
    });
    assert_status(&output, 1);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("status report"), "{said}");
    assert!(said.contains("abandoned"), "{said}");
}

#[test]
fn watchdog_alone_makes_listed_calls_alone() {
    let test = "watchdog_alone_makes_listed_calls_alone";
    let output = run(test, || {
        allow(&EVERY, &[]);
        let builder = Watchdog::builder().grace(Duration::from_millis(700));
        let watchdog = builder.arm_on([Signal::TERM]).install();
        let watchdog = watchdog.expect("install succeeds");
        allow(&FOLLOWS_INSTALL, &[]);
        watchdog.arm();
        loop {
            std::thread::park();
        }
    });
    assert_status(&output, 124);
}

/// The victim is also the client; its calls are among those of the occasions.
#[cfg(feature = "health")]
#[test]
fn heartbeats_and_the_health_server_make_listed_calls_alone() {
    use self_victim::PATIENCE;
    use std::io::{Read, Write};
    use std::time::Instant;

    let test = "heartbeats_and_the_health_server_make_listed_calls_alone";
    let output = run(test, || {
        let shutdown = shutdown(Sinks::new());
        allow(&[&EVERY[..], &[Occasion::Health]].concat(), &[]);
        let health = shutdown.health().bind("[::]:0").check("good", || true);
        let health = health.start().expect("install succeeds");
        let beat = shutdown.heartbeat("loop").start().expect("it starts");
        beat.tick();
        drop(beat.pause());
        allow(&[&FOLLOWS_INSTALL[..], &[Occasion::Health]].concat(), &[]);
        health.set_ready();
        let port = health.addresses()[0].port();
        let get = |path| {
            let stream = std::net::TcpStream::connect(("127.0.0.1", port));
            let mut stream = stream.expect("it listens");
            let request = format!("GET /{path} HTTP/1.1\r\n\r\n");
            stream.write_all(request.as_bytes()).expect("it reads");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("it answers");
            answer
        };
        for path in ["livez", "readyz", "metrics", "status"] {
            let mut answer = get(path);
            // Repeats until the check has returned for the first time.
            let end = Instant::now() + PATIENCE;
            while answer.contains("it has not returned yet") && Instant::now() < end {
                answer = get(path);
            }
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        }
        raise(libc::SIGTERM);
        shutdown.wait_and_exit();
    });
    assert_status(&output, 0);
}

/// The controls: without one listed call, each occasion must end the process by SIGSYS.
#[test]
fn process_dies_of_sigsys_without_a_listed_call() {
    let test = "process_dies_of_sigsys_without_a_listed_call";
    let without = std::env::var("WITHOUT").unwrap_or_default();
    let scenario = || {
        let shutdown = shutdown(Sinks::new());
        hang(&shutdown);
        allow(&FOLLOWS_INSTALL, &[&without]);
        raise(libc::SIGTERM);
        let _ = shutdown.wait();
    };
    if !without.is_empty() {
        run(test, scenario);
        return;
    }
    for call in [
        "timer_settime",
        "process_vm_readv",
        "getdents64",
        "exit_group",
    ] {
        let mut command = self_victim::victim(test, || {});
        command.env("WITHOUT", call);
        let output = command.output().expect("it starts");
        assert_killed_by_filter(&output);
    }
}

/// The spawn must return the error at once. Otherwise it would wait for the end of the child.
#[test]
fn child_is_an_error_where_its_start_could_not_be_reported() {
    let test = "child_is_an_error_where_its_start_could_not_be_reported";
    let output = run(test, || {
        let shutdown = shutdown(Sinks::new());
        refuse(libc::SYS_recvfrom);
        let mut sleep = std::process::Command::new("sleep");
        sleep.arg("5").stdout(std::process::Stdio::null());
        let child = shutdown.child("sleeper", sleep);
        self_victim::say(&format!("{}", child.expect_err("it is refused")));
        shutdown.finish_and_exit();
    });
    assert_status(&output, 0);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("recvfrom(2) fails"), "{said}");
}

/// A thread is asked for its stack by tgkill(2). `install` finds out that the filter refuses it.
#[cfg(feature = "stacks")]
#[test]
fn report_says_why_there_is_no_stack_where_no_thread_can_be_asked() {
    let test = "report_says_why_there_is_no_stack_where_no_thread_can_be_asked";
    let output = run(test, || {
        refuse(libc::SYS_tgkill);
        let shutdown = shutdown(Sinks::new());
        hang(&shutdown);
        shutdown.finish_and_exit();
    });
    assert_status(&output, 124);
    let said = String::from_utf8_lossy(&output.stderr);
    let line = "no stack: this process cannot capture stacks; the log of its start says why";
    assert!(said.contains(line), "{said}");
}
