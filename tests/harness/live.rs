//! What is done to a victim while it lives: it is spoken to by signals, and
//! heard.

use std::io;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::{PATIENCE, Victim, monotonic_nanos};

/// Not every test needs all of this.
const _: () = {
    let _ = (Victim::trigger, Victim::send, Victim::hear);
    let _ = (Victim::is_installed, Victim::is_refused, uid);
    let _ = (Victim::watched, Victim::unwatched, Victim::lives_for);
    let _ = (super::BEHIND, super::GRACE, Victim::overhear);
};

/// The user who sends the signals.
pub(crate) fn uid() -> u32 {
    // SAFETY: no precondition.
    unsafe { libc::getuid() }
}

impl Victim {
    /// Whether it said that it has installed, and not that it is ready.
    pub(crate) fn is_installed(&self) -> bool {
        self.installed
    }

    /// Sends `signal` to the victim, and counts its time from just before.
    pub(crate) fn trigger(&mut self, signal: i32) {
        self.armed_at = monotonic_nanos();
        self.send(signal);
    }

    /// Sends `signal` to the victim and to nobody else.
    pub(crate) fn send(&self, signal: i32) {
        // SAFETY: kill(2) takes two integers. The victim is not reaped, so the
        // number is still its own.
        let sent = unsafe { libc::kill(self.child.id() as i32, signal) };
        assert_eq!(sent, 0, "kill: {}", io::Error::last_os_error());
    }

    /// Waits for a line of standard output that begins with `word`, and returns
    /// the rest of it.
    pub(crate) fn hear(&mut self, word: &str) -> String {
        let patience = Instant::now() + PATIENCE;
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
    /// Waits for a line of standard error that is `line`.
    pub(crate) fn overhear(&mut self, line: &str) {
        let patience = Instant::now() + PATIENCE;
        loop {
            let Ok(said) = self.stderr.recv_timeout(left(patience)) else {
                self.kill();
                let (fault, overheard) = (&self.fault, &self.overheard);
                panic!("{fault} did not write {line:?}: {overheard}");
            };
            self.overheard.push_str(&said);
            self.overheard.push('\n');
            if said == line {
                return;
            }
        }
    }
}

fn left(patience: Instant) -> Duration {
    patience.saturating_duration_since(Instant::now())
}
