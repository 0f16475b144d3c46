//! The end of a tap.

use core::cell::Cell;

use packet::Instant;
use runtime::{Driver, Executor};

/// Stops the executor when a stack's tap is gone (somebody deleted it): it never comes back, and a
/// server that nobody reaches must not look as if it served.
pub(crate) struct Lifeline {
    net: stack::Net,
    name: String,
    executor: Executor,
    cut: Cell<bool>,
}

impl Lifeline {
    pub(crate) fn new(net: &stack::Net, name: &str, executor: &Executor) -> Self {
        Self {
            net: net.clone(),
            name: name.to_owned(),
            executor: executor.clone(),
            cut: Cell::new(false),
        }
    }

    /// The name of the tap, once it is gone.
    pub(crate) fn cut(&self) -> Option<&str> {
        self.cut.get().then_some(self.name.as_str())
    }
}

impl Driver for Lifeline {
    fn receive(&self, _: Instant) -> bool {
        false
    }

    fn transmit(&self, _: Instant) {}

    fn next_event(&self) -> Option<Instant> {
        None
    }

    /// The deletion ends the wait as a frame does, so looking before each sleep is enough.
    fn arm(&self) -> bool {
        if self.cut.get() || self.net.is_up() {
            return false;
        }
        self.cut.set(true);
        self.executor.stop();
        true
    }
}
