//! What time it is, from what Xen writes into the page that it shares with a domain: no call is needed.
//!
//! Xen says how many nanoseconds had passed at some reading of the processor's counter, and how fast that
//! counts (`struct vcpu_time_info` of Xen's `xen.h`); from time to time it says so anew. While it does,
//! the version is odd; a version that has changed means that what was read is of both.

use core::cell::Cell;
use core::sync::atomic::{Ordering, fence};

use packet::{Duration, Instant};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::SharedPage;

/// `shared_info.vcpu_info[0].time`, in its 64-bit layout.
const TIME: usize = 32;
/// `shared_info.wc_version`, and what it is the version of.
const WALL: usize = 0xc00;
/// Xen takes less than a microsecond to say it anew; a page that is never whole is none of Xen's.
const TRIES: u32 = 10_000;

#[derive(Clone, Copy, FromBytes, Immutable, IntoBytes)]
#[repr(C)]
struct TimeInfo {
    version: U32,
    padding: U32,
    tsc: U64,
    system_time: U64,
    mul: U32,
    shift: i8,
    flags: u8,
    padding_after: [u8; 2],
}

/// The time of day at which the system time was zero.
#[derive(Clone, Copy, FromBytes, IntoBytes)]
#[repr(C)]
struct WallClock {
    version: U32,
    seconds: U32,
    nanoseconds: U32,
    seconds_high: U32,
}

/// The clock of a domain with one processor.
#[derive(Debug)]
pub struct Clock {
    shared_info: SharedPage,
    tsc: fn() -> u64,
    /// The latest time that was told: it never goes back.
    last: Cell<u64>,
}

impl Clock {
    /// The clock of this page, over a way to read the processor's counter.
    #[must_use]
    pub const fn new(shared_info: SharedPage, tsc: fn() -> u64) -> Self {
        Self {
            shared_info,
            tsc,
            last: Cell::new(0),
        }
    }

    /// Xen's system time. It never goes back.
    #[must_use]
    pub fn now(&self) -> Instant {
        let read = || {
            let info: TimeInfo = self.shared_info.read(TIME);
            // The counter that belongs to it, so before the version is looked at again.
            (info.version.get(), info.at((self.tsc)()))
        };
        let now = self.consistent(TIME, read).unwrap_or(0);
        let now = now.max(self.last.get());
        self.last.set(now);
        Instant::from_nanos(now)
    }

    /// The time since 1970-01-01 UTC, as far as Xen knows it.
    #[must_use]
    pub fn unix_time(&self) -> Duration {
        let read = || {
            let wall: WallClock = self.shared_info.read(WALL);
            (wall.version.get(), wall.duration())
        };
        let start = self.consistent(WALL, read).unwrap_or_default();
        start.saturating_add(Duration::from_nanos(self.now().as_nanos()))
    }

    /// What `read` gives at a time at which Xen does not write there.
    fn consistent<T>(&self, version: usize, read: impl Fn() -> (u32, T)) -> Option<T> {
        let version = self.shared_info.u32(version);
        (0..TRIES).find_map(|_| {
            let before = version.load(Ordering::Acquire);
            let (inside, value) = read();
            fence(Ordering::Acquire);
            let after = version.load(Ordering::Relaxed);
            let is_whole = before == after && inside == after && after.is_multiple_of(2);
            is_whole.then_some(value)
        })
    }
}

impl TimeInfo {
    /// Nanoseconds of system time when the counter is at `tsc`.
    fn at(&self, tsc: u64) -> u64 {
        // A counter behind the reading that Xen took: no time has passed yet.
        let passed = tsc.saturating_sub(self.tsc.get());
        let distance = u32::from(self.shift.unsigned_abs());
        let shifted = if self.shift < 0 {
            passed.checked_shr(distance)
        } else {
            passed.checked_shl(distance)
        };
        // `mul` is a fraction of 2^32.
        let wide = u128::from(shifted.unwrap_or(0)) * u128::from(self.mul.get());
        self.system_time.get().saturating_add((wide >> 32) as u64)
    }
}

impl WallClock {
    fn duration(&self) -> Duration {
        let seconds = u64::from(self.seconds_high.get()) << 32 | u64::from(self.seconds.get());
        let start = Duration::from_secs(seconds);
        start.saturating_add(Duration::from_nanos(self.nanoseconds.get().into()))
    }
}

#[cfg(test)]
mod tests {
    use core::cell::RefCell;
    use std::thread_local;

    use super::*;

    thread_local! {
        static TSC: Cell<u64> = const { Cell::new(0) };
        /// What Xen does while the counter is read.
        static XEN: RefCell<Option<SharedPage>> = const { RefCell::new(None) };
    }

    fn tsc() -> u64 {
        if let Some(page) = XEN.take() {
            // Another reading, of later.
            write(&page, 4, 2000, 7_000_000);
        }
        TSC.get()
    }

    fn clock() -> (Clock, SharedPage) {
        let page = SharedPage::new();
        (Clock::new(page.clone(), tsc), page)
    }

    /// A counter of 2 GHz: half a nanosecond each.
    fn write(page: &SharedPage, version: u32, tsc: u64, system_time: u64) {
        let info = TimeInfo {
            version: version.into(),
            padding: 0.into(),
            tsc: tsc.into(),
            system_time: system_time.into(),
            mul: (1 << 31).into(),
            shift: 0,
            flags: 1,
            padding_after: [0; 2],
        };
        page.write(TIME, &info);
    }

    #[test]
    fn time_passes_as_the_counter_counts() {
        let (clock, page) = clock();
        write(&page, 2, 1000, 5_000_000);
        TSC.set(3000);
        assert_eq!(clock.now(), Instant::from_nanos(5_001_000));
    }

    #[test]
    fn it_never_goes_back() {
        let (clock, page) = clock();
        write(&page, 2, 1000, 5_000_000);
        TSC.set(3000);
        let now = clock.now();
        TSC.set(2000);
        assert_eq!(clock.now(), now);
        TSC.set(0);
        assert_eq!(clock.now(), now);
    }

    #[test]
    fn what_changes_while_it_is_read_is_read_again() {
        let (clock, page) = clock();
        write(&page, 2, 1000, 5_000_000);
        TSC.set(3000);
        XEN.set(Some(page));
        assert_eq!(clock.now(), Instant::from_nanos(7_000_500));
    }

    #[test]
    fn what_is_being_written_is_not_believed_and_not_waited_for() {
        let (clock, page) = clock();
        write(&page, 2, 0, 5_000_000);
        TSC.set(0);
        let now = clock.now();
        write(&page, 3, 0, 9_000_000);
        assert_eq!(clock.now(), now);
    }

    #[test]
    fn no_speed_overflows() {
        for (shift, expected) in [
            (1, 4000),
            (-1, 1000),
            (64, 0),
            (-64, 0),
            (127, 0),
            (-128, 0),
        ] {
            let info = TimeInfo {
                version: 2.into(),
                padding: 0.into(),
                tsc: 0.into(),
                system_time: 0.into(),
                mul: (1 << 31).into(),
                shift,
                flags: 0,
                padding_after: [0; 2],
            };
            assert_eq!(info.at(4000), expected);
            assert!(
                TimeInfo {
                    system_time: u64::MAX.into(),
                    ..info
                }
                .at(u64::MAX)
                    == u64::MAX
            );
        }
    }

    #[test]
    fn the_time_of_day_has_seconds_beyond_32_bits() {
        let (clock, page) = clock();
        write(&page, 2, 0, 1_500_000_000);
        TSC.set(0);
        for (at, value) in [2, 5, 250_000_000, 1].into_iter().enumerate() {
            page.u32(WALL + 4 * at).store(value, Ordering::Relaxed);
        }
        let expected = Duration::new((1 << 32) + 5 + 1, 750_000_000);
        assert_eq!(clock.unix_time(), expected);
    }
}
