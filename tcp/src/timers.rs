//! The deadlines of one connection.

use packet::Instant;

/// What a connection may wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The oldest unacknowledged segment is sent again or, when nothing is in flight, a closed
    /// window is probed.
    Retransmit,
    /// A withheld acknowledgement is sent.
    DelayedAck,
    /// Nobody owns the connection any more, and nothing happened for long.
    Orphan,
}

/// One deadline for each timer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timers([Instant; 3]);

const NEVER: Instant = Instant::from_nanos(u64::MAX);

impl Timers {
    pub(crate) const fn new() -> Self {
        Self([NEVER; 3])
    }

    pub(crate) fn set(&mut self, timer: Timer, at: Instant) {
        self.0[timer as usize] = at;
    }

    pub(crate) fn stop(&mut self, timer: Timer) {
        self.0[timer as usize] = NEVER;
    }

    pub(crate) fn stop_all(&mut self) {
        *self = Self::new();
    }

    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.0[timer as usize] != NEVER
    }

    /// Stops `timer` if its time has come, and says so.
    pub(crate) fn expired(&mut self, timer: Timer, now: Instant) -> bool {
        let expired = self.0[timer as usize] <= now;
        if expired {
            self.stop(timer);
        }
        expired
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.into_iter().min().filter(|at| *at != NEVER)
    }
}
