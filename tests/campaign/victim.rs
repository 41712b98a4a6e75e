//! The life of one victim, looked at.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::build::Built;
use crate::clock::monotonic_nanos;
use crate::end::End;
use crate::plan::Run;
use crate::starved::Starved;
use crate::system;
use crate::verdict::{Ended, Late, Verdict};

/// How long a victim may take to arm, and how long it is waited for after its
/// deadline: bounds, and measures of nothing.
const TO_ARM: Duration = Duration::from_secs(60);
const TO_END: Duration = Duration::from_secs(30);

/// When it is first looked at, before the deadline, and then how often: never
/// for more than a twentieth of the time.
const BEFORE: Duration = Duration::from_millis(2);
const OFTEN: Duration = Duration::from_millis(5);
const SHARE: u32 = 20;

/// What is remembered of what it says: more than is read at a time, so that the
/// first line is never forgotten unread.
const HEARD: usize = 8000;

struct Victim {
    child: Child,
    stdout: Ear,
    stderr: Ear,
}

/// One end of a pipe, for as long as the other is open, and what came of it.
struct Ear {
    pipe: Option<File>,
    heard: Vec<u8>,
}

struct Heard {
    is_gone: bool,
    nothing_more: bool,
}

/// Lives through `run`.
pub(crate) fn live(built: &Built, run: &Run) -> Ended {
    thread::sleep(run.start);
    let mut victim = Victim::start(built, run);
    let gone = system::watch(victim.child.id()).expect("it is not reaped");

    let patience = monotonic_nanos() + nanos(TO_ARM);
    let armed_at = loop {
        if let Some(answer) = victim.stdout.answer() {
            break answer;
        }
        let now = monotonic_nanos();
        let heard = victim.listen(&gone, patience.saturating_sub(now));
        // What it said before it went is still heard.
        if heard.nothing_more && (heard.is_gone || now >= patience) {
            break victim.stdout.answer().unwrap_or(Answer::None);
        }
    };
    match armed_at {
        Answer::Armed(armed_at) => victim.watch(run, &gone, armed_at),
        Answer::Refused => victim.end(run, None, Verdict::Refused),
        Answer::None => victim.end(run, None, Verdict::Otherwise),
    }
}

impl Victim {
    fn start(built: &Built, run: &Run) -> Self {
        let child = Command::new(&built.victim)
            .args([run.fault.name, &run.grace.as_millis().to_string()])
            .args(["defended", &run.trigger.as_micros().to_string()])
            .env("PLUGIN", &built.plugin)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // So that its children can be killed with it.
            .process_group(0)
            .spawn();
        let mut child = child.expect("the victim starts");
        Self {
            stdout: Ear::of(child.stdout.take()),
            stderr: Ear::of(child.stderr.take()),
            child,
        }
    }

    /// Waits for `nanos` at most until it is gone or says something.
    fn listen(&mut self, gone: &impl AsRawFd, nanos: u64) -> Heard {
        let [is_gone, stdout, stderr] = system::wait(
            [Some(gone), self.stdout.pipe(), self.stderr.pipe()],
            Duration::from_nanos(nanos),
        );
        if stdout {
            self.stdout.listen();
        }
        if stderr {
            self.stderr.listen();
        }
        Heard {
            is_gone,
            nothing_more: !stdout && !stderr,
        }
    }

    /// Watches it until it is gone, or time is up.
    fn watch(mut self, run: &Run, gone: &impl AsRawFd, armed_at: u64) -> Ended {
        let deadline = armed_at + nanos(run.grace);
        let id = self.child.id();
        let mut starved = None;
        let mut look_at = deadline - nanos(BEFORE);
        loop {
            let now = monotonic_nanos();
            if now > deadline + nanos(TO_END) {
                break;
            }
            if now < look_at {
                if self.listen(gone, look_at - now).is_gone {
                    break;
                }
                continue;
            }
            match &mut starved {
                None => starved = Some(Starved::begin(id, now)),
                Some(starved) => starved.look(id, now),
            }
            let cost = Duration::from_nanos(monotonic_nanos() - now);
            look_at = now + nanos(OFTEN.max(SHARE * cost)).max(deadline.saturating_sub(now));
        }
        // Before anything else is done.
        let now = monotonic_nanos();
        let starved = starved.map_or(Duration::ZERO, |starved| starved.time());
        let late = now as i64 - deadline as i64;
        let late = Late {
            nanos: late,
            starved,
        };
        let end = self.reap();
        let verdict = Verdict::of(run.fault, end, late);
        self.end(run, Some((end, late)), verdict)
    }

    fn reap(&mut self) -> End {
        match self.child.try_wait().expect("waits for its own child") {
            Some(status) => status.into(),
            None => End::Never,
        }
    }

    fn end(mut self, run: &Run, seen: Option<(End, Late)>, verdict: Verdict) -> Ended {
        let mut heard = String::new();
        if verdict.is_bad() {
            for ear in [&self.stdout, &self.stderr] {
                heard.push_str(&String::from_utf8_lossy(&ear.heard));
                heard.push('\n');
            }
        }
        let end = seen.map_or_else(|| self.reap(), |(end, _)| end);
        Ended {
            run: run.clone(),
            end,
            late: seen.map(|(_, late)| late),
            verdict,
            heard,
        }
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            system::kill_group(self.child.id());
        }
        // Fails only for one that is reaped.
        let _ = self.child.wait();
    }
}

/// What a victim says first.
enum Answer {
    /// With its reading of the clock.
    Armed(u64),
    Refused,
    /// Nothing that can be understood.
    None,
}

impl Ear {
    fn of(pipe: Option<impl Into<OwnedFd>>) -> Self {
        let pipe = pipe.expect("it is piped").into();
        Self {
            pipe: Some(pipe.into()),
            heard: Vec::new(),
        }
    }

    fn pipe(&self) -> Option<&dyn AsRawFd> {
        self.pipe.as_ref().map(|pipe| pipe as &dyn AsRawFd)
    }

    /// Hears what is there, and forgets what is long ago.
    fn listen(&mut self) {
        let mut buffer = [0; 4096];
        let read = self
            .pipe
            .as_mut()
            .map_or(0, |pipe| pipe.read(&mut buffer).unwrap_or(0));
        if read == 0 {
            self.pipe = None;
        }
        self.heard.extend(&buffer[..read]);
        let long_ago = self.heard.len().saturating_sub(HEARD);
        self.heard.drain(..long_ago);
    }

    /// The first line, once it is there.
    fn answer(&self) -> Option<Answer> {
        let end = self.heard.iter().position(|byte| *byte == b'\n')?;
        let line = String::from_utf8_lossy(&self.heard[..end]);
        Some(match line.split_once(' ') {
            Some(("armed", nanos)) => Answer::Armed(nanos.parse().expect("a clock reading")),
            Some(("refused", _)) => Answer::Refused,
            _ => Answer::None,
        })
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).expect("it is short")
}
