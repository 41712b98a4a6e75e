//! Calls of the program's code, whose panic ends with the call.
//!
//! A panic carries a value of the program's, whose destructor may panic as well. Outside of
//! the catch that would end a thread of deadstop's, or keep its code from noting what has
//! become of the call.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls `call`, and catches its panic. What the panic leaves behind is the program's.
pub(crate) fn contain<R>(call: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(call)).map_err(Payload::from)
}

/// The value that a panic carried. Dropping it does not panic.
pub(crate) struct Payload(Option<Box<dyn Any + Send>>);

impl Payload {
    /// Returns the value.
    pub(crate) fn value(&self) -> &(dyn Any + Send) {
        match &self.0 {
            Some(value) => &**value,
            // Taken by `drop` alone.
            None => &(),
        }
    }
}

impl From<Box<dyn Any + Send>> for Payload {
    fn from(value: Box<dyn Any + Send>) -> Self {
        Self(Some(value))
    }
}

impl From<Payload> for Box<dyn Any + Send> {
    fn from(mut payload: Payload) -> Self {
        // Taken by `drop` alone, otherwise.
        payload.0.take().unwrap_or_else(|| Box::new(()))
    }
}

impl Drop for Payload {
    #[cold]
    fn drop(&mut self) {
        let value = self.0.take();
        // A second payload is leaked: its destructor may go on like this.
        if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            Box::leak(second);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::panic_any;

    /// Panics when it is dropped, and the value of that panic does the same, `0` times.
    struct Panics(u32);

    impl Drop for Panics {
        fn drop(&mut self) {
            if self.0 > 0 {
                panic_any(Self(self.0 - 1));
            }
        }
    }

    #[test]
    fn contain_returns_the_result_of_the_call() {
        assert!(contain(|| 7).is_ok_and(|it| it == 7));
    }

    #[test]
    fn panic_payload_can_be_inspected() {
        let payload = contain::<()>(|| panic_any(7_u32)).expect_err("it panics");
        assert_eq!(payload.value().downcast_ref(), Some(&7_u32));
    }

    #[test]
    fn panics_in_destructors_of_panic_payloads_are_contained() {
        for depth in 0..3 {
            drop(contain(|| panic_any(Panics(depth))));
        }
    }
}
