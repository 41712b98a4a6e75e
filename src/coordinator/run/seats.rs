//! Who is at work.

use std::sync::Arc;

use crate::coordinator::current::Seat;
use crate::coordinator::task::Task;

/// The tasks that threads are at.
#[derive(Default)]
pub(super) struct Seats {
    seats: Vec<Option<Arc<Task>>>,
    free: Vec<usize>,
}

impl Seats {
    pub(super) fn taken(&self) -> usize {
        self.seats.len() - self.free.len()
    }

    /// How many seats there are, taken or free.
    pub(super) fn room(&self) -> usize {
        self.seats.len()
    }

    pub(super) fn enter(&mut self, task: Arc<Task>) -> Seat {
        let id = task.id;
        let at = match self.free.pop() {
            Some(at) => {
                self.seats[at] = Some(task);
                at
            }
            None => {
                self.seats.push(Some(task));
                self.seats.len() - 1
            }
        };
        Seat { at, task: id }
    }

    /// The task in that seat, if it is still there.
    pub(super) fn get(&self, seat: Seat) -> Option<&Arc<Task>> {
        let task = self.seats.get(seat.at)?.as_ref()?;
        (task.id == seat.task).then_some(task)
    }

    pub(super) fn leave(&mut self, at: usize) -> Option<Arc<Task>> {
        let task = self.seats.get_mut(at)?.take();
        if task.is_some() {
            self.free.push(at);
        }
        task
    }
}
