//! The way out.
//!
//! Whole packets only: the back end sees all slots of a packet at once, with the next `publish`. It
//! may keep the pages as long as it likes, and gives them back in any order.

use link::{Full, Transmit};
use packet::Chunk;
use xen::{Access, Broken, Exhausted, FrontRing, InFlight};
use zerocopy::transmute;

use crate::areas::{Area, Areas};
use crate::lender::{Lender, Loan};
use crate::plan::{Plan, Planner};
use crate::wire::{
    ExtraSlot, MAX_DATA_SLOTS, SLOTS, STATUS_NULL, STATUS_OKAY, TX_CSUM_BLANK, TX_DATA_VALIDATED,
    TX_EXTRA_INFO, TX_MORE_DATA, TxRequest, TxResponse,
};

/// The slots of the largest packet: its pieces, and how to cut it.
const MOST_SLOTS: u32 = MAX_DATA_SLOTS as u32 + 1;

/// Frames on their way out.
pub(crate) struct Tx {
    pub(crate) ring: FrontRing<TxRequest, TxResponse>,
    in_flight: InFlight<Loan<Memory>>,
    /// Slots in flight with extra information: as many responses will come that name no piece.
    extras: u32,
    areas: Areas,
    planner: Planner,
    /// A frame has found no room since responses came.
    is_full: bool,
}

/// So few slots that are done are not worth being woken: an eighth of the ring.
const LITTLE: u32 = SLOTS as u32 / 8;

/// What is kept for a piece until the back end is done with it.
#[derive(Debug)]
enum Memory {
    Area(Area),
    Chunk { _held: Chunk },
}

/// A piece that is lent and not yet in the ring.
struct Piece {
    loan: Loan<Memory>,
    offset: u16,
    len: u16,
}

impl Tx {
    pub(crate) fn new(
        ring: FrontRing<TxRequest, TxResponse>,
        areas: Areas,
        planner: Planner,
    ) -> Self {
        Self {
            ring,
            in_flight: InFlight::new(SLOTS as u16),
            extras: 0,
            areas,
            planner,
            is_full: false,
        }
    }

    /// Writes a frame, of a length and with an offload that the device takes, to the ring.
    pub(crate) fn transmit(
        &mut self,
        frame: &Transmit<'_>,
        lender: &mut Lender,
    ) -> Result<(), Full> {
        let pieces = self.lay_out(frame, lender);
        self.is_full |= pieces.is_none();
        self.write(frame, pieces.ok_or(Full)?);
        Ok(())
    }

    /// Takes in what the back end is done with; tells how many pieces it did not send.
    ///
    /// # Errors
    /// When it names what it does not have.
    pub(crate) fn reap(&mut self, lender: &mut Lender) -> Result<u64, Broken> {
        let mut unsent = 0;
        self.is_full &= self.ring.look()? == 0;
        while let Some((_, TxResponse { id, status })) = self.ring.take() {
            if status == STATUS_NULL {
                self.extras = self.extras.checked_sub(1).ok_or(Broken)?;
                continue;
            }
            unsent += u64::from(status != STATUS_OKAY);
            let loan = self.in_flight.take(id).ok_or(Broken)?;
            release(loan, lender, &mut self.areas);
        }
        Ok(unsent)
    }

    /// Asks to be told when at least half of what is in flight is done, and more than a little: that
    /// only frees memory, and what comes meanwhile, an acknowledgement mostly, has us look as well. Or
    /// when anything is, if a frame waits for room. `true` if that is so already.
    pub(crate) fn arm(&mut self) -> Result<bool, Broken> {
        match self.ring.outstanding() {
            0 => Ok(false),
            _ if self.is_full => self.ring.arm(1),
            outstanding => self.ring.arm((outstanding / 2 + 1).max(LITTLE)),
        }
    }

    /// Takes back whatever is in flight. What the back end still holds is lost.
    pub(crate) fn close(mut self, lender: &mut Lender) -> Areas {
        for loan in self.in_flight.drain() {
            release(loan, lender, &mut self.areas);
        }
        self.areas
    }

    /// Decides which slots a frame takes, and lends what is in them. `None` when there is no room,
    /// no memory, or no grant.
    fn lay_out(
        &mut self,
        frame: &Transmit<'_>,
        lender: &mut Lender,
    ) -> Option<heapless::Vec<Piece, MAX_DATA_SLOTS>> {
        if self.ring.room() < MOST_SLOTS {
            return None;
        }
        let area = self.areas.take()?;
        let Some(plan) = self.planner.plan(frame, self.areas.place(&area)) else {
            self.areas.give_back(area);
            return None;
        };
        let mut pieces = heapless::Vec::new();
        if self.lend(plan, area, lender, &mut pieces).is_err() {
            for piece in pieces {
                release(piece.loan, lender, &mut self.areas);
            }
            return None;
        }
        Some(pieces)
    }

    fn lend(
        &mut self,
        plan: Plan,
        area: Area,
        lender: &Lender,
        pieces: &mut heapless::Vec<Piece, MAX_DATA_SLOTS>,
    ) -> Result<(), Exhausted> {
        let (page, offset) = self.areas.place(&area);
        let copied = if plan.copied > 0 {
            lender.lend_shared(page, Access::ReadOnly).map(Some)
        } else {
            Ok(None)
        };
        match copied {
            Ok(Some(loan)) => {
                let loan = loan.map(|()| Memory::Area(area));
                push(pieces, loan, offset, plan.copied);
            }
            other => {
                self.areas.give_back(area);
                other?;
            }
        }
        for chunk in plan.pieces {
            let (offset, len) = (chunk.as_ptr().addr() % xen::PAGE_SIZE, chunk.len());
            let loan = lender.lend_chunk(chunk)?;
            let loan = loan.map(|held| Memory::Chunk { _held: held });
            push(pieces, loan, offset, len);
        }
        Ok(())
    }

    fn write(&mut self, frame: &Transmit<'_>, pieces: heapless::Vec<Piece, MAX_DATA_SLOTS>) {
        let count = pieces.len();
        for (number, piece) in pieces.into_iter().enumerate() {
            let mut request = TxRequest {
                grant: piece.loan.reference(),
                offset: piece.offset,
                flags: if number + 1 < count { TX_MORE_DATA } else { 0 },
                id: 0,
                size: piece.len,
            };
            let gso_size = frame.offload.gso_size.filter(|_| number == 0);
            if number == 0 {
                request.size = frame.len() as u16;
                if frame.offload.checksum.is_some() {
                    request.flags |= TX_CSUM_BLANK | TX_DATA_VALIDATED;
                }
                if gso_size.is_some() {
                    request.flags |= TX_EXTRA_INFO;
                }
            }
            request.id = self.fly(piece.loan);
            self.push(&request);
            if let Some(size) = gso_size {
                self.extras += 1;
                self.push(&transmute!(ExtraSlot::gso(size)));
            }
        }
    }

    /// Each piece in flight has a slot of its own, and there are as many places as slots; there was
    /// room for them all.
    fn fly(&mut self, loan: Loan<Memory>) -> u16 {
        let id = self.in_flight.insert(loan);
        id.unwrap_or_else(|_| unreachable!("there is a place for each slot"))
    }

    fn push(&mut self, request: &TxRequest) {
        let pushed = self.ring.push(request);
        pushed.unwrap_or_else(|_| unreachable!("there was room for the whole packet"));
    }
}

fn release(loan: Loan<Memory>, lender: &mut Lender, areas: &mut Areas) {
    if let Some(Memory::Area(area)) = lender.take_back(loan) {
        areas.give_back(area);
    }
}

/// There are never more pieces than a plan has, and an area.
fn push(
    pieces: &mut heapless::Vec<Piece, MAX_DATA_SLOTS>,
    loan: Loan<Memory>,
    offset: usize,
    len: usize,
) {
    let piece = Piece {
        loan,
        offset: offset as u16,
        len: len as u16,
    };
    let pushed = pieces.push(piece);
    pushed.unwrap_or_else(|_| unreachable!("a plan has room for them"));
}
