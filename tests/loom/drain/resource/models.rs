//! Resources that are closed by the shutdown, and at the same time by the
//! application or not at all.

use std::sync::Arc;

use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use super::list::List;
use super::once::Once;
use crate::check;

/// Counts how often it was closed.
struct Client {
    id: u32,
    close: Once<()>,
    closed: AtomicU32,
}

impl Client {
    fn new(id: u32) -> Arc<Self> {
        Arc::new(Self {
            id,
            close: Once::new(()),
            closed: AtomicU32::new(0),
        })
    }

    fn close(&self) -> bool {
        let closes = self.close.take().is_some();
        if closes {
            self.closed.fetch_add(1, Ordering::Relaxed);
        }
        closes
    }

    fn closed(&self) -> u32 {
        self.closed.load(Ordering::Relaxed)
    }
}

type Clients = List<u8, Client>;

/// Closes the clients, as a phase's task does.
fn close_all(list: &Clients) -> u32 {
    let mut closed = 0;
    while let Some((client, _)) = list.take_last(&0) {
        closed += u32::from(client.close());
    }
    closed
}

/// A list with one client, whose primitives are all initialized.
fn with_one() -> (loom::sync::Arc<Clients>, Arc<Client>) {
    let list = Clients::empty();
    let client = Client::new(0);
    let added = list.add(0, &client, |_| false, |_| Ok::<_, ()>(()));
    assert!(added.is_ok());
    (loom::sync::Arc::new(list), client)
}

/// The types allow no second close. Fails if none of the two closes it.
#[test]
fn client_that_the_shutdown_and_the_application_close_is_closed_once() {
    check(|| {
        let (list, client) = with_one();
        let runs = loom::sync::Arc::clone(&list);
        let task = thread::spawn(move || close_all(&runs));
        list.remove(&client);
        let by_application = client.close();
        let by_shutdown = task.join().expect("it ends");
        assert_eq!(u32::from(by_application) + by_shutdown, 1);
        assert_eq!(client.closed(), 1);
    });
}

/// Fails if the shutdown closes one that was taken back before.
#[test]
fn client_that_was_released_is_not_closed() {
    check(|| {
        let (list, client) = with_one();
        let runs = loom::sync::Arc::clone(&list);
        let task = thread::spawn(move || close_all(&runs));
        list.remove(&client);
        let is_released = client.close.take().is_some();
        task.join().expect("it ends");
        assert_eq!(client.closed(), u32::from(!is_released));
    });
}

/// Fails if the last look of the task and the end of the phase's entry are two steps: the
/// client would be in a list that no task takes from.
#[test]
fn client_that_is_added_at_the_end_of_the_task_is_closed_by_it_or_by_another() {
    check(|| {
        let (list, first) = with_one();
        let runs = loom::sync::Arc::clone(&list);
        let task = thread::spawn(move || close_all(&runs));
        let late = Client::new(0);
        let mut has_task = false;
        let is_other = |_: &Client| false;
        let added = list.add(0, &late, is_other, |needs_task| {
            has_task = needs_task;
            Ok::<_, ()>(())
        });
        assert!(added.is_ok());
        task.join().expect("it ends");
        if has_task {
            close_all(&list);
        }
        assert_eq!((first.closed(), late.closed()), (1, 1));
    });
}

/// Fails if the look for the same client and its registration are two steps.
#[test]
fn client_that_two_threads_add_is_added_once() {
    check(|| {
        let (list, _) = with_one();
        let add = |list: &Clients| {
            let is_same = |known: &Client| known.id == 7;
            let added = list.add(0, &Client::new(7), is_same, |_| Ok::<_, ()>(()));
            added.expect("it is accepted").is_none()
        };
        let adds = loom::sync::Arc::clone(&list);
        let other = thread::spawn(move || add(&adds));
        let here = add(&list);
        let there = other.join().expect("it ends");
        assert!(here != there, "one of them adds it");
        assert_eq!(close_all(&list), 2);
    });
}
