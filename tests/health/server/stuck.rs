//! The health server in processes without descriptors, processor time or system calls.
//! `tests/health_faults.rs` runs it with all faults.

use std::fs::File;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use super::probe::{self, assert_prompt, get};
use super::{park, serve};
use crate::{shutdown, spin, victim};

/// A thread spins and takes each descriptor that becomes free.
#[test]
fn prober_is_answered_while_all_descriptors_are_used_up() {
    let test = "server::stuck::prober_is_answered_while_all_descriptors_are_used_up";
    let mut victim = victim::start(test, || {
        let shutdown = shutdown();
        let beat = shutdown
            .heartbeat("idle")
            .start()
            .expect("it can be started");
        serve(&shutdown, |health| health);
        let mut taken = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            taken.push(file);
        }
        println!("{} taken", taken.len());
        drop(beat);
        loop {
            taken.extend(File::open("/dev/null"));
        }
    });
    let address = probe::address(&mut victim);
    victim.hear("taken");
    for _ in 0..20 {
        assert_prompt(address, "/livez");
    }
}

/// No descriptor number below the limit is free. The server has one spare descriptor, which it
/// must close to accept a connection, each time.
#[test]
fn prober_is_answered_with_the_spare_descriptor_alone() {
    let test = "server::stuck::prober_is_answered_with_the_spare_descriptor_alone";
    let mut victim = victim::start(test, || {
        serve(&shutdown(), |health| health);
        // If the server's thread has a separate descriptor table, these are its numbers.
        let taken = descriptors_of("deadstop-http");
        let free = (0..).find(|number| !taken.contains(number));
        limit_descriptors(free.expect("one is free"));
        println!("limited");
        park();
    });
    let address = probe::address(&mut victim);
    victim.hear("limited");
    for _ in 0..20 {
        assert_prompt(address, "/livez");
    }
}

/// Returns the descriptors of the thread called `name`.
fn descriptors_of(name: &str) -> Vec<u64> {
    let threads = std::fs::read_dir("/proc/self/task").expect("/proc is readable");
    let is_it = |thread: &std::path::PathBuf| {
        std::fs::read_to_string(thread.join("comm")).is_ok_and(|comm| comm.trim() == name)
    };
    let mut threads = threads.flatten().map(|thread| thread.path());
    let thread = threads.find(is_it).expect("it is running");
    let folder = std::fs::read_dir(thread.join("fd")).expect("/proc is readable");
    let names = folder.flatten().map(|entry| entry.file_name());
    names
        .map(|name| name.to_string_lossy().parse().expect("a number"))
        .collect()
}

/// The limit of descriptors is lower than the number in a call of poll(2), which then fails. No
/// answer is possible, and the server's thread must not spin.
#[test]
fn server_is_idle_if_the_descriptor_limit_forbids_poll() {
    let test = "server::stuck::server_is_idle_if_the_descriptor_limit_forbids_poll";
    let ended = victim::run(test, || {
        let health = serve(&shutdown(), |health| health);
        std::net::TcpStream::connect(health.addresses()[0])
            .expect("the listener accepts connections");
        limit_descriptors(0);
        let before = processor_time();
        thread::sleep(Duration::from_secs(2));
        let used = processor_time() - before;
        println!("used {used:?}");
        assert!(used < Duration::from_secs(1), "{used:?}");
        println!("done");
    });
    ended.assert_says("done");
}

#[expect(unsafe_code, reason = "sets a limit of the scenario")]
fn limit_descriptors(most: u64) {
    let limit = libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    // SAFETY: the pointer is valid for reads.
    let result = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    assert_eq!(result, 0, "the limit can be set");
}

#[expect(unsafe_code, reason = "reads a clock")]
fn processor_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[test]
fn prober_is_answered_while_sixty_four_threads_spin() {
    let test = "server::stuck::prober_is_answered_while_sixty_four_threads_spin";
    let mut victim = victim::start(test, || {
        serve(&shutdown(), |health| health);
        for _ in 0..64 {
            thread::spawn(|| spin(Duration::from_secs(50)));
        }
        println!("spinning");
        spin(Duration::from_secs(50));
    });
    let address = probe::address(&mut victim);
    victim.hear("spinning");
    assert_prompt(address, "/livez");
    assert_prompt(address, "/metrics");
}

/// A request arrives while the process is stopped. After SIGCONT, the server must answer it, and
/// must report no heartbeat as stalled.
#[test]
fn process_answers_after_it_was_stopped_and_continued() {
    let test = "server::stuck::process_answers_after_it_was_stopped_and_continued";
    let mut victim = victim::start(test, || {
        let shutdown = shutdown();
        serve(&shutdown, |health| health);
        let beat = shutdown.heartbeat("loop").every(Duration::from_secs(2));
        let beat = beat.start().expect("it can be started");
        println!("begun");
        loop {
            beat.tick();
            thread::sleep(Duration::from_millis(50));
        }
    });
    let address = probe::address(&mut victim);
    victim.hear("begun");
    victim.send(libc::SIGSTOP);
    wait_stopped(victim.pid());
    let asked = thread::spawn(move || get(address, "/livez"));
    thread::sleep(Duration::from_secs(5));
    assert!(!asked.is_finished(), "a stopped process answers");
    victim.send(libc::SIGCONT);
    asked.join().expect("the server answers").assert_status(200);
    get(address, "/metrics").assert_says("deadstop_heartbeat_late_total{beat=\"loop\"} 0");
}

/// Waits until every thread of a process is stopped.
fn wait_stopped(pid: i32) {
    let is_stopped = |stat: String| {
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| rest.starts_with(" T"))
    };
    let until = std::time::Instant::now() + Duration::from_secs(10);
    loop {
        let threads = std::fs::read_dir(format!("/proc/{pid}/task"))
            .expect("the process is a child of the test");
        let stats = threads.flatten().map(|thread| thread.path().join("stat"));
        let mut stats = stats.filter_map(|path| std::fs::read_to_string(path).ok());
        if stats.all(is_stopped) {
            return;
        }
        assert!(std::time::Instant::now() < until, "it does not stop");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A child of `fork` has no server. It must not keep the listener open, and no call may hang.
#[test]
fn child_of_fork_closes_the_listener_and_its_calls_return() {
    let test = "server::stuck::child_of_fork_closes_the_listener_and_its_calls_return";
    let ended = victim::run(test, || {
        let shutdown = shutdown();
        let health = serve(&shutdown, |health| health.check("database", || true));
        let address = health.addresses()[0];
        match fork() {
            0 => {
                health.set_ready();
                assert!(shutdown.health().bind("127.0.0.1:0").start().is_err());
                println!("child: {health:?}");
                park();
            }
            child => {
                // The parent's server still answers.
                get(address, "/livez").assert_status(200);
                assert!(
                    !listens(child, address.port()),
                    "the child has the listener"
                );
                assert!(listens(std::process::id() as i32, address.port()));
                println!("parent: done");
                kill(child);
            }
        }
    });
    ended
        .assert_says("child: Health")
        .assert_says("parent: done");
}

/// Returns `true` if a process has a descriptor of a socket that listens on `port`.
fn listens(pid: i32, port: u16) -> bool {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("/proc is readable");
    let local = format!(":{port:04X} 00000000:0000 0A");
    let line = table.lines().find(|line| line.contains(&local));
    let inode = line.and_then(|line| line.split_whitespace().nth(9));
    let link = format!(
        "socket:[{}]",
        inode.expect("the listener accepts connections")
    );
    let folder =
        std::fs::read_dir(format!("/proc/{pid}/fd")).expect("the process is a child of the test");
    folder.flatten().any(|entry| {
        std::fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == link.as_str())
    })
}

#[expect(unsafe_code, reason = "forks the scenario")]
fn fork() -> i32 {
    // SAFETY: the child makes calls that must work there; the test is about them.
    unsafe { libc::fork() }
}

#[expect(unsafe_code, reason = "ends the child of the scenario")]
fn kill(child: i32) {
    // SAFETY: two integers; the child is not reaped.
    unsafe { libc::kill(child, libc::SIGKILL) };
}

/// The program closes all descriptors, as daemons do. The server must still answer.
#[test]
fn program_that_closes_all_descriptors_still_answers() {
    let test = "server::stuck::program_that_closes_all_descriptors_still_answers";
    let mut victim = victim::start(test, || {
        serve(&shutdown(), |health| health);
        println!("closing");
        close_all();
        // Other files get the numbers of the closed descriptors.
        let _others: Vec<_> = (0..20).map(|_| TcpListener::bind("127.0.0.1:0")).collect();
        park();
    });
    let address = probe::address(&mut victim);
    victim.hear("closing");
    thread::sleep(Duration::from_millis(200));
    assert_prompt(address, "/livez");
}

#[expect(unsafe_code, reason = "closes what the scenario has")]
fn close_all() {
    for number in 3..256 {
        // SAFETY: an integer. Nothing of the scenario uses its descriptors after this.
        unsafe { libc::close(number) };
    }
}

/// A seccomp filter refuses poll(2). The server must then sleep by another system call.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn server_is_idle_if_a_filter_refuses_poll() {
    let test = "server::stuck::server_is_idle_if_a_filter_refuses_poll";
    let mut victim = victim::start(test, || {
        serve(&shutdown(), |health| health);
        refuse_poll();
        println!("refused");
        park();
    });
    let address = probe::address(&mut victim);
    victim.hear("refused");
    // The server may be in a call of poll(2) that began before the filter.
    assert_prompt(address, "/livez");
    let ticks = || {
        let threads = std::fs::read_dir(format!("/proc/{}/task", victim.pid()));
        let threads = threads.expect("it is running").flatten();
        let stats = threads.filter_map(|it| std::fs::read_to_string(it.path().join("stat")).ok());
        let server = stats.filter(|stat| stat.contains("(deadstop-http)"));
        // proc_pid_stat(5): the user and the system time are fields 14 and 15.
        let ticks = server.flat_map(|stat| {
            let fields = stat.split_whitespace().skip(13).take(2);
            fields
                .filter_map(|it| it.parse().ok())
                .collect::<Vec<u64>>()
        });
        ticks.sum::<u64>()
    };
    let before = ticks();
    thread::sleep(Duration::from_secs(1));
    let used = ticks() - before;
    assert!(used < 30, "{used} of 100");
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[expect(unsafe_code, reason = "installs a seccomp filter in the scenario")]
fn refuse_poll() {
    let step = |code: u32, skip: u8, k: u32| libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: skip,
        k,
    };
    let refused = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    // The number is the first field of `seccomp_data`.
    let mut program = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        step(
            libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
            1,
            libc::SYS_poll as u32,
        ),
        step(libc::BPF_RET | libc::BPF_K, 0, refused),
        step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: `PR_SET_NO_NEW_PRIVS` takes integers.
    let promised = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(promised, 0, "PR_SET_NO_NEW_PRIVS");
    let (mode, flags) = (
        libc::SECCOMP_SET_MODE_FILTER,
        libc::SECCOMP_FILTER_FLAG_TSYNC,
    );
    // SAFETY: the pointer is valid for reads, and so is the one inside.
    let set = unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) };
    assert_eq!(set, 0, "seccomp");
}
