//! Tests of points in time.

use std::time::Duration;

use super::nanos;
use crate::Nanos;

#[test]
fn addition_beyond_the_clock_saturates_at_its_last_point() {
    assert!(nanos(5).saturating_add(Duration::MAX) == Nanos::LAST);
    assert!(Nanos::LAST.saturating_add(Duration::from_nanos(1)) == Nanos::LAST);
    assert!(nanos(5).saturating_add(Duration::from_secs(2)) == nanos(7));
    assert!(nanos(5).saturating_sub(Duration::from_secs(2)) == nanos(3));
    assert!(nanos(5).saturating_sub(Duration::MAX) == Nanos(0));
    assert_eq!(nanos(5).since(nanos(7)), Duration::ZERO);
}
