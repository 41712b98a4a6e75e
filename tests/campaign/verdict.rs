//! The result of a run.

use std::fmt::Write as _;
use std::time::Duration;

use crate::bounds;
use crate::end::End;
use crate::faults::{Fault, OURS};
use crate::plan::Run;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// Within the bound, and as the list says.
    Kept,
    /// Within the bound, by the backup timer in place of the watchdog.
    BackupTimer,
    Early,
    Lost,
    /// The victim ended in an allowed way after its grace, before it reported that it had armed: a
    /// few report late, and a load can delay the report further.
    Unheard,
    /// Ended by the watchdog before the fault set in.
    SetInLate,
    /// Neither as the list says nor by the backup timer.
    Otherwise,
    /// The system did not allow the fault.
    Refused,
}

#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) run: Run,
    pub(crate) end: End,
    /// From the deadline to when it was seen gone, and how much of it the
    /// machine had kept it. `None` for one that never armed.
    pub(crate) late: Option<Late>,
    pub(crate) verdict: Verdict,
    /// The last output of the victim, if the run failed.
    pub(crate) heard: String,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Late {
    /// Negative for an early end.
    pub(crate) nanos: i64,
    pub(crate) starved: Duration,
}

impl Late {
    /// Returns the time that counts against the bound.
    pub(crate) fn counted(self) -> Duration {
        let late = Duration::from_nanos(self.nanos.max(0).unsigned_abs());
        late.saturating_sub(self.starved)
    }
}

impl Verdict {
    pub(crate) fn of(run: &Run, end: End, late: Late) -> Self {
        if late.nanos < 0 && end != End::Never {
            Self::Early
        } else if late.counted() > bounds::bound(run.fault.name, run.grace) || end == End::Never {
            Self::Lost
        } else if end == run.fault.end() {
            Self::Kept
        } else if Fault::is_by_the_backup_timer(end) {
            Self::BackupTimer
        } else if end == OURS && bounds::may_set_in_late(run.fault.name) {
            Self::SetInLate
        } else {
            Self::Otherwise
        }
    }

    /// The verdict on a victim that never reported that it armed, and existed for `lived`.
    pub(crate) fn of_unheard(run: &Run, end: End, lived: Duration) -> Self {
        let as_it_may = end == run.fault.end() || Fault::is_by_the_backup_timer(end);
        match as_it_may && lived >= run.grace {
            true => Self::Unheard,
            false => Self::Otherwise,
        }
    }

    /// Returns `true` if this verdict fails the campaign.
    pub(crate) fn is_bad(self) -> bool {
        matches!(self, Self::Early | Self::Lost | Self::Otherwise)
    }
}

impl Ended {
    /// Returns all facts of the run, and the arguments that repeat it.
    pub(crate) fn describe(&self, seed: u64) -> String {
        let Run {
            number,
            fault,
            load,
            grace,
            trigger,
            ..
        } = &self.run;
        let mut text = format!(
            "{:?}: {}, run {number} under {load}, grace {grace:?}, armed after {trigger:?}, ended by {:?}",
            self.verdict, fault.name, self.end
        );
        if let Some(late) = self.late {
            let (millis, starved) = (late.nanos as f64 / 1e6, late.starved);
            let _ = write!(text, ", {millis:.3} ms late, starved for {starved:?}");
        }
        let again = number + 1;
        let _ = write!(
            text,
            "\n  again: --only {} --seed {seed} --run {number} --runs {again}",
            fault.name
        );
        for line in self.heard.lines() {
            let _ = write!(text, "\n  | {line}");
        }
        text
    }
}
