//! Any text at all, as `DEADSTOP_FAULT` may have it.
//!
//! It is read or refused; what is read is written so that it is read again as
//! the same.

#![no_main]

use deadstop::fault::Fault;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match text.parse::<Fault>() {
        Ok(fault) => assert_eq!(fault.to_string().parse(), Ok(fault)),
        Err(error) => assert_eq!(error.text, text.trim()),
    }
    // Several, each with its place.
    if let Ok(written) = deadstop::fuzzing::faults(text) {
        assert_eq!(deadstop::fuzzing::faults(&written), Ok(written));
    }
});
