//! Time and waiting.

use core::arch::x86_64::_rdtsc;
use core::hint;
use core::time::Duration;

use packet::Instant;
use runtime::Place;

use crate::image;

/// A machine without Xen: QEMU, for tests. Its counter counts nanoseconds, or nearly so; nobody measures
/// by it. It has no way to sleep, as no interrupt is let through.
pub(crate) struct Bare;

impl Place for Bare {
    fn now(&self) -> Instant {
        // SAFETY: the counter may be read at any time.
        Instant::from_nanos(unsafe { _rdtsc() }.wrapping_sub(image::entry()))
    }

    fn unix_time(&self) -> Duration {
        Duration::ZERO
    }

    fn wait(&mut self, _: Option<Instant>) {
        hint::spin_loop();
    }
}
