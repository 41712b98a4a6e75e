//! The status report that the health server answers with: one buffer, which the reporter
//! and the server hand to each other.
//!
//! ```text
//! server ──request, empty──▶ reporter ──filled──▶ server ──▶ ...
//! ```
//!
//! # Orderings
//!
//! `AtomicCell::swap` is sequentially consistent: who takes the buffer sees what the one
//! before has written. The buffer moves and is never freed or made anew, so neither thread
//! allocates.

use crossbeam_utils::atomic::AtomicCell;

/// Bytes of a report.
pub(super) const LEN: usize = 256 * 1024;

/// The exchange of the buffer.
pub(crate) static SERVED: Served = Served::without_buffer();

/// A report as JSON.
pub(crate) struct Document {
    bytes: Box<[u8]>,
    len: usize,
}

impl Document {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

type Cell = AtomicCell<Option<Box<Document>>>;

// A lock would be shared by two threads of which one may be stuck.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(Cell::is_lock_free());

pub(crate) struct Served {
    empty: Cell,
    filled: Cell,
}

impl Served {
    const fn without_buffer() -> Self {
        Self {
            empty: AtomicCell::new(None),
            filled: AtomicCell::new(None),
        }
    }

    /// Makes the buffer, for a server that starts.
    pub(crate) fn new_buffer() -> Box<Document> {
        Box::new(Document {
            bytes: vec![0; LEN].into_boxed_slice(),
            len: 0,
        })
    }

    /// Gives the buffer to the reporter.
    pub(crate) fn give(&self, buffer: Box<Document>) {
        self.empty.store(Some(buffer));
    }

    /// Takes the report, once it is there.
    pub(crate) fn take(&self) -> Option<Box<Document>> {
        self.filled.take()
    }

    /// Fills the buffer, if the server has given it.
    pub(super) fn fill(&self, report: &[u8]) {
        if let Some(mut document) = self.empty.take() {
            let len = report.len().min(document.bytes.len());
            document.bytes[..len].copy_from_slice(&report[..len]);
            document.len = len;
            self.filled.store(Some(document));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffer_goes_from_the_server_to_the_reporter_and_back() {
        let served = Served::without_buffer();
        served.fill(b"lost");
        assert!(served.take().is_none());
        served.give(Served::new_buffer());
        assert!(served.take().is_none());
        served.fill(b"report");
        served.fill(b"no buffer");
        let document = served.take().expect("it is filled");
        assert_eq!(document.bytes(), b"report");
        assert!(served.take().is_none());
    }
}
