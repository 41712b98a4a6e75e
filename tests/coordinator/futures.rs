//! The moment of the request, for futures and for threads.

use super::sees;

/// TG23, CG18: not before it, and once.
#[test]
fn a_future_is_woken_exactly_after_the_request() {
    sees("requested_by_hand");
}

/// SM4: all waiters wake, and those that are gone leave nothing behind.
#[test]
fn every_clone_is_woken_and_no_dropped_one() {
    sees("requested_by_many_clones");
}

#[test]
fn the_last_waker_is_the_one_that_is_woken() {
    sees("requested_with_another_waker");
}

#[test]
fn a_waker_that_panics_costs_the_others_nothing() {
    sees("requested_with_a_panicking_waker");
}

#[test]
fn a_waker_that_hangs_costs_the_others_nothing() {
    sees("requested_with_a_hanging_waker");
}

/// SM4: waiters registered during the trigger.
#[test]
fn a_future_that_comes_with_the_request_is_woken() {
    for _ in 0..5 {
        sees("requested_while_registering");
    }
}

/// SM4: between the look and the note.
#[test]
fn a_future_that_is_polled_across_the_request_is_not_lost() {
    sees("requested_amid_a_poll");
}

/// TG6, SM4.
#[test]
fn threads_wait_for_the_request_as_long_as_they_like() {
    sees("requested_for_threads");
}

#[cfg(feature = "crossbeam-channel")]
#[test]
fn a_channel_is_disconnected_at_the_request_it_is_of() {
    sees("requested_by_channel");
}

/// TG6, TG7, TG18, TG31, TG32: down the tree, and not up.
#[test]
fn a_scopes_request_is_heard_by_it_and_by_what_is_in_it() {
    sees("requested_for_scopes");
}
