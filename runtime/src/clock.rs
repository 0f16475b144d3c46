//! What time it is.

use alloc::rc::Rc;
use core::cell::Cell;
use core::time::Duration;

use packet::Instant;

/// The time, as the run loop read it at the start of the turn: free to ask, and the same for all
/// that happens in one turn. All clones are the same clock.
#[derive(Clone, Debug, Default)]
pub struct Clock(Rc<Cell<(Instant, Duration)>>);

impl Clock {
    /// The monotonic time, for deadlines and durations.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.get().0
    }

    /// The wall clock, for people: time since 1970-01-01 00:00:00 UTC, leap seconds not counted. It
    /// may jump either way.
    #[must_use]
    pub fn unix_time(&self) -> Duration {
        self.0.get().1
    }

    /// Sets both clocks: the run loop's call, and a test's.
    pub fn set(&self, now: Instant, unix_time: Duration) {
        self.0.set((now, unix_time));
    }
}
