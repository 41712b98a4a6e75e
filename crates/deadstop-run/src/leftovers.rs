//! The processes that the program has left behind when it ends.

use std::thread;
use std::time::Duration;

use deadstop_core::render::ChildProcess;
use deadstop_core::{now, pid};

use crate::processes;

/// The longest wait for killed processes to disappear.
const DYING: Duration = Duration::from_millis(200);

/// Returns the living descendants of this process, once those that have been killed are
/// gone. With `was_killed`, a kill of all descendants came before.
pub(crate) fn find(was_killed: bool) -> Vec<ChildProcess> {
    let until = now().saturating_add(DYING);
    loop {
        let all = processes::descendants(pid()).into_iter();
        let all = all.filter_map(processes::process);
        let (dying, living): (Vec<_>, Vec<_>) =
            all.partition(|process| processes::is_dying(process.pid));
        let are_gone = dying.iter().all(|process| process.state == b'Z');
        // After a kill of all, one may be between the signal and its end.
        if are_gone && (living.is_empty() || !was_killed) || now() >= until {
            return living;
        }
        thread::sleep(Duration::from_millis(5));
    }
}
