//! The task of a pool: closes or stops it, and waits until its jobs have ended.

use deadstop_core::now;
use deadstop_core::roster::TaskKind;

use super::shared::Shared;
use super::{Drain, Unstarted};
use crate::TaskContext;
use crate::contain::contain;
use crate::drain::counted::counted;
use crate::drain::owner::Owner;
use crate::drain::task_progress::{UPDATE_EVERY, next_update, show_thread};

/// The number of jobs that the log names.
const NAMED: usize = 10;

/// Closes the pool as `mode` says, and waits until its jobs have ended. At the end of the
/// task's time, jobs that have not started are dropped: none starts after it. Those that run
/// are waited for beyond it, so that reports name them: of a task that has returned they say
/// nothing.
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
    let mut left = None;
    loop {
        cx.progress(&shared.describe());
        show_thread(cx, shared.longest_tid());
        let until = match left {
            None => Some(now().saturating_add(UPDATE_EVERY.min(cx.remaining()))),
            Some(_) => next_update(cx),
        };
        if shared.wait_terminated(until) {
            return left.map_or(Ok(()), Err);
        }
        if left.is_none() && cx.remaining().is_zero() {
            left = Some(shared.describe());
            discard(shared, owner, "not started in time");
        }
    }
}

/// Drops the jobs that have not started, and names them in the log.
fn discard(shared: &Shared, owner: &Owner, what: &str) {
    let jobs: Vec<_> = shared.stop().into_iter().map(Unstarted::new).collect();
    if jobs.is_empty() {
        return;
    }
    let named = jobs.iter().filter_map(Unstarted::name).take(NAMED);
    let names: Vec<String> = named.map(|name| format!("{name:?}")).collect();
    let names = match names.is_empty() {
        true => String::new(),
        false => format!(": {}", names.join(", ")),
    };
    let (pool, count) = (&shared.name, counted(jobs.len() as u64, "job"));
    owner.alert(format!("pool {pool:?}: {count} {what}{names}"));
    for job in jobs {
        // One after another: a second panic during the first would abort the process.
        let _ = contain(|| drop(job));
    }
}
