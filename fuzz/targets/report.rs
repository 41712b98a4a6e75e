//! Any text at all, read as the JSON of a hang report.
//!
//! Reading must not panic, and what was read must be read again as the same.

#![no_main]

use deadstop::report::HangReport;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(report) = serde_json::from_str::<HangReport>(text) else {
        return;
    };
    let written = serde_json::to_string(&report).expect("a report has JSON");
    let again: HangReport = serde_json::from_str(&written).expect(&written);
    assert_eq!(again, report, "written as:\n{written}");
});
