//! Two links joined in memory.
//!
//! What one end transmits, the other receives: copied once, into a buffer of the receiver's pool,
//! as a device would. Both ends live on one thread; time does not exist here (delay and loss are
//! decorators' work). With [`Cable::offload`] super-frames and partial checksums cross as they are,
//! as over a tap with TSO and GRO; without it the cable carries plain frames up to the MTU.
//!
//! A frame is seen by the other end after [`Link::flush`], not before: a caller that forgets the
//! doorbell is found here and not on a real device.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod control;
mod lane;

use alloc::rc::Rc;
use core::cell::RefCell;

pub use control::Control;
use lane::Lane;
use link::{Burst, Caps, Full, Link, LinkError, LinkState, Transmit};
use packet::{Instant, Pool};

/// An Ethernet header with one 802.1Q tag.
const ETHERNET_HEADER: usize = 18;

/// The largest super-frame: an Ethernet header and the largest IPv4 packet.
const MAX_SUPER_FRAME: usize = 14 + 65_535;

/// What lies between two ends.
#[derive(Clone, Copy, Debug)]
pub struct Cable {
    /// The most bytes of an IP packet, super-frames aside.
    pub mtu: u16,
    /// Whether super-frames and partial checksums may cross.
    pub offload: bool,
    /// The most frames on their way in one direction; then the sender is told [`Full`].
    pub queue: usize,
}

impl Default for Cable {
    /// Ethernet with offloads and a queue as long as a network card's.
    fn default() -> Self {
        Self {
            mtu: 1500,
            offload: true,
            queue: 256,
        }
    }
}

/// One end of a cable before it is plugged in.
#[derive(Debug)]
pub struct End {
    /// Its hardware address.
    pub mac: [u8; 6],
    /// Where the frames that it receives are copied to.
    pub pool: Pool,
}

/// What happened at one end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Frames given to the other end's queue.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Frames received.
    pub received: u64,
    /// Frames lost because the other end's pool had no buffer.
    pub no_buffer: u64,
    /// Frames lost because the cable was down.
    pub down: u64,
    /// Frames lost because they are longer than the MTU allows, or ask for an offload that the
    /// cable does not have: a bug of the sender.
    pub refused: u64,
}

/// One end of a cable.
#[derive(Debug)]
pub struct MemoryLink {
    caps: Caps,
    state: LinkState,
    cable: Cable,
    control: Rc<RefCell<control::Attachment>>,
    outward: Rc<RefCell<Lane>>,
    inward: Rc<RefCell<Lane>>,
    stats: Stats,
}

/// Joins two ends. Both are up, in epoch 0.
#[must_use]
pub fn pair(cable: Cable, left: End, right: End) -> (MemoryLink, MemoryLink) {
    let to_left = Rc::new(RefCell::new(Lane::new(left.pool)));
    let to_right = Rc::new(RefCell::new(Lane::new(right.pool)));
    (
        MemoryLink::new(cable, left.mac, &to_right, &to_left),
        MemoryLink::new(cable, right.mac, &to_left, &to_right),
    )
}

impl MemoryLink {
    fn new(
        cable: Cable,
        mac: [u8; 6],
        outward: &Rc<RefCell<Lane>>,
        inward: &Rc<RefCell<Lane>>,
    ) -> Self {
        Self {
            caps: Caps {
                mac,
                mtu: cable.mtu,
                checksum_offload: cable.offload,
                max_super_frame: cable.offload.then_some(MAX_SUPER_FRAME),
                // They are copied: any number will do.
                max_parts: 64,
                gather_from: 0,
            },
            state: LinkState::Up { epoch: 0 },
            cable,
            control: Rc::new(RefCell::new(control::Attachment::new(mac))),
            outward: Rc::clone(outward),
            inward: Rc::clone(inward),
            stats: Stats::default(),
        }
    }

    /// A handle that takes this end down and up from outside while a stack owns the link.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::new(&self.control)
    }

    /// What happened at this end.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Whether the cable takes such a frame.
    fn accepts(&self, frame: &Transmit<'_>) -> bool {
        let offload = frame.offload;
        if !self.cable.offload && (offload.checksum.is_some() || offload.gso_size.is_some()) {
            return false;
        }
        let limit = match offload.gso_size {
            Some(_) => MAX_SUPER_FRAME,
            None => usize::from(self.cable.mtu) + ETHERNET_HEADER,
        };
        !frame.head.is_empty() && frame.len() <= limit
    }
}

impl Link for MemoryLink {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    /// What [`Control`] does is seen with the next [`Link::receive`], so that caps and state always
    /// belong together.
    fn state(&self) -> LinkState {
        self.state
    }

    fn receive(&mut self, _now: Instant, burst: &mut Burst) -> Result<(), LinkError> {
        let attachment = *self.control.borrow();
        self.caps.mac = attachment.mac;
        self.state = attachment.state;
        let mut inward = self.inward.borrow_mut();
        if self.state == LinkState::Down {
            self.stats.down += inward.clear() as u64;
            return Ok(());
        }
        while !burst.is_full() {
            let Some(frame) = inward.pop() else { break };
            self.stats.received += 1;
            burst.push(frame);
        }
        Ok(())
    }

    fn transmit(&mut self, _now: Instant, frame: Transmit<'_>) -> Result<(), Full> {
        if self.control.borrow().state == LinkState::Down {
            self.stats.down += 1;
            return Ok(());
        }
        if !self.accepts(&frame) {
            self.stats.refused += 1;
            return Ok(());
        }
        let mut outward = self.outward.borrow_mut();
        if outward.len() >= self.cable.queue {
            return Err(Full);
        }
        if outward.push(&frame) {
            self.stats.sent += 1;
            self.stats.sent_bytes += frame.len() as u64;
        } else {
            self.stats.no_buffer += 1;
        }
        Ok(())
    }

    fn flush(&mut self, _now: Instant) -> Result<(), LinkError> {
        self.outward.borrow_mut().publish();
        Ok(())
    }

    fn arm(&mut self) -> bool {
        self.inward.borrow().has_published() || self.control.borrow().state != self.state
    }
}

#[cfg(test)]
mod tests;
