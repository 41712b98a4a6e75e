//! The thread that reads the victims' reports of arming, observes their ends, and inspects the
//! late ones. It starts, reaps and awaits no process, so its observations are seldom late.

use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread;
use std::time::Duration;

use crate::clock::monotonic_nanos;
use crate::output_reader::{Answer, OutputReader};
use crate::starvation::{Starvation, own_wait};
use crate::system;

/// The longest wait for a victim to arm, and for its end after its deadline. Bounds, not
/// measurements.
const TO_ARM: Duration = Duration::from_secs(120);
const TO_END: Duration = Duration::from_secs(30);

/// The time before its deadline at which a victim is first inspected, the time between two
/// inspections, and that time if the end takes long.
const BEFORE: Duration = Duration::from_millis(2);
const OFTEN: Duration = Duration::from_millis(5);
const SELDOM: Duration = Duration::from_millis(25);
const SHARE: u32 = 10;

/// A victim to observe.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) id: u32,
    pub(crate) grace: Duration,
    /// A descriptor that becomes readable when the victim has ended.
    pub(crate) gone: OwnedFd,
    pub(crate) stdout: OutputReader,
    pub(crate) stderr: OutputReader,
    pub(crate) seen: Sender<Seen>,
}

/// The observations of a victim.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) answer: Answer,
    /// `true` if the victim ended before the monitor gave it up.
    pub(crate) is_gone: bool,
    pub(crate) at: u64,
    /// For how long the machine kept it after its deadline.
    pub(crate) starved: Duration,
    pub(crate) heard: String,
}

#[derive(Debug)]
pub(crate) struct ExitMonitor {
    orders: Sender<Order>,
    wake: UnixStream,
}

/// A victim under observation.
struct Watched {
    order: Order,
    answer: Option<Answer>,
    starved: Option<Starvation>,
    /// For how long the machine kept it after its deadline, up to the last inspection.
    kept: Duration,
    /// For how long the monitor could not inspect it since then.
    unseen: Duration,
    deadline: u64,
    look_at: u64,
    give_up_at: u64,
}

impl ExitMonitor {
    pub(crate) fn start() -> Self {
        let (orders, taken) = mpsc::channel();
        let (wake, woken) = UnixStream::pair().expect("two descriptors are left");
        thread::spawn(move || {
            system::be_prompt();
            monitor(&taken, woken);
        });
        Self { orders, wake }
    }

    pub(crate) fn order(&self, order: Order) {
        self.orders.send(order).expect("the monitor runs");
        (&self.wake).write_all(&[0]).expect("the monitor runs");
    }
}

fn monitor(orders: &Receiver<Order>, mut woken: UnixStream) {
    let mut all: Vec<Watched> = Vec::new();
    let mut waited_before = own_wait();
    loop {
        let next = all.iter().map(|one| one.look_at.min(one.give_up_at)).min();
        let time = next.map(|next| Duration::from_nanos(next.saturating_sub(monotonic_nanos())));
        let mut of = vec![Some(woken.as_fd())];
        for Watched { order, .. } in &all {
            of.extend([
                Some(order.gone.as_fd()),
                order.stdout.pipe(),
                order.stderr.pipe(),
            ]);
        }
        let ready = system::wait(&of, time);
        let now = monotonic_nanos();
        let waited = own_wait();
        let absent = waited.saturating_sub(waited_before);
        waited_before = waited;
        let mut ready = ready.into_iter();
        let rings = ready.next().unwrap_or(false);
        all.retain_mut(|one| {
            let of_it = [ready.next(), ready.next(), ready.next()];
            let [gone, stdout, stderr] = of_it.map(|ready| ready.unwrap_or(false));
            one.hear(stdout, stderr);
            one.note(now, absent);
            !one.is_over(now, gone, stdout || stderr)
        });
        // After all ends of this round.
        for one in &mut all {
            one.look();
        }
        if rings {
            // One byte for each order; the pipe ends after the last one.
            if matches!(woken.read(&mut [0; 64]), Ok(0)) && all.is_empty() {
                return;
            }
            loop {
                match orders.try_recv() {
                    Ok(order) => all.push(Watched::new(order)),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
        }
    }
}

impl Watched {
    fn new(order: Order) -> Self {
        Self {
            order,
            answer: None,
            starved: None,
            kept: Duration::ZERO,
            unseen: Duration::ZERO,
            deadline: u64::MAX,
            look_at: u64::MAX,
            give_up_at: monotonic_nanos() + nanos(TO_ARM),
        }
    }

    /// Reads its output, and when it armed.
    fn hear(&mut self, stdout: bool, stderr: bool) {
        if stdout {
            self.order.stdout.listen();
        }
        if stderr {
            self.order.stderr.listen();
        }
        if self.answer.is_some() {
            return;
        }
        self.answer = self.order.stdout.answer();
        if let Some(Answer::Armed(armed_at)) = self.answer {
            self.deadline = armed_at + nanos(self.order.grace);
            self.look_at = self.deadline - nanos(BEFORE);
            self.give_up_at = self.deadline + nanos(TO_END);
        }
    }

    /// Notes for how long the monitor was `absent` since its last round.
    fn note(&mut self, now: u64, absent: Duration) {
        let late = Duration::from_nanos(now.saturating_sub(self.deadline));
        self.unseen += absent.min(late);
    }

    /// Returns for how long the victim was not observed at `now`: the time for which the monitor
    /// waited for a processor, or for which an inspection has been due for another reason.
    fn unseen(&self, now: u64) -> Duration {
        let late = Duration::from_nanos(now.saturating_sub(self.deadline));
        let overdue = Duration::from_nanos(now.saturating_sub(self.look_at));
        self.unseen.max(overdue.min(late))
    }

    /// Sends the observations and returns `true` if the victim has ended or is given up.
    fn is_over(&self, now: u64, gone: bool, speaks: bool) -> bool {
        // Output from before the end is still read.
        let unheard = self.answer.is_none() && speaks;
        if (!gone && now < self.give_up_at) || unheard {
            return false;
        }
        let seen = Seen {
            answer: self.answer.unwrap_or(Answer::None),
            is_gone: gone,
            at: now,
            starved: self.kept + self.unseen(now),
            heard: self.order.stdout.text() + &self.order.stderr.text(),
        };
        // The caller that ordered it waits.
        let _ = self.order.seen.send(seen);
        true
    }

    fn look(&mut self) {
        let now = monotonic_nanos();
        if now < self.look_at {
            return;
        }
        let id = self.order.id;
        let unseen = self.unseen(now);
        let (waited, stirs) = match &mut self.starved {
            None => {
                self.starved = Some(Starvation::begin(id, now));
                (Duration::ZERO, true)
            }
            Some(starved) => {
                let before = starved.time();
                let stirs = starved.look(now);
                (starved.time().saturating_sub(before), stirs)
            }
        };
        // Not both: they waited at the same time.
        self.kept += match stirs {
            true => waited.max(unseen),
            false => waited,
        };
        self.unseen = Duration::ZERO;
        let cost = Duration::from_nanos(monotonic_nanos() - now);
        self.look_at = now + nanos(OFTEN.max(SHARE * cost).min(SELDOM));
    }
}

pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).expect("it is short")
}
