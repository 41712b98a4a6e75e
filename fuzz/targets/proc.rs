//! Any bytes at all, in place of each file of `/proc` that the library reads.
//!
//! The kernel writes them, but programs choose the names in them. The parsers must not
//! panic, and the description of a thread must be one line of a report.

#![no_main]

use arbitrary::Arbitrary;
use deadstop::fuzzing;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Files<'a> {
    tid: u16,
    comm: &'a [u8],
    stat: &'a [u8],
    wchan: &'a [u8],
    syscall: Option<&'a [u8]>,
    link: &'a [u8],
    address: &'a [u8],
    /// Of the process, for the exit estimate.
    usage: &'a str,
}

fuzz_target!(|files: Files<'_>| {
    fuzzing::usage(files.usage);
    let tid = u32::from(files.tid);
    let thread = fuzzing::Thread {
        tid,
        comm: files.comm,
        stat: files.stat,
        wchan: files.wchan,
        syscall: files.syscall,
        link: files.link,
        address: files.address,
    };
    let words = thread.words();
    assert!(!words.contains(char::is_control), "{words:?}");
    assert!(words.starts_with(&format!("{tid} \"")), "{words:?}");
});
