//! The end of children when this process ends without a shutdown.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use deadstop::Shutdown;
use deadstop::drain::Child;

use crate::child::{DEAF, are_gone, is_alive, kill, pids, shell, with_two};
use crate::memory_limit::MemoryLimit;
use crate::{finish, hang, shutdown, victim, wait};

const MS: Duration = Duration::from_millis(1);

/// Starts a child that sleeps for a minute, and prints its id.
fn sleeper(shutdown: &Shutdown) -> Child {
    let mut sleep = Command::new("sleep");
    sleep.arg("60");
    let child = shutdown.child("sleeper", sleep).expect("it starts");
    println!("pid {}", child.id());
    println!("ready");
    child
}

/// Starts a scenario with a sleeper, and returns it with the sleeper's id.
fn with_sleeper(test: &str, end: impl FnOnce(Child)) -> (victim::Victim, Vec<i32>) {
    let mut victim = victim::start(test, || end(sleeper(&shutdown(30))));
    let pids = pids(&victim.hear("pid "));
    assert_eq!(pids.len(), 1);
    victim.hear("ready");
    (victim, pids)
}

#[test]
fn abort_ends_the_child() {
    let (victim, pids) = with_sleeper("child_end::abort_ends_the_child", |_| {
        std::process::abort();
    });
    assert_eq!(victim.wait().signal, Some(libc::SIGABRT));
    assert!(are_gone(&pids), "{pids:?}");
}

#[test]
#[expect(unsafe_code, reason = "ends the scenario without exit handlers")]
fn bare_exit_ends_the_child() {
    let (victim, pids) = with_sleeper("child_end::bare_exit_ends_the_child", |_| {
        // SAFETY: `_exit` takes an integer and does not return.
        unsafe { libc::_exit(3) };
    });
    victim.wait().assert_status(3);
    assert!(are_gone(&pids), "{pids:?}");
}

/// The process is stopped past its deadline, so only the kernel can end it.
#[test]
fn backup_timer_ends_the_child() {
    let name = "child_end::backup_timer_ends_the_child";
    let mut victim = victim::start(name, || {
        let shutdown = shutdown(30);
        let _child = sleeper(&shutdown);
        shutdown.watchdog().arm_within(700 * MS);
        println!("armed");
        hang();
    });
    let pids = pids(&victim.hear("pid "));
    victim.hear("armed");
    victim.send(libc::SIGSTOP);
    let ended = victim.wait();
    assert_eq!(ended.signal, Some(libc::SIGKILL), "{ended:#?}");
    assert!(are_gone(&pids), "{pids:?}");
}

#[test]
fn out_of_memory_ends_the_child() {
    let name = "child_end::out_of_memory_ends_the_child";
    let mut victim = victim::start(name, || {
        // The child is not in the cgroup, so that the kernel cannot kill it directly.
        let shutdown = shutdown(30);
        let _child = sleeper(&shutdown);
        // No request, because the shutdown would end the child in its phase.
        let in_group = || {
            let groups = fs::read_to_string("/proc/self/cgroup").expect("it is there");
            groups.contains("deadstop-test-")
        };
        while !in_group() {
            thread::sleep(5 * MS);
        }
        let mut filled = Vec::new();
        loop {
            filled.push(std::hint::black_box(vec![1_u8; 1 << 20]));
        }
    });
    let pids = pids(&victim.hear("pid "));
    victim.hear("ready");
    let Some(limit) = MemoryLimit::new(32 << 20) else {
        return victim::skip("no memory cgroup can be made");
    };
    limit.add(victim.pid());
    let ended = victim.wait();
    assert_eq!(ended.signal, Some(libc::SIGKILL), "{ended:#?}");
    assert!(are_gone(&pids), "{pids:?}");
}

/// Starts a process that leaves the group, and ignores SIGTERM.
const LEAVES: &str = "setsid sh -c 'trap \"\" TERM; echo pid $$; sleep 60' & \
                      echo pid $$; trap 'exit 0' TERM; while :; do sleep 0.05; done";

/// A folder in which a test may make cgroups.
fn cgroup_parent() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mount = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ');
        let (path, kind) = (fields.nth(1)?, fields.next()?);
        (kind == "cgroup2").then(|| PathBuf::from(path))
    })?;
    let probe = mount.join(format!("deadstop-test-{}", std::process::id()));
    fs::create_dir(&probe).ok()?;
    let is_usable = probe.join("cgroup.kill").exists();
    fs::remove_dir(&probe).ok()?;
    is_usable.then_some(mount)
}

fn start_leaving(shutdown: &Shutdown, parent: Option<PathBuf>) -> Child {
    let child = shutdown.child_builder("daemon");
    let child = match parent {
        Some(parent) => child.cgroup(parent),
        None => child,
    };
    let child = child.spawn(shell(LEAVES)).expect("it starts");
    thread::sleep(300 * MS);
    println!("ready");
    child
}

/// The folders of cgroups that a scenario has left.
fn folders_of(pid: i32) -> usize {
    let Some(parent) = cgroup_parent() else {
        return 0;
    };
    let prefix = format!("deadstop-{pid}-");
    let names = fs::read_dir(parent).expect("it is there").flatten();
    let left = names.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix));
    left.count()
}

/// The control: a process that left the group survives.
#[test]
fn control_process_that_left_its_group_outlives_the_shutdown() {
    let name = "child_end::control_process_that_left_its_group_outlives_the_shutdown";
    let (victim, pids) = with_two(name, || {
        let shutdown = shutdown(30);
        let _child = start_leaving(&shutdown, None);
        wait(&shutdown);
    });
    victim.send(libc::SIGTERM);
    victim.wait().assert_status(0);
    let alive = pids.iter().filter(|pid| is_alive(**pid)).count();
    kill(&pids);
    assert_eq!(alive, 1, "{pids:?}");
}

#[test]
fn shutdown_kills_processes_in_the_cgroup_that_left_the_group() {
    let name = "child_end::shutdown_kills_processes_in_the_cgroup_that_left_the_group";
    let Some(parent) = cgroup_parent() else {
        return victim::skip("no cgroup v2 can be made");
    };
    let (victim, pids) = with_two(name, || {
        let shutdown = shutdown(30);
        let _child = start_leaving(&shutdown, Some(parent));
        wait(&shutdown);
    });
    let pid = victim.pid();
    assert_eq!(folders_of(pid), 1);
    victim.send(libc::SIGTERM);
    victim.wait().assert_status(0);
    assert!(are_gone(&pids), "{pids:?}");
    assert_eq!(folders_of(pid), 0);
}

/// The best of a few: on a busy machine the reporter, which kills the cgroup, may run too
/// late.
#[test]
fn deadline_kills_processes_in_the_cgroup_that_left_the_group() {
    let name = "child_end::deadline_kills_processes_in_the_cgroup_that_left_the_group";
    let Some(parent) = cgroup_parent() else {
        return victim::skip("no cgroup v2 can be made");
    };
    let is_killed = || {
        let inner = parent.clone();
        let (victim, pids) = with_two(name, || {
            let shutdown = shutdown(30);
            let _child = start_leaving(&shutdown, Some(inner));
            shutdown.watchdog().arm_within(700 * MS);
            hang();
        });
        let pid = victim.pid();
        victim.wait().assert_status(124);
        let until = Instant::now() + Duration::from_secs(1);
        while pids.iter().any(|pid| is_alive(*pid)) && Instant::now() < until {
            thread::sleep(5 * MS);
        }
        let left: Vec<_> = pids.into_iter().filter(|pid| is_alive(*pid)).collect();
        kill(&left);
        remove_folder(&parent.join(format!("deadstop-{pid}-0")));
        left.is_empty()
    };
    assert!((0..4).any(|_| is_killed()));
}

/// Removes a cgroup that the deadline may have left. The kernel refuses that while a zombie
/// is in it, and init may reap late.
fn remove_folder(folder: &Path) {
    let until = Instant::now() + Duration::from_secs(10);
    while folder.exists() && fs::remove_dir(folder).is_err() && Instant::now() < until {
        thread::sleep(5 * MS);
    }
}

/// The child ends long before the shutdown, but the process that it started does not. The phase
/// must kill that process.
#[test]
fn cgroup_of_a_child_that_ended_early_is_killed_in_its_phase() {
    let name = "child_end::cgroup_of_a_child_that_ended_early_is_killed_in_its_phase";
    let Some(parent) = cgroup_parent() else {
        return victim::skip("no cgroup v2 can be made");
    };
    let mut victim = victim::start(name, || {
        let shutdown = shutdown(30);
        // The shell reads the number until `sleep` closes the pipe.
        let script = "pid=$(setsid sh -c 'echo $$; exec sleep 60 >&-' &); echo pid $pid; exit 7";
        let child = shutdown.child_builder("daemon").cgroup(parent);
        let child = child.spawn(shell(script)).expect("it starts");
        println!("exit {:?}", child.wait().and_then(|status| status.code()));
        wait(&shutdown);
    });
    let pids = pids(&victim.hear("pid "));
    assert!(victim.hear("exit").contains("Some(7)"));
    victim.hear("ready");
    assert!(is_alive(pids[0]));
    let pid = victim.pid();
    victim.send(libc::SIGTERM);
    victim.wait().assert_status(0);
    assert!(are_gone(&pids), "{pids:?}");
    assert_eq!(folders_of(pid), 0);
}

#[test]
fn folder_that_is_no_cgroup_is_an_error_and_no_child() {
    let name = "child_end::folder_that_is_no_cgroup_is_an_error_and_no_child";
    let folder = std::env::temp_dir().join("deadstop-test-no-cgroup");
    let _ = fs::create_dir(&folder);
    let inner = folder.clone();
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        let child = shutdown.child_builder("none").cgroup(inner);
        println!(
            "{}",
            child.spawn(shell("echo it runs")).expect_err("no cgroup")
        );
        finish(&shutdown);
    });
    ended.assert_status(0).assert_says("no cgroup.kill");
    ended.assert_silent_about("it runs");
    fs::remove_dir(&folder).expect("it is empty");
}

/// Starts a process with the number `pid`, as the leader of a group of that number.
/// Returns `false` if this process may not choose numbers.
#[expect(
    unsafe_code,
    reason = "no other call starts a process with a given number"
)]
fn start_with_number(pid: i32) -> bool {
    let number = [pid];
    let arguments = libc::clone_args {
        flags: 0,
        pidfd: 0,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: libc::SIGCHLD as u64,
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: number.as_ptr() as u64,
        set_tid_size: 1,
        cgroup: 0,
    };
    // SAFETY: the arguments are valid, and the child only makes system calls.
    let started = unsafe {
        libc::syscall(
            libc::SYS_clone3,
            &raw const arguments,
            size_of::<libc::clone_args>(),
        )
    };
    if started == 0 {
        // SAFETY: `setpgid` takes integers.
        unsafe { libc::setpgid(0, 0) };
        loop {
            // SAFETY: `pause` has no arguments.
            unsafe { libc::pause() };
        }
    }
    started == i64::from(pid)
}

/// The process id of a reaped child is given to an unrelated process, which must survive.
#[test]
fn unrelated_process_with_the_id_of_a_reaped_child_survives() {
    let name = "child_end::unrelated_process_with_the_id_of_a_reaped_child_survives";
    let mut victim = victim::start(name, || {
        let shutdown = shutdown(30);
        let mut reused = None;
        // Another process may take the number first.
        for _ in 0..20 {
            let child = shutdown.child("short", shell("exit 0")).expect("it starts");
            child.wait();
            if start_with_number(child.id() as i32) {
                reused = Some(child);
                break;
            }
        }
        let Some(child) = reused else {
            println!("pid 0");
            finish(&shutdown);
        };
        println!("pid {}", child.id());
        println!(
            "kill: {:?}",
            child.kill().map_err(|error| error.raw_os_error())
        );
        println!("ready");
        shutdown.watchdog().arm_within(300 * MS);
        hang();
    });
    let pids = pids(&victim.hear("pid "));
    if pids == [0] {
        return victim::skip("numbers of processes cannot be chosen");
    }
    let said = victim.hear("kill: ");
    assert!(
        said.contains(&format!("Err(Some({}))", libc::ESRCH)),
        "{said}"
    );
    victim.hear("ready");
    let ended = victim.wait();
    ended.assert_status(124);
    let alive = is_alive(pids[0]);
    kill(&pids);
    assert!(alive, "{pids:?} {ended:#?}");
}

/// A child of `fork` has the handle too, and ends at its own deadline. Its parent's child process
/// must survive.
#[test]
#[expect(unsafe_code, reason = "forks")]
fn deadline_in_a_child_of_fork_leaves_its_parents_child_alone() {
    let name = "child_end::deadline_in_a_child_of_fork_leaves_its_parents_child_alone";
    let (victim, pids) = with_sleeper(name, |child| {
        // SAFETY: the forked process uses what works after `fork`.
        let forked = unsafe { libc::fork() };
        if forked == 0 {
            println!("waits: {:?}", child.wait());
            println!("kills: {}", child.kill().is_ok());
            let own = shutdown(30);
            own.watchdog().arm_within(200 * MS);
            hang();
        }
        let mut status = 0;
        // SAFETY: the pointer is valid for writes.
        unsafe { libc::waitpid(forked, &raw mut status, 0) };
        println!("forked ended with {}", libc::WEXITSTATUS(status));
        println!("child is alive: {}", is_alive(child.id() as i32));
        let shutdown = Shutdown::installed().expect("it was installed here");
        finish(&shutdown);
    });
    let ended = victim.wait();
    ended.assert_status(0).assert_says("forked ended with 124");
    ended.assert_says("waits: None").assert_says("kills: false");
    ended.assert_says("child is alive: true");
    assert!(are_gone(&pids), "{pids:?}");
}

/// Starts a program as pid 1 of a namespace.
const AS_PID_1: [&str; 5] = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];

/// As pid 1 of a namespace, which ends with it.
#[test]
fn deadline_of_pid_1_ends_all_processes() {
    let name = "child_end::deadline_of_pid_1_ends_all_processes";
    if !victim::works(&AS_PID_1) {
        return victim::skip("no PID namespace can be made");
    }
    // The process ids inside the namespace differ, so the test finds the processes by their
    // arguments.
    let mark = format!("60.{}", std::process::id());
    let variables = [("MARK", &*mark)];
    let mut victim = victim::start_under(name, &AS_PID_1, &variables, || {
        let shutdown = shutdown(30);
        println!("number {}", std::process::id());
        let mark = std::env::var("MARK").expect("it is set");
        let script = format!("trap '' TERM; setsid sleep {mark} & sleep {mark}; sleep 1");
        let _child = shutdown.child("deaf", shell(&script)).expect("it starts");
        while sleepers(&mark) < 2 {
            thread::sleep(5 * MS);
        }
        println!("ready");
        shutdown.watchdog().arm_within(500 * MS);
        hang();
    });
    victim.hear("number 1");
    victim.hear("ready");
    let ended = victim.wait();
    ended.assert_status(124);
    let until = Instant::now() + Duration::from_secs(10);
    while sleepers(&mark) > 0 && Instant::now() < until {
        thread::sleep(5 * MS);
    }
    assert_eq!(sleepers(&mark), 0);
}

/// Returns the number of processes that sleep for the time `mark`.
fn sleepers(mark: &str) -> usize {
    let processes = fs::read_dir("/proc").expect("it is there").flatten();
    let line = format!("sleep\0{mark}\0").into_bytes();
    let sleeps = |path: PathBuf| fs::read(path.join("cmdline")).is_ok_and(|read| read == line);
    processes.filter(|entry| sleeps(entry.path())).count()
}

/// Pid 1 ends its child in its phase, and reaps it.
#[test]
fn pid_1_ends_its_child_in_time() {
    let name = "child_end::pid_1_ends_its_child_in_time";
    if !victim::works(&AS_PID_1) {
        return victim::skip("no PID namespace can be made");
    }
    let victim = victim::start_under(name, &AS_PID_1, &[], || {
        let shutdown = shutdown(30);
        println!("number {}", std::process::id());
        let child = shutdown.child(
            "shell",
            shell("trap 'exit 3' TERM; while :; do sleep 0.05; done"),
        );
        let child = child.expect("it starts");
        thread::sleep(300 * MS);
        let _ = shutdown.finish();
        println!(
            "status {:?}",
            child.try_wait().and_then(|status| status.code())
        );
    });
    let ended = victim.wait();
    ended.assert_status(0).assert_says("number 1");
    ended.assert_says("status Some(3)");
}

/// With the `/proc` of another PID namespace, another process has the child's number there.
#[test]
fn summary_names_no_process_of_another_pid_namespace_for_the_child() {
    let name = "child_end::summary_names_no_process_of_another_pid_namespace_for_the_child";
    let launcher = ["unshare", "--pid", "--fork", "--kill-child"];
    if !victim::works(&launcher) {
        return victim::skip("no PID namespace can be made");
    }
    let victim = victim::start_under(name, &launcher, &[], || {
        let shutdown = shutdown(2);
        let child = shutdown.child("deaf", shell("trap '' TERM; while :; do sleep 0.05; done"));
        println!("number {}", child.expect("it starts").id());
        // The child ignores the signal after this line.
        thread::sleep(500 * MS);
        finish(&shutdown);
    });
    let ended = victim.wait();
    ended.assert_status(1);
    let number = ended.stdout.lines().find_map(|line| {
        let (_, number) = line.split_once("number ")?;
        Some(number.to_owned())
    });
    let number = number.expect("it was said");
    ended.assert_says(&format!("was killed (pid {number})"));
}

/// The child ignores SIGTERM. A second signal ends this process, and must kill the child's group.
#[test]
fn second_signal_from_a_terminal_kills_the_group() {
    let name = "child_end::second_signal_from_a_terminal_kills_the_group";
    let (victim, pids) = with_two(name, || {
        let shutdown = Shutdown::builder()
            .grace(Duration::from_secs(30))
            .second_signal(deadstop::SecondSignal::End)
            .install()
            .expect("install succeeds");
        let _child = shutdown.child("deaf", shell(DEAF)).expect("it starts");
        thread::sleep(300 * MS);
        wait(&shutdown);
    });
    victim.send(libc::SIGTERM);
    // After 200 ms, a signal counts as the second one.
    thread::sleep(600 * MS);
    victim.send(libc::SIGTERM);
    let ended = victim.wait();
    assert_eq!(ended.signal, Some(libc::SIGTERM), "{ended:#?}");
    assert!(are_gone(&pids), "{pids:?}");
}

/// The thread that started the program is delayed while it opens a descriptor of the process, so
/// that the child is not listed yet at the deadline.
#[test]
fn deadline_kills_the_group_of_a_child_that_is_being_started() {
    let name = "child_end::deadline_kills_the_group_of_a_child_that_is_being_started";
    let slow = victim::strace("trace=pidfd_open", "inject=pidfd_open:delay_enter=5000000");
    if !victim::works(&slow) {
        return victim::skip("strace cannot be used");
    }
    let mut victim = victim::start_under(name, &slow, &[], || {
        let shutdown = Shutdown::builder()
            .grace(Duration::from_secs(30))
            // The tracer delays the watchdog, too.
            .backup_after(Duration::from_secs(20))
            .install()
            .expect("install succeeds");
        let watchdog = shutdown.watchdog().clone();
        let file = format!("/tmp/deadstop-newborn-{}", std::process::id());
        let script = format!("sleep 60 & echo pid $! >{file}.new; mv {file}.new {file}; wait");
        thread::spawn(move || drop(shutdown.child("leader", shell(&script))));
        while !Path::new(&file).exists() {
            thread::sleep(5 * MS);
        }
        print!("{}", fs::read_to_string(&file).expect("it is there"));
        fs::remove_file(&file).expect("it is there");
        watchdog.arm_within(200 * MS);
        hang();
    });
    let pids = pids(&victim.hear("pid "));
    // Check before the tracer ends, because it waits for the processes.
    let are_gone = are_gone(&pids);
    kill(&pids);
    let ended = victim.wait();
    assert!(are_gone, "{pids:?} {ended:#?}");
    ended.assert_status(124);
}

/// The kernel starts no thread for a thread whose children get another PID namespace. The keeper
/// is a thread, so it must already run, or another thread must start it.
#[test]
fn first_child_of_a_thread_that_left_its_pid_namespace_is_an_error_that_says_so() {
    let name = "child_end::\
                first_child_of_a_thread_that_left_its_pid_namespace_is_an_error_that_says_so";
    let Some(victim) = victim::start_in_user_namespace(name, || {
        let shutdown = shutdown(30);
        let (spawns, other) = (shutdown.clone(), channel());
        let spawner = thread::spawn(move || {
            other.1.recv().expect("the scenario says when");
            spawns.child("other", sleep()).expect("it starts")
        });
        victim::leave_pid_namespace();
        let refused = shutdown.child("first", sleep());
        println!(
            "refused: {}",
            refused.expect_err("no thread can be started")
        );
        other.0.send(()).expect("the other thread waits");
        let other = spawner.join().expect("it starts the child");
        // The keeper starts it, in the namespace of the process.
        let second = shutdown
            .child("second", sleep())
            .expect("the keeper is there");
        let namespace = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        for child in [&other, &second] {
            let is_same = namespace(child.id()) == namespace(std::process::id());
            println!(
                "{} is in the namespace of the process: {is_same}",
                child.name()
            );
        }
        finish(&shutdown);
    }) else {
        return;
    };
    let ended = victim.wait();
    ended.assert_status(0);
    ended.assert_says("refused: the child could not be started: the calling thread has left its");
    ended.assert_says("other is in the namespace of the process: true");
    ended.assert_says("second is in the namespace of the process: true");
}

fn sleep() -> Command {
    let mut command = Command::new("sleep");
    command.arg("60").stdin(Stdio::null());
    command
}
