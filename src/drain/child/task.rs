//! The task of a child process.

use std::time::Duration;

use deadstop_core::now;
use deadstop_core::roster::TaskKind;

use super::running::Running;
use crate::TaskContext;
use crate::drain::task_progress::UPDATE_EVERY;
use crate::report::Tenths;

/// The longest time before the end of its own at which a task kills the child.
const KILL_BEFORE: Duration = Duration::from_millis(500);

/// Asks the child to end, waits for it, and kills its group when the task's time is nearly
/// over.
pub(super) fn end(child: &Running, signal: i32, cx: &TaskContext) -> Result<(), String> {
    cx.note_kind(TaskKind::Child);
    // Fails if it has ended this moment.
    let _ = child.signal(signal);
    // A stopped process takes no signal but SIGKILL before it continues.
    let _ = child.signal(libc::SIGCONT);
    let asked = now();
    let kill_before = KILL_BEFORE.min(cx.remaining() / 10);
    loop {
        let left = cx.remaining().saturating_sub(kill_before);
        let until = now().saturating_add(UPDATE_EVERY.min(left));
        if child.whole_end().wait(Some(until)) {
            return end_cgroup(child, cx.remaining());
        }
        let asked_for = Tenths(now().since(asked));
        let description = child.describe();
        cx.progress(&format!(
            "{description}; signal {signal} sent {asked_for} ago"
        ));
        if left.is_zero() {
            let _ = child.signal(libc::SIGKILL);
            let _ = end_cgroup(child, kill_before / 4);
            let until = now().saturating_add(kill_before / 2);
            child.whole_end().wait(Some(until));
            return Err(format!(
                "did not end within {asked_for} of signal {signal} and was killed ({description})"
            ));
        }
    }
}

/// Kills what is left in the child's cgroup, if it has one.
fn end_cgroup(child: &Running, within: Duration) -> Result<(), String> {
    let Some(cgroup) = &child.cgroup else {
        return Ok(());
    };
    if !cgroup.kill(now().saturating_add(within)) {
        return Err("processes in its cgroup have not ended after SIGKILL".to_owned());
    }
    // Now: the process may end before the keeper looks again.
    cgroup.remove();
    Ok(())
}
