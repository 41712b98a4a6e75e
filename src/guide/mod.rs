//! Pages to read, with no code to call.
//!
//! | page | is about |
//! | --- | --- |
#![cfg_attr(
    feature = "fault",
    doc = "| [`testing`] | testing that your own program ends, whatever hangs in it |"
)]

#[cfg(feature = "fault")]
pub mod testing;
