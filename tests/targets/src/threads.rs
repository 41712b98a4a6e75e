//! The thread dump.

use std::thread;
use std::time::Duration;

use deadstop_core::sys::ThreadSource;
use deadstop_core::threads::ThreadTable;

use crate::{say, spin};

/// Lists the threads, one of which spins.
pub(crate) fn lists() {
    let source = ThreadSource::open();
    let name = "stuck one".to_owned();
    let stuck = thread::Builder::new().name(name).spawn(|| spin());
    stuck.expect("a thread starts");
    let mut table = Box::new(ThreadTable::empty());
    // Windows counts processor time in ticks of up to 15.6 ms, and the machine may be busy.
    for _ in 0..100 {
        thread::sleep(Duration::from_millis(20));
        let until = deadstop_core::now().saturating_add(Duration::from_secs(5));
        table.collect(&source, std::iter::empty(), until);
        let mut threads = table.iter();
        let found = threads.find(|thread| thread.name.as_str() == "stuck one");
        if found
            .and_then(|thread| thread.busy)
            .is_some_and(|busy| busy > 0)
        {
            say("the stuck one is busy");
            return;
        }
    }
    for thread in table.iter() {
        say(&format!(
            "{:?} {:?} {:?}",
            thread.name.as_str(),
            thread.cpu,
            thread.busy
        ));
    }
    say(&format!("not found; error {}", table.proc_error));
}
