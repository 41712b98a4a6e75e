//! Takes one sample: starts a victim, and measures its end or its reaction to a signal.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::conditions::Condition;
use crate::exit_record::ExitRecord;
use crate::other_load::OtherLoad;
use crate::page::{Page, Word, now};
use crate::sentinel::Sentinels;
use crate::victims::{self, Programs, Row, Whose};

/// The longest wait for the start of a victim. Not a measurement.
const START: Duration = Duration::from_secs(60);

/// The time after its deadline at which a victim is given up.
const PATIENCE: Duration = Duration::from_secs(5);
const BRIEF_PATIENCE: Duration = Duration::from_secs(1);

/// The means of taking samples.
#[derive(Debug)]
pub(crate) struct Means {
    pub(crate) page: &'static Page,
    memory: OwnedFd,
    pub(crate) programs: Programs,
    /// The most cores that other processes may use during a sample that counts.
    pub(crate) most_foreign: f64,
    /// Set if victims that are known to hang are given up soon.
    is_brief: bool,
    /// Set if the bench itself runs in real time.
    pub(crate) real_time: bool,
    /// `None` if real-time threads are not allowed.
    pub(crate) sentinels: Option<Sentinels>,
}

#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) round: usize,
    /// From the deadline until the bench saw the end, or from the signal to the reaction.
    /// Negative is early; `None` if it never came.
    pub(crate) late: Option<i64>,
    /// From the deadline to just before the end, by the victim's own reading.
    pub(crate) inside: Option<i64>,
    /// From the deadline to the kernel's record of the exit.
    pub(crate) recorded: Option<i64>,
    /// `None` if the bench had to end the victim.
    pub(crate) status: Option<ExitStatus>,
    /// The scheduling policy of the thread that ended the victim.
    pub(crate) policy: Option<i32>,
    /// The system calls of `deadstop-report` and `deadstop-log` shortly before the deadline.
    pub(crate) reporting_threads: [Option<u64>; 2],
    /// The bytes of the message that were written by then.
    pub(crate) message: Option<u64>,
    /// The processor time of other processes, in cores.
    pub(crate) foreign: f64,
    /// The longest time that a processor stood still around the end, in nanoseconds.
    pub(crate) stalled: Option<u64>,
    pub(crate) counts: bool,
}

/// The lateness of a victim that the bench gave up: more than any other.
pub(crate) const ALIVE: i64 = i64::MAX;

impl Sample {
    pub(crate) fn lateness(&self) -> i64 {
        self.late.unwrap_or(ALIVE)
    }

    /// Returns `true` if the victim ended as its row means to end it, and not by SIGKILL.
    pub(crate) fn kept_status(&self) -> bool {
        self.status.and_then(|status| status.code()) == Some(victims::TIMED_OUT)
    }

    /// The status as shells write it; empty for a victim that never ended.
    pub(crate) fn shell_status(&self) -> String {
        let status = self.status.and_then(|status| {
            let signal = status.signal().map(|signal| 128 + signal);
            status.code().or(signal)
        });
        status.map_or(String::new(), |status| status.to_string())
    }
}

impl Means {
    pub(crate) fn gather(most_foreign: f64, is_brief: bool) -> Self {
        let (page, memory) = Page::create();
        Self {
            page,
            memory,
            programs: Programs::build(),
            most_foreign,
            is_brief,
            real_time: ask_for_real_time(),
            sentinels: Sentinels::start(),
        }
    }

    pub(crate) fn sample(
        &self,
        row: &'static Row,
        condition: &'static Condition,
        round: usize,
    ) -> Sample {
        self.page.clear();
        let foreign = OtherLoad::begin();
        let page = self.memory.as_raw_fd();
        let mut victim = Victim::start(row.command(condition, page, &self.programs));
        victim.wait_for(&self.page.ready);
        let record = self.page.ender.get();
        let record = record.and_then(|tid| ExitRecord::attach(tid as i32));
        let load = (condition.foreign > 0).then(|| self.start_load(condition.foreign));
        if load.is_none() {
            self.page.loaded.set(1);
        }
        victim.wait_for(&self.page.deadline);

        let hangs = condition.blocks_workers && row.whose == Whose::Others;
        let sent = now();
        let late = match row.signal {
            Some(signal) => self.beginning(&victim, signal),
            None if self.is_brief && hangs => self.end(&victim, BRIEF_PATIENCE),
            None => self.end(&victim, PATIENCE),
        };
        let status = victim.stop();
        drop(load);
        let since = |deadline: u64| move |at: u64| at as i64 - deadline as i64;
        let deadline = self.page.deadline.get().expect("waited for");
        let foreign = foreign.cores();
        let due = match row.signal {
            Some(_) => sent,
            None => deadline,
        };
        let over = late.map_or(now(), |late| due.saturating_add_signed(late));
        // A stall just before the end delays it too.
        let from = due.min(over).saturating_sub(BEFORE);
        let sentinels = self.sentinels.as_ref();
        let stalled = sentinels.and_then(|it| it.longest_gap(from, due.max(over)));
        let recorded = record.and_then(|record| record.read()).map(since(deadline));
        let teardown = recorded.zip(late).map(|(begun, late)| late - begun);
        let is_dropped = stalled.is_some_and(|stalled| self.is_dropped(stalled, teardown));
        Sample {
            round,
            late,
            inside: self.page.ended.get().map(since(deadline)),
            recorded,
            status: status.filter(|_| row.signal.is_none() && late.is_some()),
            policy: self.page.policy.get().map(|policy| policy as i32 - 1),
            reporting_threads: [&self.page.reporter, &self.page.logger].map(Word::get),
            message: self.page.message.get(),
            foreign,
            stalled,
            // A victim that never ends counts: no other process was busy for that long.
            counts: late.is_none() || foreign <= self.most_foreign && !is_dropped,
        }
    }

    /// Returns `true` if the bench drops a sample with this stall. One that is short beside the
    /// time for which the kernel took the process down decides nothing.
    fn is_dropped(&self, stalled: u64, teardown: Option<i64>) -> bool {
        let teardown = teardown.and_then(|teardown| u64::try_from(teardown).ok());
        let is_long = teardown.is_none_or(|teardown| stalled > teardown / STALL_OF_TEARDOWN);
        is_long && self.most_foreign.is_finite()
    }

    /// Waits for the end, and returns how late it was.
    fn end(&self, victim: &Victim, patience: Duration) -> Option<i64> {
        let deadline = self.page.deadline.get().expect("waited for");
        let patience = deadline + patience.as_nanos() as u64;
        while !victim.is_gone_within(patience.saturating_sub(now())) {
            if now() >= patience {
                return None;
            }
        }
        let seen = now();
        // The victim may have stored a more exact deadline meanwhile.
        let deadline = self.page.deadline.get().expect("waited for");
        Some(seen as i64 - deadline as i64)
    }

    /// Sends the signal, and waits for the victim's reaction.
    fn beginning(&self, victim: &Victim, signal: i32) -> Option<i64> {
        let signal = Signal::from_named_raw(signal).expect("a signal with a name");
        let sent = now();
        kill_process(victim.pid, signal).unwrap();
        let patience = sent + PATIENCE.as_nanos() as u64;
        while now() < patience && !victim.is_gone_within(STEP) {
            if let Some(armed) = self.page.armed.get() {
                return Some(armed as i64 - sent as i64);
            }
        }
        None
    }

    /// Starts a process with `count` threads that compute forever, and returns when they run.
    fn start_load(&self, count: usize) -> Victim {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--load", &count.to_string()]);
        command.args(["--page", &self.memory.as_raw_fd().to_string()]);
        let mut load = Victim::start(command);
        load.wait_for(&self.page.loaded);
        load
    }
}

/// The time before an end in which a stall still delays it, in nanoseconds.
const BEFORE: u64 = 500_000;

/// A stall of less than this part of a teardown is let pass. A teardown of gigabytes takes so
/// long that hardly one of them would be without a stall.
const STALL_OF_TEARDOWN: u64 = 20;

/// The time between two reads of the page, in nanoseconds.
const STEP: u64 = 1_000_000;

/// A process of this run. Killed and reaped when dropped.
#[derive(Debug)]
struct Victim {
    child: Child,
    pid: Pid,
    descriptor: OwnedFd,
}

impl Victim {
    fn start(mut command: Command) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // For the message of a panic; no program here writes more than a pipe holds.
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = Pid::from_raw(child.id() as i32).unwrap();
        Self {
            child,
            pid,
            descriptor: pidfd_open(pid, PidfdFlags::empty()).unwrap(),
        }
    }

    fn wait_for(&mut self, word: &Word) {
        let patience = now() + START.as_nanos() as u64;
        while word.get().is_none() {
            if now() > patience || self.is_gone_within(STEP) && word.get().is_none() {
                // The pipe then has all that the victim wrote.
                let status = self.stop();
                let said = self.child.stderr.take().map(std::io::read_to_string);
                panic!("a victim did not begin: {status:?}, {said:?}");
            }
        }
    }

    /// Waits for the victim's end, for so many nanoseconds.
    fn is_gone_within(&self, nanos: u64) -> bool {
        let timeout = Timespec {
            tv_sec: (nanos / 1_000_000_000) as i64,
            tv_nsec: (nanos % 1_000_000_000) as _,
        };
        let descriptor = self.descriptor.as_fd();
        let mut polled = [PollFd::from_borrowed_fd(descriptor, PollFlags::IN)];
        // An error is an interruption: the caller tries again.
        poll(&mut polled, Some(&timeout)).is_ok_and(|ready| ready > 0)
    }

    /// Ends the victim if it still runs, and reaps it.
    fn stop(&mut self) -> Option<ExitStatus> {
        // Fails only for a victim that is reaped. One that has ended keeps its status.
        let _ = self.child.kill();
        self.child.wait().ok()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Makes the bench a real-time thread, if it may be one: no figure then contains its own wait
/// for a processor. Its children are ordinary processes.
fn ask_for_real_time() -> bool {
    let priority = libc::sched_param { sched_priority: 50 };
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: the pointer is valid for reads; 0 is this thread.
    let done = unsafe { libc::sched_setscheduler(0, policy, &raw const priority) };
    done == 0
}
