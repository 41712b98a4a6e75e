//! Describes what a pool has left to do, for reports.

use deadstop_core::now;

use super::job::Work;
use super::names::thread_name;
use super::shared::{Locked, Shared};
use crate::report::Tenths;

impl Shared {
    /// Describes what is left: "2 running, 37 queued; longest: "mail 17" for 12.3 s on
    /// thread mailer-3".
    pub(super) fn describe(&self) -> String {
        let Locked { machine, run_queue } = self.lock();
        let running = machine.running() + run_queue.callers();
        let queued = machine.queued(&run_queue);
        let mut text = format!("{running} running, {queued} queued");
        if let Some((number, _, longest)) = run_queue.longest() {
            let length = Tenths(now().since(longest.since));
            let job = longest.name.as_deref().unwrap_or("a job");
            let thread = match number {
                Some(number) => format!("thread {}", thread_name(&self.name, number)),
                None => "the thread of its caller".to_owned(),
            };
            text += &format!("; longest: {job:?} for {length} on {thread}");
        }
        let named = machine.waiting(&run_queue).find_map(Work::name);
        if let Some(next) = named {
            text += &format!("; next: {next:?}");
        }
        text
    }

    /// Returns the thread whose job has run longest.
    pub(super) fn longest_tid(&self) -> Option<i32> {
        let locked = self.lock();
        locked.run_queue.longest().map(|(_, tid, _)| tid)
    }
}
