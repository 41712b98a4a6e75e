//! Sorts a slice in place, without code that can panic.
//!
//! `core`'s sorts panic if an order contradicts itself, and that code would be part
//! of the kill path's crate.

use core::cell::Cell;

/// Sorts `items` by `key`, in ascending order. Not stable; O(n log n).
pub(crate) fn heap_sort_by_key<T: Copy, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    let heap = Cell::from_mut(items).as_slice_of_cells();
    for root in (0..heap.len() / 2).rev() {
        sift_down(heap, root, &key);
    }
    for last in (1..heap.len()).rev() {
        swap(heap, 0, last);
        sift_down(heap.get(..last).unwrap_or(&[]), 0, &key);
    }
}

/// Moves the item at `root` down until no child has a larger key.
fn sift_down<T: Copy, K: Ord>(heap: &[Cell<T>], root: usize, key: &impl Fn(&T) -> K) {
    let key_at = |index: usize| heap.get(index).map(|cell| key(&cell.get()));
    let mut root = root;
    loop {
        let left = root.saturating_mul(2).saturating_add(1);
        let right = left.saturating_add(1);
        // `None` is less than any key.
        let child = if key_at(right) > key_at(left) {
            right
        } else {
            left
        };
        if key_at(child) <= key_at(root) {
            return;
        }
        swap(heap, root, child);
        root = child;
    }
}

fn swap<T: Copy>(heap: &[Cell<T>], one: usize, other: usize) {
    if let (Some(one), Some(other)) = (heap.get(one), heap.get(other)) {
        let item = one.get();
        one.set(other.get());
        other.set(item);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::heap_sort_by_key;

    proptest! {
        #[test]
        fn heap_sort_agrees_with_std(items in prop::collection::vec(any::<(u8, i16)>(), 0..200)) {
            let mut sorted = items.clone();
            heap_sort_by_key(&mut sorted, |item| *item);
            let mut expected = items;
            expected.sort_unstable();
            prop_assert_eq!(sorted, expected);
        }
    }
}
