//! The table of results.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::end::End;
use crate::faults::Fault;
use crate::load::{LOADS, Load};
use crate::verdict::{Ended, Verdict};

/// The number of ends to name, those with the greatest lateness first.
const WORST: usize = 10;

/// A victim that waited for a processor for less than this, of the 25 ms and more until the
/// timer acts, was ended by the timer for another reason.
const STARVED: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(crate) struct Tally<'a> {
    ended: &'a [Ended],
}

impl<'a> Tally<'a> {
    pub(crate) fn of(ended: &'a [Ended]) -> Self {
        Self { ended }
    }

    /// Returns a row for each load, and one for all.
    pub(crate) fn table(&self) -> String {
        let mut table = String::from(
            "| load | runs | watchdog | backup timer, as listed | backup timer instead | status kept \
             | late, watchdog: p50 / p99 / max | late, backup timer: p50 / p99 / max \
             | most, not starved | early | lost | otherwise | set in late | unheard | refused |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        );
        for load in LOADS.into_iter().map(Some).chain([None]) {
            let of_load = |ended: &&&Ended| load.is_none_or(|load| ended.run.load == load);
            let row: Vec<_> = self.ended.iter().collect();
            let row: Vec<_> = row.iter().filter(of_load).copied().collect();
            table.push_str(&line(load, &row));
        }
        table
    }

    /// Returns the faults that the timer ended in place of the watchdog, the most frequent
    /// first.
    pub(crate) fn by_backup_timer(&self) -> String {
        let mut text = String::from(
            "| ended by the backup timer instead | of runs | not delayed by 5 ms or more |\n\
             | --- | ---: | ---: |\n",
        );
        let mut faults: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
        for ended in self.ended {
            let [runs, instead, unexplained] = faults.entry(ended.run.fault.name).or_default();
            *runs += 1;
            if ended.verdict == Verdict::BackupTimer {
                let starved = ended.late.map_or(Duration::ZERO, |late| late.starved);
                *instead += 1;
                *unexplained += usize::from(starved < STARVED);
            }
        }
        let mut rows: Vec<_> = faults.into_iter().filter(|(_, [_, n, _])| *n > 0).collect();
        rows.sort_by_key(|(_, [_, instead, _])| std::cmp::Reverse(*instead));
        for (name, [runs, instead, unexplained]) in rows {
            let _ = writeln!(text, "| `{name}`: {instead} | {runs} | {unexplained} |");
        }
        text
    }

    /// Returns the runs with the most time against the bound, and the latest ones.
    pub(crate) fn worst(&self) -> String {
        let mut text = String::from(
            "| fault | run | load | ended by | late | of this, delayed by the machine |\n\
             | --- | ---: | --- | --- | ---: | ---: |\n",
        );
        let late = |ended: &Ended| ended.late.map(|late| (ended_late(ended), late));
        let mut all: Vec<_> = self
            .ended
            .iter()
            .filter(|ended| ended.late.is_some())
            .collect();
        all.sort_by_key(|ended| late(ended).map(|(_, late)| std::cmp::Reverse(late.counted())));
        for ended in all.into_iter().take(WORST) {
            let Some((nanos, late)) = late(ended) else {
                continue;
            };
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} | {} ms | {} ms |",
                ended.run.fault.name,
                ended.run.number,
                ended.run.load,
                short(ended.end),
                millis(nanos),
                millis(late.starved.as_nanos() as i64),
            );
        }
        text
    }
}

/// Returns an end as tables and the raw data have it.
pub(crate) fn short(end: End) -> String {
    match end {
        End::Never => "never".to_owned(),
        End::Signal(signal) => format!("signal {signal}"),
        End::Status(status) => format!("status {status}"),
    }
}

fn ended_late(ended: &Ended) -> i64 {
    ended.late.map_or(0, |late| late.nanos)
}

fn line(load: Option<Load>, row: &[&Ended]) -> String {
    let count = |of: fn(&Ended) -> bool| row.iter().filter(|ended| of(ended)).count();
    let of = |verdict: Verdict| row.iter().filter(|ended| ended.verdict == verdict).count();
    let second = count(by_second_line);
    let third = count(|ended| by_third_line(ended) && ended.verdict != Verdict::BackupTimer);
    let instead = of(Verdict::BackupTimer);
    let kept = match second + instead {
        0 => "–".to_owned(),
        all => format!("{:.2} %", 100.0 * second as f64 / all as f64),
    };
    let lateness = |of: fn(&Ended) -> bool| {
        let late = row
            .iter()
            .filter(|ended| of(ended))
            .map(|ended| ended_late(ended));
        let mut late: Vec<_> = late.collect();
        late.sort_unstable();
        percentiles(&late)
    };
    let counted = row
        .iter()
        .filter_map(|ended| ended.late)
        .map(|late| late.counted());
    let most = counted.max().unwrap_or(Duration::ZERO);
    format!(
        "| {} | {} | {second} | {third} | {instead} | {kept} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
        load.map_or_else(|| "all".to_owned(), |load| load.to_string()),
        row.len(),
        lateness(by_second_line),
        lateness(by_third_line),
        millis(most.as_nanos() as i64),
        of(Verdict::Early),
        of(Verdict::Lost),
        of(Verdict::Otherwise),
        of(Verdict::SetInLate),
        of(Verdict::Unheard),
        of(Verdict::Refused),
    )
}

fn by_second_line(ended: &Ended) -> bool {
    ended.late.is_some()
        && ended.end == ended.run.fault.end()
        && ended.run.fault.is_for_the_watchdog()
}

fn by_third_line(ended: &Ended) -> bool {
    ended.late.is_some() && Fault::is_by_the_backup_timer(ended.end)
}

fn percentiles(sorted: &[i64]) -> String {
    let Some(last) = sorted.len().checked_sub(1) else {
        return "–".to_owned();
    };
    let of = |percent: usize| millis(sorted[last * percent / 100]);
    format!("{} / {} / {}", of(50), of(99), of(100))
}

fn millis(nanos: i64) -> String {
    format!("{:.1}", nanos as f64 / 1e6)
}
