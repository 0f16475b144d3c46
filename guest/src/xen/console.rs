//! The console of a Xen guest: a page with two rings, shared with a daemon in dom0 (`struct
//! xencons_interface` of Xen's `io/console.h`). Text out, nothing in yet.

use core::fmt;
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use super::Xen;

const PAGE: u64 = 4096;
/// `boot.s` maps what lies below 4 GiB.
const MAPPED_PAGES: u64 = (1 << 32) / PAGE;
/// How often others are given way to before the rest of a line is lost: one pass through dom0 is enough
/// for a daemon that lives, and a daemon that does not must not keep us.
const PATIENCE: u32 = 100_000;

const INPUT: usize = 1024;
const OUTPUT: usize = 2048;

/// The page. Counters run freely; a byte's place is its counter modulo the ring's length.
#[repr(C)]
struct Rings {
    input: [AtomicU8; INPUT],
    output: [AtomicU8; OUTPUT],
    input_consumed: AtomicU32,
    input_produced: AtomicU32,
    output_consumed: AtomicU32,
    output_produced: AtomicU32,
}

/// The console. Its state is in the page, so any number of these may exist.
pub(crate) struct Console {
    xen: Xen,
    rings: &'static Rings,
    event: u32,
}

impl Console {
    /// The console with this page and event channel, as the toolstack gave them.
    pub(super) fn at(xen: Xen, page: u64, event: u64) -> Option<Self> {
        if page >= MAPPED_PAGES {
            return None;
        }
        // SAFETY: Xen's page, outside of all memory that we use, mapped, and never taken away. All
        // of it is atomic, so the other side may write when it likes.
        let rings = unsafe { &*((page * PAGE) as *const Rings) };
        let event = u32::try_from(event).ok()?;
        Some(Self { xen, rings, event })
    }

    /// Waits until the other side has taken all that was written: what is still in the page when
    /// the guest ends is lost.
    pub(crate) fn drain(&self) {
        self.wait_for_room(OUTPUT as u32);
    }

    /// Whether `room` bytes are free, after waiting for them.
    fn wait_for_room(&self, room: u32) -> bool {
        (0..PATIENCE).any(|_| {
            let consumed = self.rings.output_consumed.load(Ordering::Acquire);
            let produced = self.rings.output_produced.load(Ordering::Relaxed);
            let free = (OUTPUT as u32).checked_sub(produced.wrapping_sub(consumed));
            // More than a ring's worth in the ring: the counters are broken, and nothing fits.
            let enough = free.is_some_and(|free| free >= room);
            if !enough {
                self.xen.notify(self.event);
                self.xen.give_way();
            }
            enough
        })
    }

    fn send(&self, byte: u8) -> fmt::Result {
        if !self.wait_for_room(1) {
            return Err(fmt::Error);
        }
        let produced = self.rings.output_produced.load(Ordering::Relaxed);
        if let Some(place) = self.rings.output.get(produced as usize % OUTPUT) {
            place.store(byte, Ordering::Relaxed);
        }
        let produced = produced.wrapping_add(1);
        self.rings
            .output_produced
            .store(produced, Ordering::Release);
        Ok(())
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                self.send(b'\r')?;
            }
            self.send(byte)?;
            if byte == b'\n' {
                self.xen.notify(self.event);
            }
        }
        Ok(())
    }
}
