//! The deadline and the report, under what hinders them.

use std::ffi::c_int;
use std::fs::{self, File};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use libc::SIGTERM;

use crate::functions::{action, set};
use crate::start::{GRACE, Start, Test, library, until};
use crate::triggers::{loops_in_handler, ready, spins};

pub(crate) const TESTS: &[Test] = &[
    (
        "program_that_ends_in_time_has_its_own_status_and_says_nothing",
        || {
            let mut victim = Start::new("ends").start();
            assert_eq!(victim.line(), "ready");
            victim.send(SIGTERM);
            let end = victim.end();
            assert_eq!((end.code, end.stderr.as_str()), (Some(3), ""));
        },
    ),
    ("status_is_the_one_asked_for", || {
        let mut victim = Start::new("loops_in_handler")
            .set("DEADSTOP_STATUS", "9")
            .start();
        assert_eq!(victim.line(), "ready");
        victim.send(SIGTERM);
        assert_eq!(victim.end().code, Some(9));
    }),
    ("stopped_process_is_killed_by_the_timer", || {
        let mut victim = Start::new("loops_in_handler").start();
        assert_eq!(victim.line(), "ready");
        victim.send(SIGTERM);
        until("armed", || threads(victim.pid()) == 4);
        victim.send(libc::SIGSTOP);
        assert_eq!(victim.end().signal, Some(libc::SIGKILL));
    }),
    (
        "process_that_may_start_no_thread_is_killed_by_the_timer",
        || {
            let mut victim = Start::new("refuses_threads").start();
            assert_eq!(victim.line(), "ready");
            victim.send(SIGTERM);
            assert_eq!(victim.end().signal, Some(libc::SIGKILL));
        },
    ),
    ("full_standard_error_does_not_delay_the_end", || {
        let (_kept, full) = full_pipe();
        let mut victim = Start::new("loops_in_handler").stderr(full).start();
        assert_eq!(victim.line(), "ready");
        victim.ends_at_deadline();
    }),
    (
        "number_of_standard_error_reused_for_data_is_not_written_to",
        || {
            let folder = tempfile::tempdir().expect("a folder");
            let data = folder.path().join("data");
            let report = folder.path().join("report");
            let mut victim = Start::new("reuses_standard_error")
                .set("DEADSTOP_TEST_DATA", data.to_str().expect("a path"))
                .set("DEADSTOP_REPORT", report.to_str().expect("a path"))
                .start();
            assert_eq!(victim.line(), "ready");
            victim.ends_at_deadline();
            assert_eq!(fs::read_to_string(data).expect("data"), "data");
            let report = fs::read_to_string(report).expect("a report");
            assert!(report.contains("has not ended: main runs"), "{report}");
        },
    ),
    ("standard_error_that_dup2_replaced_has_the_report", || {
        replaced("replaces_standard_error");
    }),
    (
        "standard_error_that_freopen_replaced_has_the_report",
        || {
            replaced("reopens_standard_error");
        },
    ),
    ("child_of_vfork_replaces_its_own_standard_error", || {
        let folder = tempfile::tempdir().expect("a folder");
        let own = folder.path().join("own");
        let data = folder.path().join("data");
        let mut victim = Start::new("vforks_with_another_standard_error")
            .set("DEADSTOP_TEST_DATA", data.to_str().expect("a path"))
            .stderr(File::create(&own).expect("a file"))
            .start();
        assert_eq!(victim.line(), "ready");
        victim.ends_at_deadline();
        let report = fs::read_to_string(own).expect("a report");
        assert!(report.contains("has not ended: main runs"), "{report}");
        assert_eq!(fs::read_to_string(data).expect("data"), "");
    }),
    ("report_to_a_fifo_or_a_link_is_refused_and_said", || {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| {
            folder
                .path()
                .join(name)
                .to_str()
                .expect("a path")
                .to_owned()
        };
        let made = Command::new("mkfifo").arg(path("fifo")).status();
        assert!(made.expect("mkfifo").success());
        fs::write(path("file"), "kept").expect("a file");
        std::os::unix::fs::symlink(path("file"), path("link")).expect("a link");
        let end_with = |report: String| {
            let mut victim = Start::new("loops_in_handler")
                .set("DEADSTOP_REPORT", &report)
                .start();
            assert_eq!(victim.line(), "ready");
            let end = victim.ends_at_deadline();
            end.says("has not ended: main runs");
            end
        };
        end_with(path("fifo")).says("fifo\", which is no regular file");
        end_with(path("link")).says("link\", which is a symbolic link");
        end_with(path("none/file")).says("none/file\": error 2");
        assert_eq!(fs::read_to_string(path("file")).expect("text"), "kept");
        assert!(!end_with(path("file")).stderr.contains("not added"));
        let text = fs::read_to_string(path("file")).expect("text");
        assert!(text.starts_with("keptdeadstop: deadline in "), "{text}");
    }),
    (
        "children_end_with_it_except_those_of_another_session",
        || {
            let mut victim = Start::new("has_children").start();
            let [same, other] =
                [victim.line(), victim.line()].map(|pid| pid.parse().expect("a pid"));
            assert_eq!(victim.line(), "ready");
            let end = victim.ends_at_deadline();
            end.says(&format!("process {same} \"sleep\" (S) is killed with it"));
            end.says(&format!("process {other} \"sleep\" (S) is left alone"));
            until("killed", || is_gone(same));
            assert!(!is_gone(other));
            kill(other);
        },
    ),
    (
        "child_of_the_last_moment_ends_behind_a_full_standard_error",
        || {
            // A busy machine may end the victim before its last moment.
            for _ in 0..5 {
                let (_kept, full) = full_pipe();
                let mut victim = Start::new("forks_at_the_end")
                    .set("DEADSTOP_GRACE", "4s")
                    .stderr(full)
                    .start();
                assert_eq!(victim.line(), "ready");
                victim.send(SIGTERM);
                // The report has listed the children half a second before the end.
                let Ok(child) = victim.line().parse() else {
                    continue;
                };
                assert_eq!(victim.end().code, Some(124));
                until("killed", || is_gone(child));
                return;
            }
            panic!("five victims ended before they had a child");
        },
    ),
    ("children_are_left_alone_if_asked", || {
        let mut victim = Start::new("has_children")
            .set("DEADSTOP_CHILDREN", "leave")
            .start();
        let [same, other] = [victim.line(), victim.line()].map(|pid| pid.parse().expect("a pid"));
        assert_eq!(victim.line(), "ready");
        victim.ends_at_deadline().says("is left alone");
        assert!(!is_gone(same) && !is_gone(other));
        kill(same);
        kill(other);
    }),
    ("pid_1_of_a_namespace_ends_at_the_deadline", || {
        // SAFETY: no precondition.
        if unsafe { libc::geteuid() } != 0 {
            assert!(
                std::env::var_os("DEADSTOP_NO_SKIPS").is_none(),
                "needs root"
            );
            return;
        }
        let namespace = ["--pid", "--fork", "--kill-child", "--mount-proc"];
        let as_pid_1 = |arguments: &[&str]| {
            let start = Start::new("signals_itself_as_pid_1");
            let end = start.by("unshare", arguments).end();
            assert_eq!(end.code, Some(124), "{end:?}");
            end
        };
        as_pid_1(&namespace).says("(pid 1) has not ended: main runs");
        // The /proc of another namespace has other processes under the same numbers.
        let foreign = as_pid_1(&namespace[..3]);
        foreign.says("(pid 1) has not ended");
        assert!(
            !foreign.stderr.contains("deadstop:   process"),
            "{foreign:?}"
        );
    }),
    ("second_signal_does_not_move_the_deadline", || {
        let mut victim = Start::new("counts_signals").start();
        assert_eq!(victim.line(), "ready");
        victim.send(SIGTERM);
        std::thread::sleep(GRACE / 2);
        victim.send(SIGTERM);
        let end = victim.end();
        assert_eq!(end.code, Some(124), "{end:?}");
        // Counted from the first; a deadline that had moved would make it 1.5.
        end.says("grace 1.0 s");
    }),
    (
        "library_asks_for_no_function_that_allocates_or_locks",
        imports,
    ),
];

pub(crate) const VICTIMS: &[Test] = &[
    ("ends", || {
        set(SIGTERM, Some(action(exits as *const () as usize, 0)));
        ready();
        loop {
            std::thread::park();
        }
    }),
    ("refuses_threads", refuses_threads),
    ("reuses_standard_error", reuses_standard_error),
    ("replaces_standard_error", || {
        let file = data();
        // SAFETY: two integers.
        assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), 2) }, 2);
        drop(file);
        says("error");
        loops_in_handler();
    }),
    ("reopens_standard_error", || {
        let path = std::env::var("DEADSTOP_TEST_DATA").expect("a path");
        let path = std::ffi::CString::new(path).expect("no zero");
        // SAFETY: both texts end with zero, and the stream is open.
        let stream = unsafe { libc::freopen(path.as_ptr(), c"w".as_ptr(), stderr) };
        assert!(!stream.is_null());
        says("error");
        loops_in_handler();
    }),
    ("vforks_with_another_standard_error", || {
        let file = data();
        let mut stack = vec![0_u128; 4096];
        let top = stack.as_mut_ptr_range().end.cast();
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        let argument = std::ptr::without_provenance_mut(file.as_raw_fd() as usize);
        // SAFETY: the child has a stack of its own, makes system calls alone, and this
        // process goes on when it has ended.
        assert!(unsafe { libc::clone(replaces_it, top, flags, argument) } > 0);
        loops_in_handler();
    }),
    ("has_children", has_children),
    ("forks_at_the_end", || {
        set(SIGTERM, Some(action(notes as *const () as usize, 0)));
        ready();
        until("signaled", || SIGNALED.load(Ordering::Relaxed));
        std::thread::sleep(std::time::Duration::from_millis(3600));
        let mut command = Command::new("sleep");
        command.arg("600").env_remove("LD_PRELOAD");
        command.stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::null());
        println!("{}", command.spawn().expect("a child").id());
        loops_in_handler();
    }),
    ("signals_itself_as_pid_1", || {
        assert_eq!(std::process::id(), 1);
        set(SIGTERM, Some(action(spins as *const () as usize, 0)));
        // SAFETY: an integer.
        unsafe { libc::raise(SIGTERM) };
    }),
    ("counts_signals", || {
        set(SIGTERM, Some(action(returns as *const () as usize, 0)));
        ready();
        loop {
            std::thread::park();
        }
    }),
];

extern "C" fn returns(_: c_int) {}

unsafe extern "C" {
    static mut stderr: *mut libc::FILE;
}

extern "C" fn replaces_it(file: *mut std::ffi::c_void) -> c_int {
    let file = c_int::try_from(file.addr()).unwrap_or(-1);
    // SAFETY: two integers.
    i32::from(unsafe { libc::dup2(file, 2) } != 2)
}

/// Writes to number 2, without a buffer.
fn says(text: &str) {
    // SAFETY: valid for reads of the length given.
    assert!(unsafe { libc::write(2, text.as_ptr().cast(), text.len()) } > 0);
}

/// The file of a test, not opened to add to it.
fn data() -> File {
    File::create(std::env::var_os("DEADSTOP_TEST_DATA").expect("a path")).expect("a file")
}

/// Expects the report in the file that the victim made its standard error, after its own
/// word.
fn replaced(victim: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("errors");
    let mut victim = Start::new(victim)
        .set("DEADSTOP_TEST_DATA", path.to_str().expect("a path"))
        .start();
    assert_eq!(victim.line(), "ready");
    assert_eq!(victim.ends_at_deadline().stderr, "");
    let report = fs::read_to_string(path).expect("a report");
    assert!(
        report.starts_with("errordeadstop: deadline in "),
        "{report}"
    );
    assert!(report.contains("has not ended: main runs"), "{report}");
}

static SIGNALED: AtomicBool = AtomicBool::new(false);

extern "C" fn notes(_: c_int) {
    SIGNALED.store(true, Ordering::Relaxed);
}

extern "C" fn exits(_: c_int) {
    // SAFETY: an integer.
    unsafe { libc::_exit(3) }
}

fn threads(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

fn is_gone(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().next().map(String::from));
    matches!(state.as_deref(), None | Some("Z" | "X"))
}

fn kill(pid: i32) {
    // SAFETY: two integers.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

/// The two ends of a pipe that is full.
fn full_pipe() -> (OwnedFd, OwnedFd) {
    let mut ends = [0; 2];
    // SAFETY: valid for writes of two numbers.
    assert_eq!(
        unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) },
        0
    );
    // SAFETY: the kernel has just made both.
    let [reader, writer] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
    set_flags(&writer, libc::O_NONBLOCK);
    let text = [b'x'; 4096];
    // SAFETY: valid for reads of the length given.
    while unsafe { libc::write(writer.as_raw_fd(), text.as_ptr().cast(), text.len()) } > 0 {}
    set_flags(&writer, 0);
    (reader, writer)
}

fn set_flags(file: &OwnedFd, flags: c_int) {
    // SAFETY: three integers.
    assert_eq!(
        unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFL, flags) },
        0
    );
}

/// A filter refuses `clone`, as a sandbox does.
fn refuses_threads() {
    let statement = |code: u32, k: u32, jt, jf| libc::sock_filter {
        code: u16::try_from(code).expect("a code"),
        jt,
        jf,
        k,
    };
    let clone = u32::try_from(libc::SYS_clone).expect("a number");
    let error = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    let mut filter = [
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, clone, 0, 1),
        statement(libc::BPF_RET | libc::BPF_K, error, 0, 0),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let program = libc::sock_fprog {
        len: 4,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: integers.
    let set = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(set, 0);
    let mode = libc::SECCOMP_MODE_FILTER;
    // SAFETY: the pointer is valid for reads.
    let set = unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program) };
    assert_eq!(set, 0);
    loops_in_handler();
}

fn reuses_standard_error() {
    let path = std::env::var_os("DEADSTOP_TEST_DATA").expect("a path");
    // SAFETY: an integer; nothing else uses standard error.
    unsafe { libc::close(2) };
    let mut data = File::create(path).expect("a file");
    assert_eq!(data.as_raw_fd(), 2);
    std::io::Write::write_all(&mut data, b"data").expect("written");
    let _kept_open = data.into_raw_fd();
    loops_in_handler();
}

fn has_children() {
    for program in [&["sleep", "600"][..], &["setsid", "sleep", "600"]] {
        let mut command = Command::new(program[0]);
        command
            .args(&program[1..])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        let child = command.env_remove("LD_PRELOAD").spawn().expect("a child");
        let comm = format!("/proc/{}/comm", child.id());
        // `setsid` becomes `sleep` when it has a session of its own.
        until("asleep", || {
            fs::read_to_string(&comm).is_ok_and(|name| name == "sleep\n")
        });
        println!("{}", child.id());
    }
    loops_in_handler();
}

/// The release build has no `std`; this reads the one that `.ci/preload` makes, if it is
/// there.
fn imports() {
    let release = library().with_file_name("../../preload/libdeadstop_preload.so");
    let Ok(release) = fs::canonicalize(release) else {
        return;
    };
    let listed = Command::new("nm")
        .args(["-D", "--undefined-only"])
        .arg(release)
        .output()
        .expect("nm");
    let listed = String::from_utf8(listed.stdout).expect("text");
    let names = listed
        .lines()
        .filter_map(|line| line.split_whitespace().last());
    for name in names {
        let name = name.split('@').next().unwrap_or(name);
        for forbidden in [
            "malloc",
            "calloc",
            "realloc",
            "free",
            "pthread_mutex",
            "pthread_create",
            "printf",
            "_Unwind",
        ] {
            assert!(!name.starts_with(forbidden), "{name}");
        }
    }
}
