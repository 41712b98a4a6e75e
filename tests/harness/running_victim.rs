//! Signals to a running victim, and its output.

use std::fs;
use std::io;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::{TIMEOUT, Victim, monotonic_nanos};

// Not every test target uses all of these.
const _: () = {
    let _ = (Victim::trigger, Victim::send, Victim::hear);
    let _ = (Victim::is_installed, Victim::is_refused, uid);
    let _ = (Victim::watched, Victim::unwatched, Victim::lives_for);
    let _ = (super::BEHIND, super::GRACE, Victim::overhear);
    let _ = Victim::processor_time;
};

/// Returns the user id of the test.
pub(crate) fn uid() -> u32 {
    // SAFETY: no precondition.
    unsafe { libc::getuid() }
}

impl Victim {
    /// Returns `true` if the victim has installed and is not yet ready.
    pub(crate) fn is_installed(&self) -> bool {
        self.installed
    }

    /// Sends `signal` to the victim; its time counts from just before.
    pub(crate) fn trigger(&mut self, signal: i32) {
        self.armed_at = monotonic_nanos();
        self.send(signal);
    }

    /// Sends `signal` to the victim, not to its group.
    pub(crate) fn send(&self, signal: i32) {
        // SAFETY: kill(2) takes two integers. The victim is not reaped, so the
        // number is still its own.
        let sent = unsafe { libc::kill(self.child.id() as i32, signal) };
        assert_eq!(sent, 0, "kill: {}", io::Error::last_os_error());
    }

    /// Waits for a line of standard output that begins with `word`, and returns
    /// the rest of it.
    pub(crate) fn hear(&mut self, word: &str) -> String {
        let patience = Instant::now() + TIMEOUT;
        loop {
            match self.stdout.recv_timeout(left(patience)) {
                Ok(line) => {
                    self.heard.push_str(&line);
                    self.heard.push('\n');
                    let rest = line.strip_prefix(word);
                    if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with(' '))
                    {
                        return rest.trim_start().to_owned();
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    self.kill();
                    let stderr = super::drain(&self.stderr);
                    let (fault, heard) = (&self.fault, &self.heard);
                    panic!("{fault} did not say {word:?}: {heard}\n{stderr}");
                }
            }
        }
    }
}

impl Victim {
    /// Returns how long the victim's thread `name` has been on a processor, in ticks of 10 ms.
    pub(crate) fn processor_time(&self, name: &str) -> Duration {
        let threads = format!("/proc/{}/task", self.child.id());
        let threads = fs::read_dir(threads).expect("the victim is not reaped");
        let stats = threads.filter_map(|thread| {
            let stat = thread.ok()?.path().join("stat");
            fs::read_to_string(stat).ok()
        });
        let mut of_name = stats.filter_map(|stat| {
            let (start, rest) = stat.rsplit_once(')')?;
            let is_named = start.ends_with(&format!("({name}"));
            is_named.then(|| rest.to_owned())
        });
        let rest = of_name.next().expect("there is such a thread");
        // proc_pid_stat(5): the user and the system time are fields 14 and 15, the name is 2.
        let ticks = rest.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks
            .map(|ticks| ticks.parse::<u64>().expect("a number"))
            .sum();
        Duration::from_millis(10 * ticks)
    }

    /// Waits for a line that begins with `line` on standard error.
    pub(crate) fn overhear(&mut self, line: &str) {
        let patience = Instant::now() + TIMEOUT;
        loop {
            let Ok(said) = self.stderr.recv_timeout(left(patience)) else {
                self.kill();
                let (fault, overheard) = (&self.fault, &self.overheard);
                panic!("{fault} did not write {line:?}: {overheard}");
            };
            self.overheard.push_str(&said);
            self.overheard.push('\n');
            if said.starts_with(line) {
                return;
            }
        }
    }
}

fn left(patience: Instant) -> Duration {
    patience.saturating_duration_since(Instant::now())
}
