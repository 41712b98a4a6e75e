//! Quantiles, in nanoseconds.

/// The summary of a column of readings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summary {
    pub(crate) count: usize,
    pub(crate) min: i64,
    pub(crate) median: i64,
    pub(crate) p99: i64,
    pub(crate) max: i64,
}

impl Summary {
    pub(crate) fn of(readings: impl IntoIterator<Item = i64>) -> Option<Self> {
        let mut sorted: Vec<_> = readings.into_iter().collect();
        sorted.sort_unstable();
        Some(Self {
            count: sorted.len(),
            min: *sorted.first()?,
            median: quantile(&sorted, 0.5)?,
            p99: quantile(&sorted, 0.99)?,
            max: *sorted.last()?,
        })
    }
}

/// The smallest reading that `share` of the readings do not exceed. Of fewer than a hundred
/// readings, the 99th percentile is the greatest.
fn quantile(sorted: &[i64], share: f64) -> Option<i64> {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}
