//! Time and waiting on Linux.

use core::time::Duration;
use std::rc::Rc;
use std::time::SystemTime;

use packet::Instant;
use runtime::Place;

use crate::console::Output;
use crate::reactor::Reactor;

/// One thread of a Linux process.
pub(crate) struct Linux {
    start: std::time::Instant,
    reactor: Rc<Reactor>,
    output: Rc<Output>,
    spin: Spin,
}

/// How soon a console that could not take everything is tried again.
const CONSOLE_RETRY: Duration = Duration::from_millis(50);

impl Linux {
    pub(crate) fn new(reactor: Rc<Reactor>, output: Rc<Output>) -> Self {
        Self {
            start: std::time::Instant::now(),
            reactor,
            output,
            spin: Spin::default(),
        }
    }

    /// Looks for events for `window`; `true` when one came.
    fn spin(&self, window: Duration) -> bool {
        let start = self.now();
        while self.now().since(start) < window {
            if self.look(Some(Duration::ZERO)) {
                return true;
            }
            core::hint::spin_loop();
        }
        false
    }

    fn look(&self, timeout: Option<Duration>) -> bool {
        match self.reactor.wait(timeout) {
            Ok(happened) => happened,
            // The kernel refuses only what is a bug; the next turn looks at everything anyway, and a
            // pause keeps that from becoming a busy loop.
            Err(error) => {
                log::error!("cannot wait: {error}");
                std::thread::sleep(Duration::from_millis(1));
                true
            }
        }
    }
}

impl Place for Linux {
    fn now(&self) -> Instant {
        // 584 years fit.
        Instant::from_nanos(self.start.elapsed().as_nanos() as u64)
    }

    fn unix_time(&self) -> Duration {
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
    }

    fn wait(&mut self, until: Option<Instant>) {
        let written = self.output.flush();
        let start = self.now();
        let left = until.map(|until| until.since(start));
        let window = self.spin.window().min(left.unwrap_or(Duration::MAX));
        if self.spin(window) {
            self.spin.waited(self.now().since(start));
            return;
        }
        let left = left.map(|left| left.saturating_sub(window));
        let left = match written {
            true => left,
            false => Some(left.unwrap_or(CONSOLE_RETRY).min(CONSOLE_RETRY)),
        };
        if left != Some(Duration::ZERO) {
            self.look(left);
        }
        self.spin.waited(self.now().since(start));
    }
}

/// Learns whether it pays to look for events for a moment before sleeping. Sleeping and being woken
/// costs 5 to 50 µs, and more on a virtual machine; a client that answers at once is back in less.
#[derive(Default)]
struct Spin(Duration);

impl Spin {
    /// A wait that is longer than this is better slept through.
    const MAX: Duration = Duration::from_micros(100);
    const FIRST: Duration = Duration::from_micros(10);

    /// How long to look.
    fn window(&self) -> Duration {
        self.0
    }

    /// Grows the window after a wait that was short enough to look through, closes it after a long
    /// one: an idle server uses no processor time.
    fn waited(&mut self, took: Duration) {
        self.0 = match () {
            () if took > Self::MAX => Duration::ZERO,
            () if took <= self.0 => self.0,
            () => (self.0 * 2).clamp(Self::FIRST, Self::MAX),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_follows_the_waits() {
        let mut spin = Spin::default();
        assert_eq!(spin.window(), Duration::ZERO);
        spin.waited(Duration::from_micros(50));
        assert_eq!(spin.window(), Spin::FIRST);
        for _ in 0..9 {
            spin.waited(Duration::from_micros(50));
        }
        assert!(spin.window() >= Duration::from_micros(50) && spin.window() <= Spin::MAX);
        spin.waited(Duration::from_millis(1));
        assert_eq!(spin.window(), Duration::ZERO);
    }
}
