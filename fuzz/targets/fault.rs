//! Any text as the value of `DEADSTOP_FAULT`.
//!
//! The text is parsed or refused. What was parsed is written so that it parses
//! to the same.

#![no_main]

use deadstop_testkit::{Fault, FaultPlan};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match text.parse::<Fault>() {
        Ok(fault) => assert_eq!(fault.to_string().parse(), Ok(fault)),
        Err(error) => assert_eq!(error.text, text.trim()),
    }
    // Several, each with its place.
    if let Ok(plan) = text.parse::<FaultPlan>() {
        assert_eq!(plan.to_string().parse(), Ok(plan));
    }
});
