//! What is there once, and is used by one thread.

use core::ops::Deref;

/// A static that need not be shared between threads: there is one processor, and no interrupt is ever
/// let through.
pub(crate) struct Lone<T>(T);

// SAFETY: there is one thread.
unsafe impl<T> Sync for Lone<T> {}

impl<T> Lone<T> {
    /// Of this value.
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for Lone<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
