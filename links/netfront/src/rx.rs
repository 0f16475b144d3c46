//! The way in.
//!
//! A page of the pool waits in each slot of the ring. Responses come in the order of the requests,
//! each in the slot of its request; so the slot says which page it is about, and the number that it
//! carries has only to agree.

use alloc::boxed::Box;

use link::Burst;
use packet::{Buf, Class, Frame, Pool, Usage};
use xen::{Broken, FrontRing};
use zerocopy::transmute;

use crate::assembly::Assembly;
use crate::lender::{Lender, Loan};
use crate::wire::{MAX_DATA_SLOTS, MAX_EXTRAS, RxRequest, RxResponse, SLOTS};
use crate::{Fault, Stats};

/// So many pages are always left to receive in, as many as a packet may take: what is small is copied
/// out of them, so an acknowledgement that frees memory can always be heard.
const FEWEST_PAGES: usize = MAX_DATA_SLOTS + MAX_EXTRAS;

/// Pages for frames that come.
pub(crate) struct Rx {
    pub(crate) ring: FrontRing<RxRequest, RxResponse>,
    /// By slot.
    posted: Box<[Option<Loan<Buf>>; SLOTS]>,
    /// How many pages are to wait in the ring.
    pages: u32,
    assembly: Assembly,
    pool: Pool,
}

impl Rx {
    pub(crate) fn new(ring: FrontRing<RxRequest, RxResponse>, pages: u32, pool: Pool) -> Self {
        Self {
            ring,
            posted: Box::new([const { None }; SLOTS]),
            pages,
            assembly: Assembly::default(),
            pool,
        }
    }

    /// Lends pages until enough of them wait in the ring, or the pool has no more.
    pub(crate) fn post(&mut self, lender: &Lender) {
        while self.ring.outstanding() < self.pages {
            let Some(page) = self.pool.take_receiving(Class::Page) else {
                break;
            };
            let Ok(loan) = lender.lend_page(page) else {
                break;
            };
            let slot = self.ring.next_slot();
            let request = RxRequest {
                id: slot as u16,
                padding: 0,
                grant: loan.reference(),
            };
            let pushed = self.ring.push(&request);
            pushed.unwrap_or_else(|_| unreachable!("there are as many slots as pages, or more"));
            self.posted[slot as usize] = Some(loan);
        }
    }

    /// Adds what has come to `burst`, until that is full.
    ///
    /// # Errors
    /// When the back end answers what was not asked.
    pub(crate) fn receive(
        &mut self,
        burst: &mut Burst,
        lender: &mut Lender,
        stats: &mut Stats,
    ) -> Result<(), Broken> {
        self.ring.look()?;
        while !burst.is_full()
            && let Some((slot, response)) = self.ring.take()
        {
            self.take_in(slot, response, lender)?;
            match self.assembly.take(&self.pool) {
                None => {}
                Some(Ok(frame)) if self.needs_pages_of(&frame) => stats.drop(Fault::NoBuffer),
                Some(Ok(frame)) => {
                    stats.received += 1;
                    stats.received_bytes += frame.len() as u64;
                    stats.received_super_frames += u64::from(frame.meta.gso_size > 0);
                    burst.push(frame);
                }
                Some(Err(fault)) => stats.drop(fault),
            }
        }
        Ok(())
    }

    /// Takes back all pages that wait. What the back end still holds is lost.
    pub(crate) fn close(self, lender: &mut Lender) {
        for loan in self.posted.into_iter().flatten() {
            lender.take_back(loan);
        }
    }

    /// Whether a frame would keep the last pages that anything else could come in.
    fn needs_pages_of(&self, frame: &Frame) -> bool {
        let Usage { held, limit } = self.pool.usage(Class::Page);
        let left = limit - held + self.ring.outstanding() as usize;
        left < FEWEST_PAGES && frame.memory_held() > Class::Cell.size()
    }

    fn take_in(
        &mut self,
        slot: u32,
        response: RxResponse,
        lender: &mut Lender,
    ) -> Result<(), Broken> {
        let loan = self.posted[slot as usize].take().ok_or(Broken)?;
        if self.assembly.wants_extra() {
            // It stands in the response's place; nothing is in the page.
            lender.take_back(loan);
            self.assembly.add_extra(&transmute!(response));
            return Ok(());
        }
        if u32::from(response.id) != slot {
            lender.take_back(loan);
            return Err(Broken);
        }
        let page = lender.take_back(loan).ok_or(Fault::StillInUse);
        self.assembly.add(&response, page);
        Ok(())
    }
}
