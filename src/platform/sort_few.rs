//! A sort for short lists.
//!
//! `slice::sort` is some 10 KB of program for each type of element.

/// Sorts `list`. Two elements change places if `is_after` says so of the first and the
/// second; equal ones keep their order.
pub(super) fn sort_few<T>(list: &mut [T], is_after: impl Fn(&T, &T) -> bool) {
    for end in 1..list.len() {
        for at in (1..=end).rev() {
            if !is_after(&list[at - 1], &list[at]) {
                break;
            }
            list.swap(at - 1, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sort_few;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn order_is_that_of_the_standard_library(list: Vec<(u8, u8)>) {
            let mut sorted = list.clone();
            sort_few(&mut sorted, |a, b| b.0 < a.0);
            let mut expected = list;
            expected.sort_by_key(|it| it.0);
            prop_assert_eq!(sorted, expected);
        }
    }
}
