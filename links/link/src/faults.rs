//! A bad network, from a seed.

mod cargo;
mod lane;
mod profile;

use alloc::rc::Rc;
use core::cell::RefCell;
use core::time::Duration;

use packet::{Frame, Instant, Pool, RxChecksum};

use crate::{Burst, Caps, Full, Link, LinkError, LinkState, Offload, Transmit};
use cargo::Outgoing;
use lane::Lane;
pub use lane::QUEUE;
pub use profile::{BadProfile, Chance, Profile};

/// An Ethernet header with one 802.1Q tag.
const ETHERNET_HEADER: usize = 18;

/// When a link that had no room is tried again.
const RETRY: Duration = Duration::from_millis(1);

/// Loses, duplicates, reorders, corrupts, delays and slows down what any link carries, in each
/// direction apart. The same seed gives the same fate to the same frames at the same times.
///
/// It sees frames of the wire only, for a lost super-frame would be forty lost frames at once: it
/// offers no segmentation and no checksums, so a stack puts its software offload above it, and the
/// link below must have been opened without either. What is no frame of the wire all the same does
/// not pass, in either direction, and is counted ([`Stats::refused`]).
///
/// At most [`QUEUE`] frames are under way in each direction; beyond that they are lost and counted.
/// A device would throw away what its Ethernet checksum finds: so a bit is turned over only in IPv4
/// packets, whose own checksums are the receiver's to verify, and other frames are lost instead.
pub struct Faults<L> {
    link: L,
    caps: Caps,
    /// Where changed payload is copied to.
    pool: Pool,
    lanes: Rc<RefCell<Lanes>>,
    /// What the link receives, on its way to a lane.
    burst: Burst,
    /// The link had no room.
    retry_at: Option<Instant>,
}

struct Lanes {
    outward: Lane<Outgoing>,
    inward: Lane<Frame>,
}

impl Lanes {
    fn send(&mut self, now: Instant, frame: Option<Outgoing>) {
        match frame {
            Some(frame) => self.outward.push(now, frame),
            None => self.outward.stats.refused += 1,
        }
    }
}

/// What goes wrong in both directions, seen from the host at this end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profiles {
    /// To what is sent.
    pub outward: Profile,
    /// To what is received.
    pub inward: Profile,
}

/// What befell the frames of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Frames that came to pass.
    pub frames: u64,
    /// Frames that passed, copies among them.
    pub delivered: u64,
    /// Frames lost.
    pub lost: u64,
    /// Frames lost because too many were under way.
    pub overflowed: u64,
    /// Frames that passed twice.
    pub duplicated: u64,
    /// Frames held back until others had overtaken them.
    pub reordered: u64,
    /// Frames with a bit turned over.
    pub corrupted: u64,
    /// Super-frames, and frames with a partial checksum: a bug of whoever put this link together.
    pub refused: u64,
}

/// A handle that changes what goes wrong, and sees what did, while a stack owns the link.
#[derive(Clone)]
pub struct FaultControl(Rc<RefCell<Lanes>>);

impl FaultControl {
    /// From now on this goes wrong. What is under way stays.
    pub fn set(&self, profiles: Profiles) {
        let mut lanes = self.0.borrow_mut();
        lanes.outward.change(profiles.outward, "faults outward");
        lanes.inward.change(profiles.inward, "faults inward");
    }

    /// What befell frames that were sent.
    #[must_use]
    pub fn outward(&self) -> Stats {
        self.0.borrow().outward.stats
    }

    /// What befell frames that were received.
    #[must_use]
    pub fn inward(&self) -> Stats {
        self.0.borrow().inward.stats
    }
}

impl<L: Link> Faults<L> {
    /// Puts the faults before `link`. Payload that is corrupted on its way out is copied into `pool`.
    #[must_use]
    pub fn new(link: L, pool: Pool, profiles: Profiles) -> Self {
        let lanes = Lanes {
            outward: Lane::new(profiles.outward, "faults outward"),
            inward: Lane::new(profiles.inward, "faults inward"),
        };
        Self {
            caps: offered(link.caps()),
            link,
            pool,
            lanes: Rc::new(RefCell::new(lanes)),
            burst: Burst::new(),
            retry_at: None,
        }
    }

    /// A handle for use from outside.
    #[must_use]
    pub fn control(&self) -> FaultControl {
        FaultControl(Rc::clone(&self.lanes))
    }

    /// The longest frame of the wire.
    fn longest(&self) -> usize {
        usize::from(self.caps.mtu) + ETHERNET_HEADER
    }

    /// Hands on what is due, as far as the link has room.
    fn send_due(&mut self, now: Instant) {
        self.retry_at = None;
        let lane = &mut self.lanes.borrow_mut().outward;
        while let Some(frame) = lane.front(now) {
            if self.link.transmit(now, frame.transmit()) == Err(Full) {
                self.retry_at = Some(now + RETRY);
                return;
            }
            lane.pop();
        }
    }

    fn take_in(&mut self, now: Instant) {
        let longest = self.longest();
        let lane = &mut self.lanes.borrow_mut().inward;
        for mut frame in self.burst.drain() {
            let is_plain = frame.meta.gso_size == 0
                && frame.meta.checksum != RxChecksum::Blank
                && frame.len() <= longest;
            if is_plain {
                // Whatever the device verified, it did before this.
                frame.meta.checksum = RxChecksum::Unknown;
                lane.push(now, frame);
            } else {
                lane.stats.refused += 1;
            }
        }
    }
}

impl<L: Link> Link for Faults<L> {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn state(&self) -> LinkState {
        self.link.state()
    }

    fn receive(&mut self, now: Instant, burst: &mut Burst) -> Result<(), LinkError> {
        let result = self.link.receive(now, &mut self.burst);
        // A stack whose link is down sends nothing, and does not ring either.
        if self.lanes.borrow_mut().outward.front(now).is_some() {
            self.flush(now)?;
        }
        self.caps = offered(self.link.caps());
        self.take_in(now);
        let lane = &mut self.lanes.borrow_mut().inward;
        while !burst.is_full()
            && lane.front(now).is_some()
            && let Some(frame) = lane.pop()
        {
            burst.push(frame);
        }
        result
    }

    fn transmit(&mut self, now: Instant, frame: Transmit<'_>) -> Result<(), Full> {
        let is_plain = frame.offload == Offload::default() && frame.len() <= self.longest();
        let outgoing = Outgoing::new(&frame, &self.pool).filter(|_| is_plain);
        self.lanes.borrow_mut().send(now, outgoing);
        self.send_due(now);
        Ok(())
    }

    fn flush(&mut self, now: Instant) -> Result<(), LinkError> {
        self.send_due(now);
        self.link.flush(now)
    }

    fn next_event(&self) -> Option<Instant> {
        let lanes = self.lanes.borrow();
        // What the link has no room for is not due before there may be some.
        let outward = self.retry_at.or_else(|| lanes.outward.next_event());
        [outward, lanes.inward.next_event(), self.link.next_event()]
            .into_iter()
            .flatten()
            .min()
    }

    fn arm(&mut self) -> bool {
        self.link.arm()
    }
}

fn offered(caps: &Caps) -> Caps {
    Caps {
        checksum_offload: false,
        max_super_frame: None,
        ..*caps
    }
}

#[cfg(test)]
mod tests;
