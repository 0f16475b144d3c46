//! Random numbers for applications.

use alloc::rc::Rc;
use core::cell::RefCell;

use packet::{Random, Secrets};

/// Random numbers that a stranger cannot guess; the same seed gives the same ones, so that a
/// simulation can be repeated. All clones draw from the same stream.
#[derive(Clone)]
pub struct Entropy(Rc<RefCell<Random>>);

impl Entropy {
    /// The stream of applications, from the place's secrets.
    #[must_use]
    pub fn new(secrets: &Secrets) -> Self {
        Self(Rc::new(RefCell::new(secrets.random("applications"))))
    }

    /// The next 64 random bits.
    #[must_use]
    pub fn next_u64(&self) -> u64 {
        self.0.borrow_mut().next_u64()
    }

    /// A random number from 0 to `limit - 1`; 0 if `limit` is 0.
    #[must_use]
    pub fn below(&self, limit: u64) -> u64 {
        self.0.borrow_mut().below(limit)
    }
}
