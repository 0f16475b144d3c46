//! A back end that is connected, or about to be: two rings, their bells, and all that is lent.

use alloc::rc::Rc;
use core::fmt;

use link::{Burst, Caps, Full, Transmit};
use xen::{
    Access, Broken, DomainId, Events, Exhausted, FrontRing, HypercallError, Port, SharedPage,
};

use crate::areas::Areas;
use crate::lender::{Lender, Loan};
use crate::plan::Planner;
use crate::rx::Rx;
use crate::tx::Tx;
use crate::wire::MAX_DATA_SLOTS;
use crate::{Config, Stats};

/// A frame's length has 16 bits, its Ethernet header counts.
const MAX_SUPER_FRAME: usize = 65_535;

/// The longest packet in one slot, with an Ethernet header and a tag in front. QEMU's back end takes
/// two bytes less than a page.
const SLOT_MTU: u16 = 4094 - 18;

/// Whom the rings are shared with, and what it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BackEnd {
    pub(crate) domain: DomainId,
    /// It takes a frame in many slots.
    pub(crate) gathers: bool,
    /// It cuts super-frames of TCP over IPv4.
    pub(crate) cuts: bool,
    /// It completes checksums.
    pub(crate) sums: bool,
    /// It has a bell for each direction.
    pub(crate) splits: bool,
}

impl BackEnd {
    /// What the device is with this back end.
    pub(crate) fn caps(&self, mac: [u8; 6], mtu: u16) -> Caps {
        Caps {
            mac,
            mtu: if self.gathers { mtu } else { mtu.min(SLOT_MTU) },
            checksum_offload: self.sums,
            max_super_frame: self.cuts.then_some(MAX_SUPER_FRAME),
            max_parts: MAX_DATA_SLOTS - 1,
            gather_from: 0,
        }
    }
}

/// Memory of the device itself. It is never given back, for a back end may hold on to it, but is used
/// again.
pub(crate) struct Memory {
    tx: SharedPage,
    rx: SharedPage,
    areas: Areas,
}

/// What the back end has to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    pub(crate) tx_ring: u32,
    pub(crate) rx_ring: u32,
    pub(crate) bells: Bells,
}

/// The ports to the back end; both are the same where it has only one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bells {
    pub(crate) tx: Port,
    pub(crate) rx: Port,
}

/// Two rings that are shared with a back end.
pub(crate) struct Rings {
    tx: Tx,
    rx: Rx,
    loans: [Loan<()>; 2],
    lender: Lender,
    events: Rc<dyn Events>,
    bells: Bells,
    /// What was lost before.
    leaked: u64,
}

/// Why there are no rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenError {
    Grants(Exhausted),
    Events(HypercallError),
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            tx: SharedPage::new(),
            rx: SharedPage::new(),
            areas: Areas::new(),
        }
    }
}

impl Rings {
    /// Makes rings, and posts pages. `leaked` pages were lost to the back ends before this one.
    pub(crate) fn open(
        config: &Config,
        memory: Memory,
        to: &BackEnd,
        leaked: u64,
    ) -> Result<Self, (OpenError, Memory)> {
        let mut lender = Lender::new(Rc::clone(&config.grants), to.domain, leaked);
        // What was in the pages before is gone when they are lent.
        let tx = FrontRing::new(memory.tx.clone());
        let rx = FrontRing::new(memory.rx.clone());
        let loans = match lend_both(&mut lender, tx.page(), rx.page()) {
            Ok(loans) => loans,
            Err(error) => return Err((error.into(), memory)),
        };
        let bells = match Bells::allocate(&*config.events, to) {
            Ok(bells) => bells,
            Err(error) => {
                for loan in loans {
                    lender.take_back(loan);
                }
                return Err((error.into(), memory));
            }
        };
        let planner = Planner::new(config.pool.clone(), config.public.clone(), to.gathers);
        let pages = u32::from(config.pages);
        let mut rings = Self {
            tx: Tx::new(tx, memory.areas, planner),
            rx: Rx::new(rx, pages, config.pool.clone()),
            loans,
            lender,
            events: Rc::clone(&config.events),
            bells,
            leaked,
        };
        rings.rx.post(&rings.lender);
        // Nobody is there yet who could be notified; `greet` does that.
        let _ = rings.rx.ring.publish();
        Ok(rings)
    }

    /// What the back end has to be told.
    pub(crate) const fn names(&self) -> Names {
        Names {
            tx_ring: self.loans[0].reference(),
            rx_ring: self.loans[1].reference(),
            bells: self.bells,
        }
    }

    /// Tells a back end that has just connected of the pages that wait for it.
    pub(crate) fn greet(&self, stats: &mut Stats) {
        self.notify(self.bells.rx, stats);
    }

    /// Reaps what was sent, adds what has come to `burst`, posts pages anew: at most as much as the
    /// rings and the burst hold.
    ///
    /// # Errors
    /// When the back end wrote what it must not.
    pub(crate) fn receive(&mut self, burst: &mut Burst, stats: &mut Stats) -> Result<(), Broken> {
        // Before the rings are looked at: what comes afterwards rings again.
        self.events.take_pending(self.bells.rx);
        if self.bells.is_split() {
            self.events.take_pending(self.bells.tx);
        }
        stats.unsent_pieces += self.tx.reap(&mut self.lender)?;
        let received = self.rx.receive(burst, &mut self.lender, stats);
        stats.leaked = self.lender.leaked();
        received?;
        if self.lender.lost_too_much() {
            return Err(Broken);
        }
        self.rx.post(&self.lender);
        if self.rx.ring.publish() {
            self.notify(self.bells.rx, stats);
        }
        Ok(())
    }

    /// Writes a frame that the device takes.
    pub(crate) fn transmit(&mut self, frame: &Transmit<'_>) -> Result<(), Full> {
        self.tx.transmit(frame, &mut self.lender)
    }

    /// Shows the back end what was written.
    pub(crate) fn flush(&mut self, stats: &mut Stats) {
        if self.tx.ring.publish() {
            self.notify(self.bells.tx, stats);
        }
    }

    /// Asks to be notified; `true` if there is something already.
    pub(crate) fn arm(&mut self) -> Result<bool, Broken> {
        let has_sent = self.tx.arm()?;
        Ok(self.rx.ring.arm(1)? || has_sent)
    }

    /// Takes everything back. To be called when the back end has let go, or will never be believed
    /// again. What it still holds is not used again: that is counted.
    pub(crate) fn close(mut self, stats: &mut Stats) -> Memory {
        let (tx, rx) = (self.tx.ring.page().clone(), self.rx.ring.page().clone());
        let areas = self.tx.close(&mut self.lender);
        self.rx.close(&mut self.lender);
        for loan in self.loans {
            self.lender.take_back(loan);
        }
        self.bells.close(&*self.events);
        stats.leaked = self.lender.leaked();
        if stats.leaked > self.leaked {
            return Memory::new();
        }
        Memory { tx, rx, areas }
    }

    fn notify(&self, bell: Port, stats: &mut Stats) {
        self.events.notify(bell);
        stats.notified += 1;
    }
}

/// Lends the pages of both rings.
fn lend_both(
    lender: &mut Lender,
    tx: &SharedPage,
    rx: &SharedPage,
) -> Result<[Loan<()>; 2], Exhausted> {
    let tx = lender.lend_shared(tx, Access::ReadWrite)?;
    match lender.lend_shared(rx, Access::ReadWrite) {
        Ok(rx) => Ok([tx, rx]),
        Err(error) => {
            lender.take_back(tx);
            Err(error)
        }
    }
}

impl Bells {
    fn allocate(events: &dyn Events, to: &BackEnd) -> Result<Self, HypercallError> {
        let rx = events.allocate(to.domain)?;
        if !to.splits {
            return Ok(Self { tx: rx, rx });
        }
        match events.allocate(to.domain) {
            Ok(tx) => Ok(Self { tx, rx }),
            Err(error) => {
                events.close(rx);
                Err(error)
            }
        }
    }

    pub(crate) fn is_split(self) -> bool {
        self.tx != self.rx
    }

    fn close(self, events: &dyn Events) {
        events.close(self.rx);
        if self.is_split() {
            events.close(self.tx);
        }
    }
}

impl From<Exhausted> for OpenError {
    fn from(error: Exhausted) -> Self {
        Self::Grants(error)
    }
}

impl From<HypercallError> for OpenError {
    fn from(error: HypercallError) -> Self {
        Self::Events(error)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grants(error) => error.fmt(f),
            Self::Events(error) => error.fmt(f),
        }
    }
}
