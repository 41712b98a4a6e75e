//! The task of a pool.

use deadstop_core::now;
use deadstop_core::roster::TaskKind;

use super::shared::Shared;
use super::{Drain, Unstarted, unstarted};
use crate::TaskContext;
use crate::contain::contain;
use crate::drain::owner::Owner;
use crate::drain::task_progress::{UPDATE_EVERY, show_thread};

/// The number of jobs that the log names.
const NAMED: usize = 10;

/// Closes the pool as `mode` says, and waits until its threads have ended. At the end of
/// the task's time, jobs that have not started are dropped: none starts after it.
pub(super) fn drain(
    shared: &Shared,
    owner: &Owner,
    mode: Drain,
    cx: &TaskContext,
) -> Result<(), String> {
    cx.note_kind(TaskKind::Pool);
    match mode {
        Drain::Finish => drop(shared.close()),
        Drain::Discard => discard(shared, owner, "discarded"),
    }
    loop {
        cx.progress(&shared.describe());
        let until = now().saturating_add(UPDATE_EVERY.min(cx.remaining()));
        if shared.wait_terminated(Some(until)) {
            return Ok(());
        }
        show_thread(cx, shared.longest_tid());
        if cx.remaining().is_zero() {
            let left = shared.describe();
            cx.progress(&left);
            discard(shared, owner, "not started in time");
            return Err(left);
        }
    }
}

/// Drops the jobs that have not started, and names them in the log.
fn discard(shared: &Shared, owner: &Owner, what: &str) {
    let jobs: Vec<Unstarted> = unstarted(shared.stop());
    if jobs.is_empty() {
        return;
    }
    let named = jobs.iter().filter_map(Unstarted::name).take(NAMED);
    let names: Vec<String> = named.map(|name| format!("{name:?}")).collect();
    let names = match names.is_empty() {
        true => String::new(),
        false => format!(": {}", names.join(", ")),
    };
    let (pool, count) = (&shared.name, jobs.len());
    owner.alert(format!("pool {pool:?}: {count} jobs {what}{names}"));
    for job in jobs {
        // One after another: a second panic during the first would abort the process.
        let _ = contain(|| drop(job));
    }
}
