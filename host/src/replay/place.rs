//! The time of a capture, and its end.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::rc::Rc;

use packet::Instant;
use pcap::Report;
use runtime::{Driver, Executor, Place};

/// How long after the last frame the application is asked to stop: acknowledgements of what it still
/// sends come within this.
const SILENCE: Duration = Duration::from_secs(5);

/// Time goes as the capture's: from one event to the next, at once.
pub(crate) struct CaptureTime {
    now: Instant,
    start: Duration,
}

impl CaptureTime {
    /// A clock that starts with the capture, at `start` since 1970-01-01 UTC.
    pub(crate) fn new(start: Duration) -> Self {
        let now = Instant::ZERO;
        Self { now, start }
    }
}

impl Place for CaptureTime {
    fn now(&self) -> Instant {
        self.now
    }

    fn unix_time(&self) -> Duration {
        self.start
            .saturating_add(Duration::from_nanos(self.now.as_nanos()))
    }

    fn wait(&mut self, until: Option<Instant>) {
        self.now = self.now.max(until.unwrap_or(self.now));
    }
}

/// Stops the application some time after the last frame.
pub(crate) struct Ending {
    report: Rc<RefCell<Report>>,
    executor: Executor,
    /// When; set once the last frame has come.
    at: Cell<Option<Instant>>,
    /// When the first frame came, and the last.
    first: Instant,
    last: Cell<Instant>,
}

impl Ending {
    pub(crate) fn new(report: &Rc<RefCell<Report>>, executor: &Executor, first: Instant) -> Self {
        Self {
            report: Rc::clone(report),
            executor: executor.clone(),
            at: Cell::new(None),
            first,
            last: Cell::new(first),
        }
    }

    /// How long the recording took.
    pub(crate) fn took(&self) -> Duration {
        self.last.get().since(self.first)
    }
}

impl Driver for Ending {
    fn receive(&self, now: Instant) -> bool {
        let report = self.report.borrow();
        if !report.ended || report.waiting {
            return false;
        }
        if self.at.get().is_none() {
            self.last.set(now);
        }
        let at = self.at.get().unwrap_or(now + SILENCE);
        self.at.set(Some(at));
        if now < at || self.executor.is_stopping() {
            return false;
        }
        self.executor.stop();
        true
    }

    fn transmit(&self, _: Instant) {}

    fn next_event(&self) -> Option<Instant> {
        self.at.get().filter(|_| !self.executor.is_stopping())
    }

    fn arm(&self) -> bool {
        false
    }
}
