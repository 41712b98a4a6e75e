//! Any bytes at all, in place of each file of `/proc` that the library reads.
//!
//! The kernel writes them, but the names in them are anybody's. Nothing
//! panics, and a thread in words is one line of a report, read back as written.

#![no_main]

use arbitrary::Arbitrary;
use deadstop::{HangReport, fuzzing};
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
    /// Of the process, for the gauge.
    held: &'a str,
}

fuzz_target!(|files: Files<'_>| {
    fuzzing::holdings(files.held);
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
    let report = format!(
        "deadstop: dump, no deadline: no task is running\n\
         deadstop: cause: none, the shutdown has not begun\n\
         deadstop: thread {words}\n\
         deadstop: end of hang report 1\n"
    );
    let read = HangReport::parse(&report).expect(&words);
    let details = read.thread(tid).and_then(|thread| thread.details.as_ref());
    let details = details.expect("it is listed with its name");
    assert_eq!(details.name, fuzzing::name(files.comm));
    assert_eq!(read.to_string(), report);
});
