//! A connection's buffers, and its exchange with the peer. Nothing here blocks or
//! allocates.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::super::answer::{self, Output, Route, Wanted};
use crate::sys::listener::{self, Peer};

/// Bytes of a request's head at most.
const REQUEST: usize = 8 * 1024;

/// Bytes of an answer's body at most: a status report.
const ANSWER: usize = 256 * 1024;

/// Bytes that are thrown away at a time.
const DISCARDED: usize = 4 * 1024;

/// The buffers of a slot, and its connection while there is one.
pub(super) struct Connection {
    socket: Option<OwnedFd>,
    pub(super) peer: Peer,
    request: Box<[u8; REQUEST]>,
    received: usize,
    pub(super) wanted: Wanted,
    pub(super) answer: Output,
    sent: usize,
}

/// The progress of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Progress {
    /// The connection waits for the peer.
    Pending,
    Done,
    /// The peer has gone.
    Gone,
}

impl Connection {
    pub(super) fn unused() -> Self {
        Self {
            socket: None,
            peer: [0; 16],
            // Written once, so that its pages are there.
            request: Box::new([1; REQUEST]),
            received: 0,
            wanted: Wanted::refusal(Route::Malformed),
            answer: Output::with_capacity(ANSWER),
            sent: 0,
        }
    }

    pub(super) fn open(&mut self, socket: OwnedFd, peer: Peer) {
        self.socket = Some(socket);
        self.peer = peer;
        self.received = 0;
        self.sent = 0;
    }

    pub(super) fn close(&mut self) {
        self.socket = None;
    }

    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().map(AsFd::as_fd)
    }

    /// Reads the request. When it is complete, [`wanted`](Self::wanted) is set.
    pub(super) fn read(&mut self) -> Progress {
        let Some(socket) = &self.socket else {
            return Progress::Gone;
        };
        loop {
            let free = &mut self.request[self.received..];
            if free.is_empty() {
                self.wanted = Wanted::refusal(Route::TooLong);
                return Progress::Done;
            }
            match listener::receive(socket.as_fd(), free) {
                Ok(0) => return Progress::Gone,
                Ok(read) => self.received += read,
                Err(error) => return blocked_or_gone(&error),
            }
            if let Some(wanted) = answer::parse(&self.request[..self.received]) {
                self.wanted = wanted;
                return Progress::Done;
            }
        }
    }

    /// Sends the answer, as far as the peer takes it.
    pub(super) fn write(&mut self) -> Progress {
        let Some(socket) = &self.socket else {
            return Progress::Gone;
        };
        loop {
            let rest = &self.answer.bytes()[self.sent..];
            if rest.is_empty() {
                listener::end_stream(socket.as_fd());
                return Progress::Done;
            }
            match listener::send(socket.as_fd(), rest) {
                Ok(sent) => self.sent += sent,
                Err(error) => return blocked_or_gone(&error),
            }
        }
    }

    /// Throws away what the peer still sends, up to a bound for each call. `Gone` once it
    /// has closed its side.
    pub(super) fn discard(&self) -> Progress {
        let Some(socket) = &self.socket else {
            return Progress::Gone;
        };
        let mut bytes = [0; DISCARDED];
        match listener::receive(socket.as_fd(), &mut bytes) {
            Ok(0) => Progress::Gone,
            Ok(_) => Progress::Pending,
            Err(error) => blocked_or_gone(&error),
        }
    }
}

fn blocked_or_gone(error: &io::Error) -> Progress {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Progress::Pending,
        _ => Progress::Gone,
    }
}
