//! The device as a link.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::ops::Range;

use link::{Burst, Caps, Full, Link, LinkError, LinkState, Transmit};
use log::warn;
use packet::{Instant, Pool};
use xen::{Broken, DomainId, Events, Grants, Store, StoreError, Watch};

use crate::Stats;
use crate::device::{DEVICES, Device};
use crate::rings::{BackEnd, Memory, Rings};

/// An Ethernet header, and one with an 802.1Q tag.
const ETHERNET_HEADER: usize = 14;
const TAGGED_HEADER: usize = 18;

/// What the driver runs on, and what it may use.
pub struct Config {
    /// What lends pages to the back end.
    pub grants: Rc<dyn Grants>,
    /// The bells between it and us.
    pub events: Rc<dyn Events>,
    /// Where pages come from that frames are received in.
    pub pool: Pool,
    /// How many of them wait for frames: 22, which is one of the largest frames, to 256.
    pub pages: u16,
    /// Memory that is part of the program, and that anybody may see: what is sent from whole pages
    /// of it is lent to the back end where it lies.
    pub public: Vec<Range<usize>>,
}

/// The first network device of this domain, whenever there is one.
pub struct Netfront {
    pub(crate) config: Config,
    pub(crate) store: Rc<RefCell<Store>>,
    /// Tells when devices come and go.
    pub(crate) devices: Watch,
    pub(crate) device: Option<Device>,
    pub(crate) rings: Option<Rings>,
    /// While there are no rings.
    pub(crate) memory: Option<Memory>,
    pub(crate) caps: Caps,
    pub(crate) state: LinkState,
    /// How often it came up.
    pub(crate) epoch: u32,
    pub(crate) stats: Stats,
    shown: Rc<Cell<Stats>>,
    /// Devices were looked for.
    pub(crate) has_looked: bool,
    /// The store is of no use any more.
    pub(crate) is_cut_off: bool,
    /// There may be more to do although nothing has changed.
    pub(crate) is_restless: bool,
}

impl Netfront {
    /// A driver that looks for its device when it is first asked to receive. It is down until then,
    /// and whenever there is none.
    ///
    /// # Errors
    /// If the store does not take a watch.
    pub fn new(config: Config, store: Rc<RefCell<Store>>) -> Result<Self, StoreError> {
        let devices = store.borrow_mut().watch(DEVICES)?;
        let plain = BackEnd {
            domain: DomainId(0),
            gathers: false,
            cuts: false,
            sums: false,
            splits: false,
        };
        Ok(Self {
            config,
            store,
            devices,
            device: None,
            rings: None,
            memory: None,
            caps: plain.caps([0; 6], 1500),
            state: LinkState::Down,
            epoch: 0,
            stats: Stats::default(),
            shown: Rc::default(),
            has_looked: false,
            is_cut_off: false,
            is_restless: true,
        })
    }

    /// What happened, kept up to date at each turn: for whoever looks while a stack owns the link.
    #[must_use]
    pub fn stats(&self) -> Rc<Cell<Stats>> {
        Rc::clone(&self.shown)
    }

    /// The rings, while frames may pass.
    fn rings(&mut self) -> Option<&mut Rings> {
        match self.state {
            LinkState::Up { .. } => self.rings.as_mut(),
            LinkState::Down => None,
        }
    }

    /// Whether the device takes such a frame.
    fn accepts(&self, frame: &Transmit<'_>) -> bool {
        let (caps, len) = (&self.caps, frame.len());
        let limit = match (frame.offload.gso_size, frame.offload.checksum) {
            (Some(0), _) | (Some(_), None) => return false,
            (Some(_), Some(_)) => caps.max_super_frame.unwrap_or(0),
            (None, Some(_)) if !caps.checksum_offload => return false,
            (None, _) => usize::from(caps.mtu) + TAGGED_HEADER,
        };
        (ETHERNET_HEADER..=limit).contains(&len)
    }

    /// The back end does not keep to the protocol: nothing of it is believed any more.
    fn break_off(&mut self) {
        warn!("the network's back end does not keep to the protocol: the device is closed");
        self.stats.broken += 1;
        let store = Rc::clone(&self.store);
        self.leave(&mut store.borrow_mut());
    }
}

impl Link for Netfront {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn state(&self) -> LinkState {
        self.state
    }

    fn receive(&mut self, _: Instant, burst: &mut Burst) -> Result<(), LinkError> {
        self.step();
        let mut result = Ok(());
        if let (LinkState::Up { .. }, Some(rings)) = (self.state, &mut self.rings)
            && let Err(Broken) = rings.receive(burst, &mut self.stats)
        {
            self.break_off();
            result = Err(LinkError::Gone);
        }
        self.shown.set(self.stats);
        result
    }

    fn transmit(&mut self, _: Instant, frame: Transmit<'_>) -> Result<(), Full> {
        if self.state == LinkState::Down {
            self.stats.down += 1;
            return Ok(());
        }
        if !self.accepts(&frame) {
            self.stats.refused += 1;
            return Ok(());
        }
        let Some(rings) = &mut self.rings else {
            return Ok(());
        };
        if rings.transmit(&frame).is_err() {
            self.stats.full += 1;
            return Err(Full);
        }
        self.stats.sent += 1;
        self.stats.sent_bytes += frame.len() as u64;
        self.stats.sent_super_frames += u64::from(frame.offload.gso_size.is_some());
        Ok(())
    }

    fn flush(&mut self, _: Instant) -> Result<(), LinkError> {
        if let (LinkState::Up { .. }, Some(rings)) = (self.state, &mut self.rings) {
            rings.flush(&mut self.stats);
        }
        self.shown.set(self.stats);
        Ok(())
    }

    fn arm(&mut self) -> bool {
        // Others ask the store too, and may have taken in what is for us.
        let store = Rc::clone(&self.store);
        self.is_restless |= self.has_news(&mut store.borrow_mut());
        // What is wrong with a ring, the next look at it will tell.
        let has_work = self.rings().is_some_and(|rings| rings.arm() != Ok(false));
        self.is_restless || has_work
    }
}
