//! The other side, for tests and fuzzing: a back end as Linux's is, and a dom0 around it.
//!
//! It takes what it is sent as strictly as Linux's does, which disables a device for good at the first
//! mistake. It is kind otherwise; a test that wants it hostile writes to its rings.

mod dom0;
mod meddled;

use alloc::rc::Rc;
use alloc::vec::Vec;

use packet::RxChecksum;
use xen::model::{BackRing, BadGrant, Model};
use xen::{Access, GrantRef, PAGE_SIZE, Port};
use zerocopy::transmute;

use crate::wire::{
    EXTRA_GSO, Extra, ExtraSlot, GSO_TCPV4, MAX_DATA_SLOTS, RX_CSUM_BLANK, RX_DATA_VALIDATED,
    RX_EXTRA_INFO, RX_MORE_DATA, STATUS_NULL, STATUS_OKAY, TX_CSUM_BLANK, TX_EXTRA_INFO,
    TX_MORE_DATA,
};
pub use crate::wire::{RxRequest, RxResponse, TxRequest, TxResponse};
pub use dom0::{Dom0, Offers};
pub use meddled::Meddled;

/// The back end of a device, as long as the two are connected.
pub struct BackEnd {
    xen: Rc<Model>,
    /// Frames from the front end.
    pub tx: BackRing<TxRequest, TxResponse>,
    /// Frames for it.
    pub rx: BackRing<RxRequest, RxResponse>,
    keys: Keys,
}

/// What the front end says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// The rings' pages.
    pub rings: [GrantRef; 2],
    /// The bells, for frames from it and for it.
    pub bells: [Port; 2],
}

/// A frame from the front end. It is the back end's until it is answered.
#[derive(Debug)]
pub struct Sent {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Its checksum is to be completed.
    pub is_blank: bool,
    /// It is to be cut into segments of so many payload bytes.
    pub gso_size: Option<u16>,
    /// The bytes of each slot.
    pub pieces: Vec<usize>,
    /// What each slot is called, and its page; an extra has neither.
    slots: Vec<Option<(u16, GrantRef)>>,
}

/// What Linux's back end disables a device for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fatal(pub &'static str);

impl BackEnd {
    /// Maps the rings of a front end.
    ///
    /// # Errors
    /// If their pages are not lent for that.
    pub fn join(xen: Rc<Model>, keys: Keys) -> Result<Self, BadGrant> {
        let [tx, rx] = keys.rings;
        Ok(Self {
            tx: BackRing::new(xen.map(tx)?),
            rx: BackRing::new(xen.map(rx)?),
            xen,
            keys,
        })
    }

    /// Unmaps the rings, once no frame of the front end is on its way any more.
    pub fn leave(self) {
        for (page, access) in self.xen.lent() {
            if access == Access::ReadOnly {
                self.xen.let_go(page);
            }
        }
        for ring in self.keys.rings {
            self.xen.let_go(ring);
        }
    }

    /// What the front end has said of itself.
    #[must_use]
    pub const fn keys(&self) -> Keys {
        self.keys
    }

    /// Brings a frame; `false` if the front end has too few pages for it.
    pub fn bring(&mut self, frame: &[u8], checksum: RxChecksum, gso_size: Option<u16>) -> bool {
        self.bring_cut(frame, PAGE_SIZE, checksum, gso_size)
    }

    /// As [`BackEnd::bring`], in pieces of at most `piece` bytes.
    pub fn bring_cut(
        &mut self,
        frame: &[u8],
        piece: usize,
        checksum: RxChecksum,
        gso_size: Option<u16>,
    ) -> bool {
        let pieces = frame.len().div_ceil(piece);
        if (self.rx.waiting() as usize) < pieces + usize::from(gso_size.is_some()) {
            return false;
        }
        for (number, bytes) in frame.chunks(piece).enumerate() {
            let mut flags = match checksum {
                _ if number > 0 => 0,
                RxChecksum::Unknown => 0,
                RxChecksum::Valid => RX_DATA_VALIDATED,
                RxChecksum::Blank => RX_CSUM_BLANK | RX_DATA_VALIDATED,
            };
            let gso_size = gso_size.filter(|_| number == 0);
            if number + 1 < pieces {
                flags |= RX_MORE_DATA;
            }
            if gso_size.is_some() {
                flags |= RX_EXTRA_INFO;
            }
            self.bring_piece(bytes, flags);
            if let Some(gso_size) = gso_size {
                self.bring_extra(EXTRA_GSO, gso_size);
            }
        }
        self.ring_rx();
        true
    }

    /// Puts bytes into the next page and says so, with these flags; nobody is shown it yet.
    pub fn bring_piece(&mut self, bytes: &[u8], flags: u16) -> Option<GrantRef> {
        let RxRequest { id, grant, .. } = self.rx.take()?;
        let status = match self.xen.write(GrantRef(grant), 0, bytes) {
            Ok(()) => bytes.len() as i16,
            Err(BadGrant) => -1,
        };
        self.rx.push(&RxResponse {
            id,
            offset: 0,
            flags,
            status,
        });
        Some(GrantRef(grant))
    }

    /// Puts an extra in the next slot.
    pub fn bring_extra(&mut self, kind: u8, gso_size: u16) {
        let extra = Extra {
            kind,
            flags: 0,
            gso_size,
            gso_type: GSO_TCPV4,
            padding: 0,
            features: 0,
        };
        if self.rx.take().is_some() {
            self.rx.push(&transmute!(extra));
        }
    }

    /// Shows what was put into pages.
    pub fn ring_rx(&mut self) {
        if self.rx.publish() {
            self.xen.notify_front(self.keys.bells[1]);
        }
    }

    /// Takes the next frame of the front end.
    ///
    /// # Errors
    /// [`Fatal`] for what Linux's back end does not forgive.
    pub fn take(&mut self) -> Result<Option<Sent>, Fatal> {
        let Some(first) = self.tx.take() else {
            return Ok(None);
        };
        let mut sent = Sent {
            bytes: Vec::new(),
            is_blank: first.flags & TX_CSUM_BLANK != 0,
            gso_size: None,
            pieces: Vec::new(),
            slots: alloc::vec![Some((first.id, GrantRef(first.grant)))],
        };
        if first.flags & TX_EXTRA_INFO != 0 {
            sent.gso_size = Some(self.take_extra(sent.is_blank)?);
            sent.slots.push(None);
        }
        let mut requests = alloc::vec![first];
        while requests.last().is_some_and(|r| r.flags & TX_MORE_DATA != 0) {
            let next = self.tx.take().ok_or(Fatal("a packet without an end"))?;
            sent.slots.push(Some((next.id, GrantRef(next.grant))));
            requests.push(next);
        }
        if requests.len() > MAX_DATA_SLOTS {
            return Err(Fatal("too many slots"));
        }
        // The first says how long all are together.
        let rest: u16 = requests[1..].iter().map(|request| request.size).sum();
        if requests[0].size < 14 {
            return Err(Fatal("shorter than an Ethernet header"));
        }
        let first_len = requests[0].size.checked_sub(rest);
        requests[0].size = first_len.ok_or(Fatal("shorter than its pieces"))?;
        for request in &requests {
            self.copy(request, &mut sent)?;
        }
        Ok(Some(sent))
    }

    /// Copies a piece, whose page is in use from now on.
    fn copy(&self, request: &TxRequest, sent: &mut Sent) -> Result<(), Fatal> {
        let (offset, len) = (usize::from(request.offset), usize::from(request.size));
        if len == 0 || offset + len > PAGE_SIZE {
            return Err(Fatal("a piece is empty, or crosses a page"));
        }
        let start = sent.bytes.len();
        sent.bytes.resize(start + len, 0);
        sent.pieces.push(len);
        let (page, to) = (GrantRef(request.grant), &mut sent.bytes[start..]);
        let copied = self
            .xen
            .read(page, offset, to)
            .and_then(|()| self.xen.hold(page));
        copied.map_err(|BadGrant| Fatal("a page is not lent"))
    }

    fn take_extra(&mut self, is_blank: bool) -> Result<u16, Fatal> {
        let request = self.tx.take().ok_or(Fatal("a packet without an end"))?;
        let ExtraSlot { extra, .. } = transmute!(request);
        if extra.kind != EXTRA_GSO || extra.flags != 0 {
            return Err(Fatal("an extra that is not known"));
        }
        if extra.gso_size == 0 || extra.gso_type != GSO_TCPV4 || !is_blank {
            return Err(Fatal("a super-frame that cannot be cut"));
        }
        Ok(extra.gso_size)
    }

    /// Lets go of a frame.
    pub fn answer(&mut self, sent: &Sent) {
        self.answer_as(sent, STATUS_OKAY);
    }

    /// Lets go of a frame, of which this became.
    pub fn answer_as(&mut self, sent: &Sent, status: i16) {
        for slot in &sent.slots {
            if let Some((_, page)) = slot {
                self.xen.let_go(*page);
            }
            let named = |(id, _)| TxResponse { id, status };
            let unnamed = TxResponse {
                id: 0,
                status: STATUS_NULL,
            };
            self.tx.push(&slot.map_or(unnamed, named));
        }
        self.ring_tx();
    }

    /// Shows what was answered.
    pub fn ring_tx(&mut self) {
        if self.tx.publish() {
            self.xen.notify_front(self.keys.bells[0]);
        }
    }
}
