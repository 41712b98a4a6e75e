//! The life of one victim.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::build::Built;
use crate::clock::monotonic_nanos;
use crate::end::End;
use crate::exit_monitor::{ExitMonitor, Order, nanos};
use crate::output_reader::{Answer, OutputReader};
use crate::plan::Run;
use crate::system;
use crate::verdict::{Ended, Late, Verdict};

/// The longest wait to reap a victim that has ended: its tracer must let it go first.
const TO_REAP: Duration = Duration::from_secs(10);

/// A victim, killed and reaped when dropped, with its children.
struct Victim(Child);

/// Starts the victim of `run`, and observes it until its end.
pub(crate) fn live(built: &Built, monitor: &ExitMonitor, run: &Run) -> Ended {
    thread::sleep(run.start);
    let started = monotonic_nanos();
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
    let mut victim = Victim(child.expect("the victim starts"));
    let (seen, when_seen) = mpsc::channel();
    monitor.order(Order {
        id: victim.0.id(),
        grace: run.grace,
        gone: system::watch(victim.0.id()).expect("it is not reaped"),
        stdout: OutputReader::of(victim.0.stdout.take()),
        stderr: OutputReader::of(victim.0.stderr.take()),
        seen,
    });
    let seen = when_seen.recv().expect("the monitor keeps watch");
    let end = match seen.is_gone {
        true => victim.reap(),
        false => End::Never,
    };
    let (late, verdict) = match seen.answer {
        Answer::Armed(armed_at) => {
            let deadline = armed_at + nanos(run.grace);
            let late = Late {
                nanos: seen.at as i64 - deadline as i64,
                starved: seen.starved,
            };
            (Some(late), Verdict::of(run, end, late))
        }
        Answer::Refused => (None, Verdict::Refused),
        Answer::None => {
            let lived = Duration::from_nanos(seen.at - started);
            (None, Verdict::of_unheard(run, end, lived))
        }
    };
    Ended {
        run: run.clone(),
        end,
        late,
        verdict,
        heard: seen.heard,
    }
}

impl Victim {
    fn reap(&mut self) -> End {
        let patience = Instant::now() + TO_REAP;
        loop {
            match self.0.try_wait().expect("waits for its own child") {
                Some(status) => return status.into(),
                None if Instant::now() > patience => return End::Never,
                None => thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            system::kill_group(self.0.id());
        }
        // Fails only for a process that was reaped.
        let _ = self.0.wait();
    }
}
