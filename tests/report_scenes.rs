//! The hang report on files, futures, labels and its own threads. Each scenario is a function
//! here: the test runs this binary again as its victim.

#![expect(unsafe_code, reason = "makes a FIFO, and replaces a signal handler")]
#![expect(clippy::print_stderr, reason = "victims say what happened")]
#![expect(clippy::print_stdout, reason = "a logger of a victim's")]

use std::ffi::CString;
use std::fmt::Debug;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use deadstop::report::Progress;
use deadstop::{Cause, Phase, Shutdown, ShutdownBuilder};

use self_victim::park;

#[path = "harness/self_victim.rs"]
mod self_victim;

#[path = "report_scenes/kits.rs"]
mod kits;

#[path = "report_scenes/foreign_locks.rs"]
mod foreign_locks;

/// Long enough for the report to have names on a machine under load.
const REPORTED: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(40);
const STACKS: bool = cfg!(feature = "stacks");

/// Runs `scenario` in a process of its own. Returns its status and what it says on
/// standard error.
fn run(test: &str, scenario: impl FnOnce()) -> (Option<i32>, String) {
    let mut command = self_victim::victim(test, scenario);
    command.stdout(Stdio::null());
    // Each loads its symbols: more at a time are late on a small machine.
    static TURNS: [Mutex<()>; 2] = [const { Mutex::new(()) }; 2];
    let turn = TURNS[test.len() % 2].lock();
    let ended = finish(command.spawn().expect("it starts"));
    drop(turn);
    ended
}

fn finish(mut child: Child) -> (Option<i32>, String) {
    use std::io::Read;
    let mut stderr = child.stderr.take().expect("piped");
    let (text, is_there) = mpsc::channel();
    thread::spawn(move || {
        let mut said = Vec::new();
        let _ = stderr.read_to_end(&mut said);
        let _ = text.send(String::from_utf8_lossy(&said).into_owned());
    });
    let before = Instant::now();
    while child.try_wait().expect("its own child").is_none() {
        if before.elapsed() > PATIENCE {
            child.kill().expect("its own child");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let status = child.wait().expect("its own child").code();
    let said = is_there.recv_timeout(PATIENCE);
    (status, said.expect("it is at its end"))
}

fn ok<T, E: Debug>(result: Result<T, E>) -> T {
    result.expect("install succeeds")
}

fn builder() -> ShutdownBuilder {
    let builder = Shutdown::builder().grace(REPORTED);
    builder.progress(Progress::Off)
}

/// The first screen of the last report.
fn screen(said: &str) -> &str {
    let end = said.rfind("deadstop: details:").expect("a report");
    let begin = said[..end].rfind("deadline in ").expect("a headline");
    &said[begin..end]
}

fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("deadstop-{}-{name}", std::process::id()))
}

mod files {
    use super::*;

    #[test]
    fn path_of_a_fifo_that_waits_to_be_opened_is_named() {
        let test = "files::path_of_a_fifo_that_waits_to_be_opened_is_named";
        let (status, said) = run(test, || {
            let path = temporary("fifo");
            let name = ok(CString::new(path.as_os_str().as_bytes()));
            // SAFETY: the pointer is to a text that ends with zero.
            assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
            let shutdown = ok(builder().install());
            ok(shutdown.remove_file(&path));
            ok(shutdown
                .task("read the feed")
                .on_shutdown(move |_| File::open(path).map(drop)));
            let _ = shutdown.finish();
        });
        assert_eq!(status, Some(124), "{said}");
        let screen = screen(&said);
        let line = screen.lines().find(|line| line.contains("in openat of"));
        let line = line.unwrap_or_else(|| panic!("{said}"));
        assert!(line.contains("-fifo\""), "{said}");
    }

    /// A lock of a whole file that no other process shares.
    const WHOLE_FILE: libc::flock = libc::flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };

    #[test]
    fn holder_of_a_file_lock_is_named() {
        let test = "files::holder_of_a_file_lock_is_named";
        let (status, said) = run(test, || {
            let path = temporary("lock");
            let file = ok(File::create(&path));
            // The holder inherits the descriptor, and holds the lock with it.
            // SAFETY: a descriptor and an operation.
            assert_eq!(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) }, 0);
            // SAFETY: the child makes async-signal-safe calls alone.
            let holder = unsafe { libc::fork() };
            if holder == 0 {
                // The test reads to the end of it.
                // SAFETY: an integer.
                unsafe { libc::close(2) };
                let again = libc::O_RDWR | libc::O_CLOEXEC;
                let name = ok(CString::new(path.as_os_str().as_bytes()));
                // SAFETY: a text that ends with zero.
                let own = unsafe { libc::open(name.as_ptr(), again) };
                let mut lock = WHOLE_FILE;
                // SAFETY: a descriptor, and a pointer valid for reads and writes.
                unsafe { libc::fcntl(own, libc::F_SETLK, &raw mut lock) };
                // SAFETY: an integer.
                unsafe { libc::sleep(60) };
                // SAFETY: ends the child.
                unsafe { libc::_exit(0) };
            }
            let shutdown = ok(builder().install());
            ok(shutdown.remove_file(&path));
            eprintln!("holder {holder}");
            let held = move || {
                let mut lock = WHOLE_FILE;
                // SAFETY: a descriptor, and a pointer valid for reads and writes.
                unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETLK, &raw mut lock) };
                if lock.l_type == libc::F_UNLCK as i16 {
                    return false;
                }
                lock.l_type = libc::F_WRLCK as i16;
                // SAFETY: as above.
                unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLKW, &raw mut lock) };
                true
            };
            ok(shutdown.task("compact the store").on_shutdown(move |_| {
                while !held() {
                    thread::sleep(Duration::from_millis(5));
                }
            }));
            let _ = shutdown.finish();
        });
        assert_eq!(status, Some(124), "{said}");
        let holder = said.lines().find_map(|line| line.strip_prefix("holder "));
        let holder = holder.expect("it says so").to_owned();
        // SAFETY: the process that the victim left.
        unsafe { libc::kill(holder.parse().expect("a pid"), libc::SIGKILL) };
        let words = format!("it waits for process {holder} ");
        assert!(screen(&said).contains(&words), "{said}");
    }
}

mod labels {
    use super::*;

    #[inline(never)]
    fn handle_request() -> ! {
        let _label = deadstop::label("GET /report");
        let (_keep, nothing) = mpsc::channel::<()>();
        loop {
            let _ = nothing.recv();
        }
    }

    #[test]
    fn label_stands_beside_the_thread_that_holds_the_task_up() {
        let test = "labels::label_stands_beside_the_thread_that_holds_the_task_up";
        let (status, said) = run(test, || {
            let shutdown = ok(builder().install());
            let builder = thread::Builder::new().name("worker-1".to_owned());
            let worker = ok(builder.spawn(|| handle_request()));
            ok(shutdown.task("requests").on_shutdown(move |_| {
                let _ = worker.join();
            }));
            let _ = shutdown.finish();
        });
        assert_eq!(status, Some(124), "{said}");
        let name = "\"worker-1\" at \"GET /report\"";
        assert!(screen(&said).contains(name), "{said}");
    }

    #[test]
    fn label_from_before_install_stays() {
        let test = "labels::label_from_before_install_stays";
        let (status, said) = run(test, || {
            let _label = deadstop::label("an early one");
            let shutdown = ok(builder().install());
            ok(shutdown.task("hangs").on_shutdown(|_| park()));
            shutdown.request(Cause::requested("a test"));
            park();
        });
        assert_eq!(status, Some(124), "{said}");
        assert!(said.contains(" at \"an early one\""), "{said}");
    }

    #[test]
    fn label_ends_with_its_guard() {
        let test = "labels::label_ends_with_its_guard";
        let (status, said) = run(test, || {
            let shutdown = ok(builder().install());
            drop(deadstop::label("GET /over"));
            let _outer = deadstop::label("the outer one");
            let inner = deadstop::label("the inner one");
            drop(inner);
            ok(shutdown.task("hangs").on_shutdown(|_| park()));
            shutdown.request(Cause::requested("a test"));
            park();
        });
        assert_eq!(status, Some(124), "{said}");
        assert!(said.contains(" at \"the outer one\""), "{said}");
        assert!(!said.contains("GET /over"), "{said}");
        assert!(!said.contains("the inner one"), "{said}");
    }
}

mod futures {
    use super::*;
    use tokio::runtime::{Builder, Handle, Runtime};

    #[inline(never)]
    fn blocks_its_worker() -> ! {
        loop {
            thread::park();
        }
    }

    /// Registers a task whose future the runtime of `handle` polls.
    fn close_peers<F>(shutdown: &Shutdown, handle: Handle, close: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let spawn = move |future| {
            handle.spawn(future);
        };
        let task = shutdown.task("say goodbye to peers");
        ok(task.on_shutdown_async_in(spawn, |_| close));
    }

    async fn close_soon() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    fn runtime_of_one_worker() -> Runtime {
        let mut runtime = Builder::new_multi_thread();
        ok(runtime.worker_threads(1).enable_all().build())
    }

    #[test]
    fn future_that_was_never_polled_says_so_and_names_the_blocked_worker() {
        let test = "futures::future_that_was_never_polled_says_so_and_names_the_blocked_worker";
        let (status, said) = run(test, || {
            let shutdown = ok(builder().install());
            let runtime = runtime_of_one_worker();
            let (begun, has_begun) = mpsc::channel();
            runtime.spawn(deadstop::label::labeled("GET /block", async move {
                begun.send(()).expect("the test waits");
                blocks_its_worker();
            }));
            ok(has_begun.recv());
            close_peers(&shutdown, runtime.handle().clone(), close_soon());
            let _ = shutdown.finish();
        });
        assert_eq!(status, Some(124), "{said}");
        let screen = screen(&said);
        assert!(screen.contains("its future was never polled"), "{said}");
        assert!(screen.lines().count() <= 10, "{said}");
        if STACKS {
            assert!(screen.contains("blocks_its_worker"), "{said}");
            assert!(screen.contains(" at \"GET /block\""), "{said}");
        }
    }

    #[test]
    fn future_that_blocks_its_worker_names_the_worker_and_the_function() {
        let test = "futures::future_that_blocks_its_worker_names_the_worker_and_the_function";
        let (status, said) = run(test, || {
            let shutdown = ok(builder().install());
            let runtime = runtime_of_one_worker();
            close_peers(&shutdown, runtime.handle().clone(), async {
                blocks_its_worker();
            });
            let _ = shutdown.finish();
        });
        assert_eq!(status, Some(124), "{said}");
        let screen = screen(&said);
        assert!(
            screen.contains("its future has been polled for 4."),
            "{said}"
        );
        if STACKS {
            assert!(screen.contains("blocks_its_worker"), "{said}");
        }
    }

    #[test]
    fn future_that_is_not_woken_says_when_it_was_last_polled() {
        let test = "futures::future_that_is_not_woken_says_when_it_was_last_polled";
        let (status, said) = run(test, || {
            let shutdown = ok(builder().install());
            let runtime = runtime_of_one_worker();
            close_peers(&shutdown, runtime.handle().clone(), std::future::pending());
            let _ = shutdown.finish();
        });
        assert_eq!(status, Some(124), "{said}");
        let screen = screen(&said);
        assert!(screen.contains("its future was last polled 4."), "{said}");
        // Its thread does: it looks whether a worker polls the future.
        assert!(!screen.contains("samples"), "{said}");
    }

    #[test]
    fn wait_on_the_only_thread_of_a_runtime_is_recognized() {
        let test = "futures::wait_on_the_only_thread_of_a_runtime_is_recognized";
        let (status, said) = run(test, || {
            let runtime = ok(Builder::new_current_thread().enable_all().build());
            runtime.block_on(async {
                let shutdown = ok(builder().install());
                close_peers(&shutdown, Handle::current(), close_soon());
                shutdown.request(Cause::requested("a test"));
                // The mistake: `shutdown.ended().await` lets the runtime go on.
                let _ = shutdown.wait();
            });
        });
        // The harness runs a test on a thread of its own, which is not main.
        assert_eq!(status, Some(124), "{said}");
        if STACKS {
            let words = "blocks the only thread of its runtime in `wait`";
            assert!(screen(&said).contains(words), "{said}");
        }
    }
}

mod several {
    use super::*;

    #[test]
    fn reports_of_one_process_are_numbered() {
        let test = "several::reports_of_one_process_are_numbered";
        let (status, said) = run(test, || {
            let shutdown = ok(builder().install());
            let budget = Duration::from_millis(300);
            let drain = shutdown.task("drain").phase(Phase::DRAIN).budget(budget);
            ok(drain.on_shutdown(|_| park()));
            ok(shutdown.task("close").on_shutdown(|_| park()));
            let _ = shutdown.finish();
        });
        assert_eq!(status, Some(124), "{said}");
        for number in [1, 2] {
            let line = format!("deadstop: end of hang report {number}\n");
            assert_eq!(said.matches(&line).count(), 1, "{said}");
        }
    }

    #[test]
    fn report_after_the_end_of_the_shutdown_says_that_it_is_over() {
        let test = "several::report_after_the_end_of_the_shutdown_says_that_it_is_over";
        let (status, said) = run(test, || {
            let builder = builder().progress(Progress::Stderr);
            let shutdown = ok(builder.install());
            let budget = Duration::from_millis(300);
            let drain = shutdown.task("drain").phase(Phase::DRAIN).budget(budget);
            ok(drain.on_shutdown(|_| park()));
            let _ = shutdown.finish();
            // main goes on.
            park();
        });
        assert_eq!(status, Some(124), "{said}");
        assert!(said.contains("deadstop: shutdown is over after"), "{said}");
        let headline = "the shutdown is over, but the process has not ended; \
                        1 abandoned task has not returned: \"drain\" (phase drain, ";
        assert!(screen(&said).contains(headline), "{said}");
    }

    #[test]
    fn status_report_names_replaced_signal_handlers() {
        let test = "several::status_report_names_replaced_signal_handlers";
        let (_, said) = run(test, || {
            let shutdown = ok(builder().install());
            // SAFETY: the default action is valid.
            unsafe { libc::signal(libc::SIGTERM, libc::SIG_DFL) };
            shutdown.status_report();
            ok(shutdown.task("hangs").on_shutdown(|_| park()));
            thread::sleep(Duration::from_millis(500));
            let _ = shutdown.finish();
        });
        assert!(said.starts_with("deadstop: status report, "), "{said}");
        let screen = said.split("deadstop: details:").next().expect("a report");
        let words = "another library has replaced the handler of SIGTERM";
        assert!(screen.contains(words), "{said}");
    }
}

/// A program's log and its standard error, where they are one stream.
mod streams {
    use super::*;

    struct JsonLogger;

    impl log::Log for JsonLogger {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &log::Record<'_>) {
            let (level, message) = (record.level().as_str(), record.args().to_string());
            let line = serde_json::json!({"level": level, "message": message});
            println!("{line}");
        }

        fn flush(&self) {}
    }

    /// Runs a program whose JSON log is on standard output, and that is standard error.
    /// Returns the messages of its errors, and all it said.
    fn errors(test: &str) -> (Vec<String>, String) {
        let (status, said) = run(test, || {
            // SAFETY: two integers.
            unsafe { libc::dup2(2, 1) };
            ok(log::set_logger(&JsonLogger));
            log::set_max_level(log::LevelFilter::Info);
            let shutdown = ok(Shutdown::builder().grace(REPORTED).install());
            ok(shutdown.task("hangs").on_shutdown(|_| park()));
            let _ = shutdown.finish();
        });
        assert_eq!(status, Some(124), "{said}");
        let records = said.lines().filter(|line| line.starts_with('{'));
        let records = records.map(|line| ok(serde_json::from_str::<serde_json::Value>(line)));
        let errors = records.filter(|record| record["level"] == "ERROR");
        let messages = errors.map(|record| ok(record["message"].as_str().ok_or(())).to_owned());
        (messages.collect(), said)
    }

    #[test]
    fn one_stream_has_the_report_once_and_one_record_with_its_first_line() {
        let test = "streams::one_stream_has_the_report_once_and_one_record_with_its_first_line";
        let (errors, said) = errors(test);
        assert_eq!(errors.len(), 1, "{said}");
        assert!(errors[0].starts_with("deadline in "), "{said}");
        assert_eq!(errors[0].lines().count(), 1, "{said}");
        assert_eq!(said.matches("end of hang report").count(), 1, "{said}");
        let cause = "  cause: the work is done, ";
        assert_eq!(said.matches(cause).count(), 1, "{said}");
    }
}

mod movement {
    use super::*;
    use std::hint::black_box;

    /// Calls no function: all its stacks have the same callers.
    #[inline(never)]
    fn spins() {
        let mut n = black_box(1_u64);
        while n != 0 {
            n ^= 2;
        }
        black_box(n);
    }

    /// Less work than deadstop waits for between two stacks.
    #[inline(never)]
    fn works(n: &mut u64) {
        let mut left = 20_000_u64;
        while left > 0 {
            left -= 1;
            *n = black_box(*n ^ 1);
        }
        black_box(n);
    }

    #[inline(never)]
    fn sorts_and_merges() -> ! {
        let mut n = 0;
        loop {
            works(&mut n);
            black_box(&n);
            works(&mut n);
            black_box(&n);
            works(&mut n);
            black_box(&n);
        }
    }

    /// Each number takes another way through two functions.
    #[inline(never)]
    fn descends(way: u64, levels: u64, n: &mut u64) {
        match (levels, way & 1) {
            (0, _) => works(n),
            (_, 0) => turns_left(way >> 1, levels - 1, n),
            _ => turns_right(way >> 1, levels - 1, n),
        }
        black_box(n);
    }

    #[inline(never)]
    fn turns_left(way: u64, levels: u64, n: &mut u64) {
        descends(way, levels, n);
        black_box((n, "left"));
    }

    #[inline(never)]
    fn turns_right(way: u64, levels: u64, n: &mut u64) {
        descends(way, levels, n);
        black_box((n, "right"));
    }

    #[inline(never)]
    fn goes_on() -> ! {
        let mut n = 0;
        let mut way = 0;
        loop {
            way += 1;
            descends(way, 14, &mut n);
        }
    }

    /// Asserts a conclusion from the stacks. Where the machine gave the task too little
    /// time, there are too few for one.
    #[track_caller]
    fn concludes(line: &str, conclusion: &str) {
        let has_few = !(4..9).any(|enough| line.contains(&format!("of {enough} stacks")));
        assert!(!STACKS || has_few || line.contains(conclusion), "{line}");
    }

    /// Runs `life` as a task. Returns the line about its movement on the first screen.
    fn movement_of(test: &str, life: fn()) -> String {
        // Each takes a processor for seconds.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _one = ONE_AT_A_TIME
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let (status, said) = run(test, || {
            let shutdown = ok(builder().install());
            ok(shutdown.task("count").on_shutdown(move |_| life()));
            let _ = shutdown.finish();
        });
        assert_eq!(status, Some(124), "{said}");
        // For a test that fails.
        eprintln!("{said}");
        let mut lines = screen(&said).lines();
        let line = lines.find(|line| line.contains(" samples"));
        line.unwrap_or_else(|| panic!("{said}")).to_owned()
    }

    /// Asserts that the task ran in one of the last samples. A machine may be too busy.
    #[track_caller]
    fn ran(line: &str) {
        if line.contains("it is ready to run, but has had no processor for ") {
            return;
        }
        assert!(line.contains("it still moves: it ran between"), "{line}");
        let (before, _) = line.split_once(" % of a processor)").expect("shares");
        let (_, shares) = before.rsplit_once('(').expect("shares");
        let mut shares = shares.split(", ").map(|share| ok(share.parse::<u8>()));
        assert!(shares.any(|share| share > 0), "{line}");
    }

    #[test]
    fn endless_loop_is_always_in_the_same_place() {
        let test = "movement::endless_loop_is_always_in_the_same_place";
        let line = movement_of(test, spins);
        ran(&line);
        concludes(&line, "all are the same: a loop in one function");
    }

    #[test]
    fn loop_through_functions_is_in_some_of_them() {
        let test = "movement::loop_through_functions_is_in_some_of_them";
        let line = movement_of(test, || sorts_and_merges());
        ran(&line);
        concludes(&line, "are different: a loop through these");
    }

    #[test]
    fn task_whose_stacks_are_all_different_may_make_progress() {
        let test = "movement::task_whose_stacks_are_all_different_may_make_progress";
        let line = movement_of(test, || goes_on());
        ran(&line);
        concludes(&line, "all are different: it may make progress");
    }

    #[test]
    fn task_that_waits_has_not_moved() {
        let test = "movement::task_that_waits_has_not_moved";
        let line = movement_of(test, || park());
        assert!(line.contains("it has not moved for "), "{line}");
        assert!(line.contains(": it did not run between "), "{line}");
    }
}

/// The signal that asks a thread for its stack.
mod stack_signal {
    use super::*;

    #[inline(never)]
    fn waits_for_ever() {
        park();
    }

    /// A library that chains handlers, as `signal-hook` and a second copy of deadstop do.
    #[test]
    fn handler_that_was_set_later_and_calls_deadstops_costs_no_stack() {
        let test = "stack_signal::handler_that_was_set_later_and_calls_deadstops_costs_no_stack";
        let (status, said) = run(test, || {
            let shutdown = ok(builder().install());
            ok(signal_hook::flag::register(
                libc::SIGURG,
                std::sync::Arc::default(),
            ));
            ok(shutdown.task("hangs").on_shutdown(|_| waits_for_ever()));
            let _ = shutdown.finish();
        });
        assert_eq!(status, Some(124), "{said}");
        if STACKS {
            assert!(said.contains("waits_for_ever"), "{said}");
        }
    }

    /// The kernel then sends signals without their code and sender. The limit is of the user: a
    /// program may reach it because of others.
    #[test]
    fn signal_that_cannot_be_queued_costs_no_stack() {
        let test = "stack_signal::signal_that_cannot_be_queued_costs_no_stack";
        let (status, said) = run(test, || {
            let none = libc::rlimit {
                rlim_cur: 0,
                rlim_max: 0,
            };
            // SAFETY: the pointer is valid for reads.
            let result = unsafe { libc::setrlimit(libc::RLIMIT_SIGPENDING, &none) };
            assert_eq!(result, 0);
            let shutdown = ok(builder().install());
            ok(shutdown.task("hangs").on_shutdown(|_| waits_for_ever()));
            let _ = shutdown.finish();
        });
        assert_eq!(status, Some(124), "{said}");
        if STACKS {
            assert!(said.contains("waits_for_ever"), "{said}");
        }
    }
}

/// Threads that the program starts on deadstop's own threads.
mod started_threads {
    use super::*;

    #[inline(never)]
    fn never_ends() {
        park();
    }

    /// Such a thread inherits the name of the task's thread, which has deadstop's name in the
    /// first millisecond.
    #[test]
    fn thread_without_a_name_that_a_task_starts_is_suspicious() {
        let test = "started_threads::thread_without_a_name_that_a_task_starts_is_suspicious";
        let (status, said) = run(test, || {
            let shutdown = ok(builder().install());
            ok(shutdown.task("waits for its thread").on_shutdown(|_| {
                let (answer, answers) = mpsc::channel::<()>();
                thread::spawn(move || {
                    never_ends();
                    drop(answer);
                });
                let _ = answers.recv();
            }));
            let _ = shutdown.finish();
        });
        assert_eq!(status, Some(124), "{said}");
        if STACKS {
            assert!(screen(&said).contains("suspicious: thread "), "{said}");
            assert!(said.contains("::never_ends"), "{said}");
        }
    }
}
