//! Runs the scenario of a test in its own process: the test starts itself again.

#[path = "../harness/reexecution.rs"]
mod reexecution;
#[path = "../harness/skip.rs"]
mod skip;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use reexecution::is_scenario;
pub(crate) use skip::skip;

/// Maximum time for a scenario. It only bounds a run that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The end of a scenario.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) signal: Option<i32>,
    /// Time from the line "ready", or from the start, to the end.
    pub(crate) after: Duration,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// `true` if the harness had to kill the scenario.
    #[expect(dead_code, reason = "shown when an assertion fails")]
    pub(crate) stuck: bool,
}

impl Ended {
    #[track_caller]
    pub(crate) fn assert_status(&self, status: i32) -> &Self {
        assert_eq!(
            (self.status, self.signal),
            (Some(status), None),
            "{self:#?}"
        );
        self
    }

    #[track_caller]
    pub(crate) fn assert_says(&self, text: &str) -> &Self {
        let said = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(said, "does not say {text:?}: {self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn assert_silent_about(&self, text: &str) -> &Self {
        let said = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(!said, "says {text:?}: {self:#?}");
        self
    }
}

/// A running scenario.
pub(crate) struct Victim {
    child: Child,
    started: Instant,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    heard: String,
}

/// Runs `scenario` in a process of its own, and returns how it ended. `test` is the path
/// of the test that calls.
pub(crate) fn run(test: &str, scenario: impl FnOnce()) -> Ended {
    start(test, scenario).wait()
}

/// Like [`run`], and sends `signal` once the scenario prints "ready".
pub(crate) fn signal(test: &str, signal: i32, scenario: impl FnOnce()) -> Ended {
    let mut victim = start(test, scenario);
    victim.hear("ready");
    victim.send(signal);
    victim.wait()
}

/// Starts `scenario` in a process of its own.
pub(crate) fn start(test: &str, scenario: impl FnOnce()) -> Victim {
    start_with(test, &[], scenario)
}

/// Like [`start`], with `variables` in the environment.
pub(crate) fn start_with(
    test: &str,
    variables: &[(&str, &str)],
    scenario: impl FnOnce(),
) -> Victim {
    start_under(test, &[], variables, scenario)
}

/// Returns `true` if programs can be started by `launcher`. In a scenario they can: it was
/// started by it.
pub(crate) fn works(launcher: &[&str]) -> bool {
    let probe = || {
        let mut probe = Command::new(launcher[0]);
        probe.args(&launcher[1..]).arg("true").status()
    };
    is_scenario() || probe().is_ok_and(|status| status.success())
}

/// Starts `scenario` in a user namespace of its own, where it may
/// [leave its PID namespace](leave_pid_namespace). Skips the test and returns `None` if the
/// machine allows no namespaces.
#[cfg(target_os = "linux")]
pub(crate) fn start_in_user_namespace(test: &str, scenario: impl FnOnce()) -> Option<Victim> {
    let launcher = ["unshare", "--user", "--map-root-user"];
    let probe = [&launcher[..], &["unshare", "--pid", "--fork"]].concat();
    if !works(&probe) {
        skip("no user and PID namespace can be made");
        return None;
    }
    Some(start_under(test, &launcher, &[], scenario))
}

/// Gives the children of the calling thread another PID namespace. The kernel starts no thread
/// for such a thread.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "leaves a namespace")]
pub(crate) fn leave_pid_namespace() {
    // SAFETY: unshare(2) takes an integer.
    assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWPID) }, 0);
}

/// Returns a launcher that slows system calls down: strace, with an option that says which
/// calls it traces, and one that says what it does to them.
pub(crate) fn strace<'a>(trace: &'a str, inject: &'a str) -> [&'a str; 9] {
    [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        trace,
        "-e",
        inject,
    ]
}

/// Like [`start_with`], started by `launcher`, a program with its arguments.
pub(crate) fn start_under(
    test: &str,
    launcher: &[&str],
    variables: &[(&str, &str)],
    scenario: impl FnOnce(),
) -> Victim {
    if reexecution::is_scenario_of(test) {
        scenario();
        return_from_main();
    }
    let mut child = reexecution::command(test, launcher)
        .envs(variables.iter().copied())
        .process_group(0)
        .spawn()
        .expect("the test starts itself");
    let stdout = lines(child.stdout.take().expect("it is piped"));
    let stderr = lines(child.stderr.take().expect("it is piped"));
    Victim {
        child,
        started: Instant::now(),
        stdout,
        stderr,
        heard: String::new(),
    }
}

/// Exits like a `main` that returns.
fn return_from_main() -> ! {
    std::process::exit(0)
}

impl Victim {
    pub(crate) fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Reads lines until one contains `text`, and returns it. The time is measured from there.
    #[track_caller]
    pub(crate) fn hear(&mut self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.stdout.recv_timeout(left) else {
                self.kill();
                let stderr: String = self.stderr.iter().collect();
                panic!("no line says {text:?}: {}\n{stderr}", self.heard);
            };
            self.heard += &line;
            self.heard.push('\n');
            if line.contains(text) {
                self.started = Instant::now();
                return line;
            }
        }
    }

    #[expect(unsafe_code, reason = "sends a signal to the process that it started")]
    pub(crate) fn send(&self, signal: i32) {
        // SAFETY: kill(2) takes two integers; the child is not reaped.
        unsafe { libc::kill(self.pid(), signal) };
    }

    /// Returns the scenario's status, if it has ended.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }

    pub(crate) fn wait(mut self) -> Ended {
        let until = Instant::now() + PATIENCE;
        let (status, stuck) = loop {
            if let Some(status) = self.has_ended() {
                break (status, false);
            }
            if Instant::now() >= until {
                break (self.kill(), true);
            }
            thread::sleep(Duration::from_millis(1));
        };
        let after = self.started.elapsed();
        if stuck {
            println!("the scenario was stuck and was killed");
        }
        Ended {
            status: status.code(),
            signal: status.signal(),
            after,
            stdout: std::mem::take(&mut self.heard) + &rest(&self.stdout),
            stderr: rest(&self.stderr),
            stuck,
        }
    }

    #[expect(unsafe_code, reason = "kills the group of the process that it started")]
    fn kill(&mut self) -> ExitStatus {
        // SAFETY: kill(2) takes two integers; the leader is not reaped.
        unsafe { libc::kill(-self.pid(), libc::SIGKILL) };
        self.child.wait().expect("it is our child")
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
        }
    }
}

/// Reads lines on a thread of its own, so that no write of the scenario fails.
fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (to, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let _ = to.send(line);
        }
    });
    lines
}

/// Returns the remaining lines. A process that outlives the scenario may keep the pipe open.
fn rest(lines: &Receiver<String>) -> String {
    let mut all = String::new();
    let until = Instant::now() + Duration::from_secs(1);
    while let Ok(line) = lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
        all += &line;
        all.push('\n');
    }
    all
}

/// Gives the number of each descriptor but the first three to `file`, as a program may that closes
/// all it has and opens others.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "replaces descriptors")]
pub(crate) fn replace_descriptors(file: &std::fs::File) {
    use std::os::fd::AsRawFd;

    for number in 3..64 {
        if number != file.as_raw_fd() {
            // SAFETY: two integers. Only deadstop has descriptors of these numbers here.
            assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), number) }, number);
        }
    }
}

/// Returns how long the thread `name` of this process has been on a processor, in ticks of 10 ms.
#[cfg(target_os = "linux")]
pub(crate) fn processor_time(name: &str) -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").expect("it is there");
    let of_name = threads.filter_map(|thread| {
        let stat = std::fs::read_to_string(thread.ok()?.path().join("stat")).ok()?;
        let (start, rest) = stat.rsplit_once(')')?;
        let is_named = start.ends_with(&format!("({name}"));
        is_named.then(|| rest.to_owned())
    });
    // proc_pid_stat(5): the user and the system time are fields 14 and 15, the name is 2.
    let ticks = of_name.map(|rest| {
        let fields = rest.split_whitespace().skip(11).take(2);
        fields
            .filter_map(|ticks| ticks.parse::<u64>().ok())
            .sum::<u64>()
    });
    Duration::from_millis(10 * ticks.sum::<u64>())
}
