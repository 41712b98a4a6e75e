//! The thread `deadstop-http`: waits for the listeners and the connections, and does what
//! the slots, the requests and the answers decide.
//!
//! It allocates nothing once it has started, takes no lock that another thread takes, and
//! calls no logger.

mod collect;
mod connection;
mod seen;
mod slots;
mod sources;

use std::array;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

use deadstop_core::{Nanos, now};

use self::connection::{Connection, Progress};
use self::seen::Probers;
use self::slots::{Admission, Doing, SLOTS, Slots};
use self::sources::Reports;
use super::answer::{Facts, Route, Served, Wanted, answer};
use super::listen::{Listening, MAX_LISTENERS};
use super::shared::Shared;
use crate::drain;
use crate::notify;
use crate::sys::listener;
use crate::sys::own_descriptors;
use crate::sys::poll_set::PollSet;

/// Connections that are accepted in one round: those that are served wait no longer.
const ACCEPTED_AT_ONCE: usize = SLOTS;

/// The pause in accepting connections after the system has refused one.
const AFTER_REFUSAL: Duration = Duration::from_millis(20);

/// The time between two looks for the status report.
const STATUS_STEP: Duration = Duration::from_millis(10);

/// The longest time that a client waits for the status report.
const STATUS_PATIENCE: Duration = Duration::from_millis(1_500);

/// The time between two looks whether this process has taken over from its predecessor.
const TAKE_OVER_STEP: Duration = Duration::from_millis(20);

pub(super) struct Server {
    shared: &'static Shared,
    listeners: Vec<Listening>,
    /// The listener that is asked first for the next connection.
    turn: usize,
    /// Given up to accept a connection when the system has no descriptor left.
    spare: Option<OwnedFd>,
    slots: Slots,
    connections: [Connection; SLOTS],
    /// The listener of each connection.
    accepted_by: [usize; SLOTS],
    facts: Facts,
    reports: Reports,
    probers: Probers,
    served: Served,
    /// No connection is accepted before then.
    accepts_from: Nanos,
    poll: PollSet<{ MAX_LISTENERS + SLOTS }>,
}

impl Server {
    pub(super) fn new(shared: &'static Shared, listeners: Vec<Listening>, seen_after: u32) -> Self {
        Self {
            shared,
            spare: None,
            listeners,
            turn: 0,
            slots: Slots::new(),
            connections: array::from_fn(|_| Connection::unused()),
            accepted_by: [0; SLOTS],
            facts: collect::prepare(),
            reports: Reports::new(),
            probers: Probers::new(seen_after),
            served: Served::default(),
            accepts_from: Nanos(0),
            poll: PollSet::new(),
        }
    }

    /// Runs the thread `deadstop-http`.
    pub(super) fn run(mut self) -> ! {
        self.keep_own_descriptors();
        let _standard = self.occupy_standard();
        self.spare = self.new_spare();
        self.shared.begin_serving();
        loop {
            let accepts = self.wait();
            let now = now();
            self.serve(now);
            if accepts {
                self.accept(now);
            }
        }
    }

    /// Gives the thread a descriptor table of its own, where the kernel can: the application's
    /// descriptors do not count for this thread, and it does not hold them open.
    fn keep_own_descriptors(&self) {
        let listeners = self.listeners.iter().map(|one| one.socket.as_raw_fd());
        // It shows the end of the predecessor.
        let kept: Vec<RawFd> = listeners.chain(notify::ready_descriptor()).collect();
        own_descriptors::keep_only(&kept);
    }

    /// Takes the numbers of standard input, output and error, where they are free now: no
    /// connection may get one of them.
    fn occupy_standard(&self) -> [Option<OwnedFd>; 3] {
        [(); 3].map(|()| {
            let copy = self.listeners.first()?.socket.as_fd();
            listener::lowest_copy(copy).filter(|copy| copy.as_raw_fd() < 3)
        })
    }

    fn new_spare(&self) -> Option<OwnedFd> {
        self.listeners.first()?.socket.try_clone().ok()
    }

    /// Waits until something may be done. Returns whether a connection waits that may be
    /// accepted.
    fn wait(&mut self) -> bool {
        let now = now();
        let mut until = self.slots.due();
        let mut at_most = |at: Nanos| until = Some(until.map_or(at, |until| until.min(at)));
        let may_accept = match self.slots.admission(now) {
            _ if now < self.accepts_from => {
                at_most(self.accepts_from);
                false
            }
            Admission::Later(then) => {
                at_most(then);
                false
            }
            Admission::Free(_) | Admission::Evict(_) => true,
        };
        self.poll.clear();
        for (index, connection) in self.connections.iter().enumerate() {
            match (connection.fd(), self.slots.doing(index)) {
                (Some(fd), Doing::Reading | Doing::Lingering) => self.poll.add(fd),
                (Some(fd), Doing::Writing) => self.poll.add_writable(fd),
                (_, Doing::Waiting) => {
                    at_most(now.saturating_add(STATUS_STEP));
                    continue;
                }
                _ => continue,
            };
        }
        let first = self.poll.len();
        if may_accept {
            if self.listeners.iter().any(Listening::awaits_predecessor) {
                at_most(now.saturating_add(TAKE_OVER_STEP));
            }
            self.add_listeners();
        }
        self.poll.wait(until.map(|until| until.since(now)));
        (first..self.poll.len()).any(|index| self.poll.is_ready(index))
    }

    /// Waits for the listeners that this process serves.
    fn add_listeners(&mut self) {
        for listener in self.listeners.iter().filter(|one| one.is_served()) {
            self.poll.add(listener.socket.as_fd());
        }
    }

    /// Goes on with each connection. A call on one that is not ready costs a system call
    /// and changes nothing.
    fn serve(&mut self, now: Nanos) {
        for index in 0..SLOTS {
            match self.slots.doing(index) {
                Doing::Free => {}
                // Even if it is late: the process may have been stopped, and not the peer.
                Doing::Reading => self.read(index, now),
                _ if self.slots.is_expired(index, now) => self.close(index),
                Doing::Waiting => self.wait_for_status(index, now),
                Doing::Writing => self.write(index, now),
                Doing::Lingering => {
                    if self.connections[index].discard() == Progress::Gone {
                        self.close(index);
                    }
                }
            }
        }
    }

    fn read(&mut self, index: usize, now: Nanos) {
        match self.connections[index].read() {
            Progress::Pending if self.slots.is_expired(index, now) => self.close(index),
            Progress::Pending => {}
            Progress::Gone => self.close(index),
            Progress::Done if self.connections[index].wanted.route == Route::Status => {
                self.slots.enter(index, Doing::Waiting, now);
                if self.reports.ask(now) {
                    self.reply(index, now);
                }
            }
            Progress::Done => self.reply(index, now),
        }
    }

    fn wait_for_status(&mut self, index: usize, now: Nanos) {
        if self.reports.poll(now) {
            self.reply(index, now);
        } else if self.slots.age(index, now) > STATUS_PATIENCE {
            let has_body = self.connections[index].wanted.has_body;
            self.connections[index].wanted = Wanted {
                has_body,
                ..Wanted::refusal(Route::Late)
            };
            self.reply(index, now);
        }
    }

    fn reply(&mut self, index: usize, now: Nanos) {
        let connection = &mut self.connections[index];
        let wanted = connection.wanted;
        collect::collect(&mut self.facts, self.shared, wanted.route, self.served);
        // Accepted before the successor took over: the address is as ready as before.
        if wanted.route == Route::Ready && self.listeners[self.accepted_by[index]].is_handed_over()
        {
            self.facts.stop = None;
        }
        let out = &mut connection.answer;
        let status = answer(&wanted, &self.facts, &mut self.reports, out);
        let is_stopping = self.facts.stop.is_some();
        let says_stop = wanted.route == Route::Ready && status == 503 && is_stopping;
        if says_stop && self.probers.answered(connection.peer) {
            drain::SEEN.note_seen();
        }
        self.slots.enter(index, Doing::Writing, now);
        self.write(index, now);
    }

    fn write(&mut self, index: usize, now: Nanos) {
        match self.connections[index].write() {
            Progress::Pending => {}
            Progress::Gone => self.close(index),
            Progress::Done => {
                self.served.answered += 1;
                self.slots.enter(index, Doing::Lingering, now);
            }
        }
    }

    fn close(&mut self, index: usize) {
        if self.slots.doing(index) != Doing::Lingering {
            self.served.dropped += 1;
        }
        self.connections[index].close();
        self.slots.close(index);
        if self.spare.is_none() {
            self.spare = self.new_spare();
        }
    }

    fn accept(&mut self, now: Nanos) {
        for _ in 0..ACCEPTED_AT_ONCE {
            let index = match self.slots.admission(now) {
                Admission::Free(index) => index,
                Admission::Evict(index) => {
                    // Only for a connection that is there.
                    if !self.has_connection() {
                        return;
                    }
                    self.close(index);
                    index
                }
                Admission::Later(_) => return,
            };
            match self.next_connection() {
                Ok(Some((socket, peer, listener))) => {
                    self.connections[index].open(socket, peer);
                    self.accepted_by[index] = listener;
                    self.slots.open(index, now);
                    // The request is often here already.
                    self.read(index, now);
                }
                Ok(None) => return,
                Err(_) => {
                    self.accepts_from = now.saturating_add(AFTER_REFUSAL);
                    return;
                }
            }
        }
    }

    /// Returns `true` if a connection waits to be accepted.
    fn has_connection(&mut self) -> bool {
        self.poll.clear();
        self.add_listeners();
        self.poll.wait(Some(Duration::ZERO));
        (0..self.poll.len()).any(|index| self.poll.is_ready(index))
    }

    /// Accepts a connection. The listeners take turns: one whose queue is never empty, or
    /// that fails, must not keep the others from being asked.
    fn next_connection(&mut self) -> io::Result<Option<(OwnedFd, listener::Peer, usize)>> {
        let mut refused = Ok(None);
        for _ in 0..self.listeners.len() {
            let index = self.turn;
            let listener = &self.listeners[index];
            self.turn = (self.turn + 1) % self.listeners.len();
            if !listener.is_served() {
                continue;
            }
            let listener = listener.socket.as_fd();
            let mut accepted = listener::accept(listener);
            if accepted.as_ref().is_err_and(is_out_of_descriptors) && self.spare.take().is_some() {
                accepted = listener::accept(listener);
            }
            match accepted {
                Ok((socket, peer)) => return Ok(Some((socket, peer, index))),
                Err(error) if is_over(&error) => {}
                Err(error) => refused = Err(error),
            }
        }
        refused
    }
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// Returns `true` if no connection waits, or the one that waited is gone.
fn is_over(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted
    )
}
