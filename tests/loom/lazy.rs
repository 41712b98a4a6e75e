//! Loom's primitives, made as they are first used: loom's own cannot be made in
//! a `const fn`, and the library's are. A model uses each once before it starts
//! a thread.

use std::sync::OnceLock;

pub(crate) use loom::sync::atomic::{Ordering, fence};

macro_rules! atomics {
    ($($name:ident $value:ty),*) => {$(
        pub(crate) struct $name {
            first: $value,
            inner: OnceLock<loom::sync::atomic::$name>,
        }

        impl $name {
            pub(crate) const fn new(first: $value) -> Self {
                Self { first, inner: OnceLock::new() }
            }

            fn inner(&self) -> &loom::sync::atomic::$name {
                self.inner.get_or_init(|| loom::sync::atomic::$name::new(self.first))
            }

            pub(crate) fn load(&self, order: Ordering) -> $value {
                self.inner().load(order)
            }

            pub(crate) fn store(&self, value: $value, order: Ordering) {
                self.inner().store(value, order);
            }

            pub(crate) fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.inner().compare_exchange(current, new, success, failure)
            }

            pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                self.inner().swap(value, order)
            }

            pub(crate) fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                self.inner().fetch_add(value, order)
            }

            pub(crate) fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                self.inner().fetch_sub(value, order)
            }

            pub(crate) fn fetch_min(&self, value: $value, order: Ordering) -> $value {
                self.inner().fetch_min(value, order)
            }
        }
    )*};
}

atomics!(AtomicI32 i32, AtomicU8 u8, AtomicU32 u32, AtomicU64 u64);

/// `parking_lot`'s interface on loom's mutex.
pub(crate) struct Mutex<T> {
    first: std::sync::Mutex<Option<T>>,
    inner: OnceLock<loom::sync::Mutex<T>>,
}

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self {
            first: std::sync::Mutex::new(Some(value)),
            inner: OnceLock::new(),
        }
    }

    pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
        self.inner().lock().expect("not poisoned")
    }

    pub(crate) fn try_lock(&self) -> Option<loom::sync::MutexGuard<'_, T>> {
        self.inner().try_lock().ok()
    }

    fn inner(&self) -> &loom::sync::Mutex<T> {
        self.inner.get_or_init(|| {
            let first = self.first.lock().expect("not poisoned").take();
            loom::sync::Mutex::new(first.expect("made once"))
        })
    }
}
