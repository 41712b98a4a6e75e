//! System calls.

pub(crate) mod handler;
