//! A slot of a fixed table, while it is used again and read.

use loom::thread;

use crate::atomic::{AtomicU32, Ordering};
use crate::check;
use crate::slot_state::SlotState;

/// Fails if the fence of `claim` is no release, if that of `read` is no acquire, if listing
/// is no release, or if the first load of `read` is no acquire.
#[test]
fn fields_that_are_read_are_of_one_entry() {
    check(|| {
        let slot: &'static Slot = Box::leak(Box::new(Slot::empty()));
        slot.enter(1);
        let reader = thread::spawn(|| slot.state.read(|| slot.fields()));
        slot.state.release();
        slot.enter(2);
        let read = reader.join().expect("it returns");
        assert!(
            matches!(read, None | Some([1, 1] | [2, 2])),
            "halves of two entries: {read:?}"
        );
    });
}

struct Slot {
    state: SlotState,
    fields: [AtomicU32; 2],
}

impl Slot {
    const fn empty() -> Self {
        Self {
            state: SlotState::free(),
            fields: [const { AtomicU32::new(0) }; 2],
        }
    }

    fn enter(&self, number: u32) {
        assert!(self.state.claim());
        for field in &self.fields {
            field.store(number, Ordering::Relaxed);
        }
        self.state.list();
    }

    fn fields(&self) -> [u32; 2] {
        [0, 1].map(|at: usize| self.fields[at].load(Ordering::Relaxed))
    }
}
