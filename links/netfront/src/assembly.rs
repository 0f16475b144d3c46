//! Received slots, put together to frames.
//!
//! The back end is not believed: a packet of which anything is wrong is dropped as a whole, with the
//! first reason, and its slots are consumed to its end, however long it pretends to be. Nothing here
//! waits for that end: what has come of a packet so far is kept from one look at the ring to the next.

use link::copy_received;
use packet::{Buf, Class, Frame, Part, Pool, RxChecksum, RxMeta};

use crate::wire::{
    EXTRA_GSO, EXTRA_KINDS, EXTRA_MORE, Extra, GSO_TCPV4, MAX_DATA_SLOTS, MAX_EXTRAS,
    RX_CSUM_BLANK, RX_DATA_VALIDATED, RX_EXTRA_INFO, RX_MORE_DATA, RxResponse,
};

/// Up to this many bytes a frame is copied into a cell: an acknowledgement should not keep 4 KiB from
/// others.
const COPYBREAK: usize = Class::Cell.size();

/// The longest chain of headers: Ethernet with two tags, IPv4 and TCP with all their options.
const HEADERS: usize = 14 + 8 + 60 + 60;

/// An Ethernet header: less is no frame.
const SHORTEST: usize = 14;

/// Why a received packet was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The back end says that it failed to bring it.
    Failed,
    /// A piece is said to lie outside its page.
    OutsidePage,
    /// It has more pieces, or more extra information, than a packet may have.
    TooManySlots,
    /// Extra information of a kind that there is not, or that makes no sense.
    BadExtra,
    /// It is shorter than an Ethernet header.
    Runt,
    /// The back end still holds one of its pages.
    StillInUse,
    /// The pool has no memory for it.
    NoBuffer,
}

impl Fault {
    /// How many there are.
    pub const COUNT: usize = Self::NoBuffer as usize + 1;
}

/// What has come of a packet so far.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    parts: heapless::Vec<Part, MAX_DATA_SLOTS>,
    slots: usize,
    extras: usize,
    meta: RxMeta,
    /// The next slot is an extra; another piece follows then.
    wants_extra: bool,
    wants_more: bool,
    fault: Option<Fault>,
}

impl Assembly {
    /// Whether the next slot is an [`Extra`] and not a response.
    pub(crate) const fn wants_extra(&self) -> bool {
        self.wants_extra
    }

    /// Adds a piece, in the page that it came in, which is ours again.
    pub(crate) fn add(&mut self, response: &RxResponse, page: Result<Buf, Fault>) {
        let has = |flag| response.flags & flag != 0;
        if self.slots == 0 {
            self.meta.checksum = if has(RX_CSUM_BLANK) {
                RxChecksum::Blank
            } else if has(RX_DATA_VALIDATED) {
                RxChecksum::Valid
            } else {
                RxChecksum::Unknown
            };
        } else if has(RX_EXTRA_INFO) {
            self.blame(Fault::BadExtra); // It belongs to the first.
        }
        self.wants_extra = has(RX_EXTRA_INFO);
        self.wants_more = has(RX_MORE_DATA);
        self.slots += 1;
        match page.and_then(|page| piece(response, page)) {
            Ok(part) if part.is_empty() => {}
            Ok(part) => {
                if self.fault.is_none() && self.parts.push(part).is_err() {
                    self.blame(Fault::TooManySlots);
                }
            }
            Err(fault) => self.blame(fault),
        }
        if self.slots > MAX_DATA_SLOTS {
            self.blame(Fault::TooManySlots);
        }
    }

    /// Adds extra information.
    pub(crate) fn add_extra(&mut self, extra: &Extra) {
        self.extras += 1;
        self.wants_extra = extra.flags & EXTRA_MORE != 0;
        match extra.kind {
            0 | EXTRA_KINDS.. => self.blame(Fault::BadExtra),
            EXTRA_GSO if extra.gso_size == 0 || extra.gso_type != GSO_TCPV4 => {
                self.blame(Fault::BadExtra);
            }
            EXTRA_GSO => self.meta.gso_size = extra.gso_size,
            _ => {}
        }
        if self.extras > MAX_EXTRAS {
            self.blame(Fault::TooManySlots);
        }
    }

    /// The packet, if its last slot has come; then the next one begins.
    pub(crate) fn take(&mut self, pool: &Pool) -> Option<Result<Frame, Fault>> {
        if self.wants_extra || self.wants_more {
            return None;
        }
        Some(core::mem::take(self).finish(pool))
    }

    fn finish(self, pool: &Pool) -> Result<Frame, Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let len: usize = self.parts.iter().map(Part::len).sum();
        if len < SHORTEST {
            return Err(Fault::Runt);
        }
        let pieces = self.parts.iter().map(|part| &**part);
        let is_split = self.parts.len() > 1 && self.parts[0].len() < HEADERS;
        if is_split {
            return copy_received(pool, pieces, self.meta).ok_or(Fault::NoBuffer);
        }
        if len <= COPYBREAK
            && let Some(frame) = copy_received(pool, pieces, self.meta)
        {
            return Ok(frame);
        }
        let mut parts = self.parts.into_iter();
        let first = parts.next().ok_or(Fault::Runt)?;
        let mut frame = Frame::new(first, self.meta);
        for part in parts {
            frame.push(part).map_err(|_| Fault::TooManySlots)?;
        }
        Ok(frame)
    }

    /// Drops all that has come, and all that will come of this packet. Its memory is free at once.
    fn blame(&mut self, fault: Fault) {
        self.parts.clear();
        self.fault.get_or_insert(fault);
    }
}

/// The bytes that a response names.
fn piece(response: &RxResponse, page: Buf) -> Result<Part, Fault> {
    let len = usize::try_from(response.status).map_err(|_| Fault::Failed)?;
    let start = usize::from(response.offset);
    if start + len > page.len() {
        return Err(Fault::OutsidePage);
    }
    Ok(Part::new(page, start..start + len))
}
