//! Loom's primitives, created at their first use: a `const fn` cannot create loom's own, and
//! the library creates its primitives there. A model uses each once before it starts a thread.

use std::sync::OnceLock;

pub(crate) use loom::sync::atomic::{Ordering, fence};

macro_rules! atomics {
    ($($name:ident $value:ty),*) => {$(
        pub(crate) struct $name {
            first: $value,
            inner: OnceLock<loom::sync::atomic::$name>,
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
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

            pub(crate) fn fetch_or(&self, value: $value, order: Ordering) -> $value {
                self.inner().fetch_or(value, order)
            }

            pub(crate) fn fetch_and(&self, value: $value, order: Ordering) -> $value {
                self.inner().fetch_and(value, order)
            }

            pub(crate) fn fetch_min(&self, value: $value, order: Ordering) -> $value {
                self.inner().fetch_min(value, order)
            }

            pub(crate) fn fetch_max(&self, value: $value, order: Ordering) -> $value {
                self.inner().fetch_max(value, order)
            }
        }
    )*};
}

atomics!(AtomicI32 i32, AtomicU8 u8, AtomicU32 u32, AtomicU64 u64);

/// A pointer, which is null at first.
pub(crate) struct AtomicPtr<T>(OnceLock<loom::sync::atomic::AtomicPtr<T>>);

impl<T> std::fmt::Debug for AtomicPtr<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AtomicPtr")
    }
}

impl<T> AtomicPtr<T> {
    pub(crate) const fn new(_null: *mut T) -> Self {
        Self(OnceLock::new())
    }

    fn inner(&self) -> &loom::sync::atomic::AtomicPtr<T> {
        self.0
            .get_or_init(|| loom::sync::atomic::AtomicPtr::new(std::ptr::null_mut()))
    }

    pub(crate) fn load(&self, order: Ordering) -> *mut T {
        self.inner().load(order)
    }

    pub(crate) fn store(&self, value: *mut T, order: Ordering) {
        self.inner().store(value, order);
    }

    pub(crate) fn compare_exchange(
        &self,
        current: *mut T,
        new: *mut T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<*mut T, *mut T> {
        self.inner()
            .compare_exchange(current, new, success, failure)
    }
}

/// The library's interface on loom's mutex.
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

pub(crate) type MutexGuard<'a, T> = loom::sync::MutexGuard<'a, T>;

/// Threads that do not sleep for a length of time, so that a lost wake-up is found.
pub(crate) mod thread {
    pub(crate) use loom::thread::{Thread, current};

    pub(crate) fn park_timeout(_: std::time::Duration) {
        loom::thread::park();
    }
}

/// Looks once more.
pub(crate) struct Backoff(std::cell::Cell<bool>);

impl Backoff {
    pub(crate) fn new() -> Self {
        Self(std::cell::Cell::new(false))
    }

    pub(crate) fn is_completed(&self) -> bool {
        self.0.get()
    }

    pub(crate) fn snooze(&self) {
        self.0.set(true);
    }
}

/// A value on a cache line of its own. The models do not depend on cache lines.
pub(crate) struct CachePadded<T>(T);

impl<T> CachePadded<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> std::ops::Deref for CachePadded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
