//! A machine without Xen: QEMU, in which we are tried.

use core::hint;
use core::time::Duration;

use packet::Instant;
use runtime::Place;

use crate::domain::counter;
use crate::image;

/// Its counter counts nanoseconds, or nearly so; nobody measures by it. It has no way to sleep, as no
/// interrupt is let through.
pub(crate) struct Bare;

impl Place for Bare {
    fn now(&self) -> Instant {
        Instant::from_nanos(counter().wrapping_sub(image::entry()))
    }

    fn unix_time(&self) -> Duration {
        Duration::ZERO
    }

    fn wait(&mut self, _: Option<Instant>) {
        hint::spin_loop();
    }
}
