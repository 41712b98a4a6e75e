//! A thread copies its stack: the reporter asks it by a signal, whose handler answers.

mod request;
mod requester;
pub(super) mod signal_handler;

pub(super) use self::requester::Requester;
