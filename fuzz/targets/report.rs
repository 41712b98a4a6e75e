//! Any text at all, as the hang report's parser may be given it.
//!
//! It must not panic, and what it reads must be written so that it is read
//! again as the same.

#![no_main]

use deadstop::HangReport;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(report) = HangReport::parse(text) else {
        return;
    };
    let written = report.to_string();
    let again = HangReport::parse(&written);
    assert_eq!(again.as_ref(), Ok(&report), "written as:\n{written}");
    assert_eq!(again.map(|again| again.to_string()), Ok(written));
});
