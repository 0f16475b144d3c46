//! The ring of requests and responses that a front end shares with its back end (Xen's
//! `io/ring.h`), seen from the front.
//!
//! One page: four counters, then slots. We write requests and `req_prod`; the other side writes a
//! response over the place of a request it has taken, and `rsp_prod`. The counters run freely in 32
//! bits; a slot's place is its counter modulo the number of slots. Each side says with an event
//! counter from which one on it wants to be notified, so a side that is busy looking is left alone.
//!
//! What we need of what we wrote is kept here, never read back. Of what the other side writes,
//! `rsp_prod` is read once for a batch, and one that is further than our requests breaks the ring
//! for good; a response is copied out before it is looked at.

mod in_flight;
#[cfg(test)]
mod tests;

use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{Ordering, fence};

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::{PAGE_SIZE, SharedPage};

pub use in_flight::InFlight;

// Where the counters are, and the slots behind them.
pub(crate) const REQUESTS_PRODUCED: usize = 0;
pub(crate) const REQUEST_EVENT: usize = 4;
pub(crate) const RESPONSES_PRODUCED: usize = 8;
pub(crate) const RESPONSE_EVENT: usize = 12;
const HEADER: usize = 64;

/// The front end's side of a ring.
#[derive(Debug)]
pub struct FrontRing<Request, Response> {
    page: SharedPage,
    /// The counter of the next request to be written, and of the first that was not published.
    written: u32,
    published: u32,
    /// The counters of the next response to be taken, and of the first that is not there yet.
    taken: u32,
    arrived: u32,
    broken: bool,
    slots: PhantomData<(Request, Response)>,
}

impl<Request, Response> FrontRing<Request, Response>
where
    Request: IntoBytes + Immutable,
    Response: FromBytes + IntoBytes,
{
    /// The bytes of a slot, which holds either.
    pub const SLOT: usize = {
        let (request, response) = (size_of::<Request>(), size_of::<Response>());
        if request > response {
            request
        } else {
            response
        }
    };

    /// How many slots there are: the largest power of two for which there is room.
    pub const SLOTS: u32 = 1 << ((PAGE_SIZE - HEADER) / Self::SLOT).ilog2();

    /// An empty ring in `page`, which the back end must not use yet: all of it is written.
    #[must_use]
    pub fn new(page: SharedPage) -> Self {
        Self::starting_at(page, 0)
    }

    /// As [`FrontRing::new`], with counters that have come this far.
    pub(crate) fn starting_at(page: SharedPage, counter: u32) -> Self {
        page.clear();
        page.u32(REQUESTS_PRODUCED)
            .store(counter, Ordering::Relaxed);
        page.u32(RESPONSES_PRODUCED)
            .store(counter, Ordering::Relaxed);
        // Both sides want to hear of the first one.
        let first = counter.wrapping_add(1);
        page.u32(REQUEST_EVENT).store(first, Ordering::Relaxed);
        page.u32(RESPONSE_EVENT).store(first, Ordering::Relaxed);
        Self {
            page,
            written: counter,
            published: counter,
            taken: counter,
            arrived: counter,
            broken: false,
            slots: PhantomData,
        }
    }

    /// The page, to be granted.
    #[must_use]
    pub const fn page(&self) -> &SharedPage {
        &self.page
    }

    /// How many requests may be pushed now.
    #[must_use]
    pub const fn room(&self) -> u32 {
        Self::SLOTS - self.outstanding()
    }

    /// How many requests were pushed of which the response was not taken.
    #[must_use]
    pub const fn outstanding(&self) -> u32 {
        self.written.wrapping_sub(self.taken)
    }

    /// The slot that the next request goes to, below [`FrontRing::SLOTS`].
    #[must_use]
    pub const fn next_slot(&self) -> u32 {
        self.written % Self::SLOTS
    }

    /// Writes a request. The other side sees it when it is published.
    ///
    /// # Errors
    /// [`RingFull`] when there is no slot for it.
    pub fn push(&mut self, request: &Request) -> Result<(), RingFull> {
        if self.room() == 0 {
            return Err(RingFull);
        }
        self.page.write(Self::place(self.written), request);
        self.written = self.written.wrapping_add(1);
        Ok(())
    }

    /// Shows the other side all that was pushed. `true` if it asked to be notified of that.
    #[must_use = "the other side may sleep until it is notified"]
    pub fn publish(&mut self) -> bool {
        let (old, new) = (self.published, self.written);
        if new == old {
            return false;
        }
        self.published = new;
        // Release: whoever sees the counter sees the requests.
        self.page
            .u32(REQUESTS_PRODUCED)
            .store(new, Ordering::Release);
        // The other side writes its event counter and then looks at ours; we do it the other way
        // round. Without a full fence both may read the old value, and it sleeps on our requests.
        fence(Ordering::SeqCst);
        let event = self.page.u32(REQUEST_EVENT).load(Ordering::Relaxed);
        new.wrapping_sub(event) < new.wrapping_sub(old)
    }

    /// Looks for responses; how many may be taken now.
    ///
    /// # Errors
    /// [`Broken`] when the other side claims more than were asked for, now or before.
    pub fn look(&mut self) -> Result<u32, Broken> {
        if self.broken {
            return Err(Broken);
        }
        // Acquire: the responses are at least as new as the counter.
        let produced = self.page.u32(RESPONSES_PRODUCED).load(Ordering::Acquire);
        // From what was taken, so that one that goes back is seen as well: it is far ahead.
        let count = produced.wrapping_sub(self.taken);
        let known = self.arrived.wrapping_sub(self.taken);
        if count > self.published.wrapping_sub(self.taken) || count < known {
            self.broken = true;
            self.arrived = self.taken;
            return Err(Broken);
        }
        self.arrived = produced;
        Ok(count)
    }

    /// The next response of those that [`FrontRing::look`] has found, and its slot.
    pub fn take(&mut self) -> Option<(u32, Response)> {
        if self.taken == self.arrived {
            return None;
        }
        let counter = self.taken;
        self.taken = counter.wrapping_add(1);
        Some((counter % Self::SLOTS, self.page.read(Self::place(counter))))
    }

    /// Asks to be notified when `count` more responses than were taken are there (at least one),
    /// then looks once more: `true` if there are responses already, and nobody may sleep.
    ///
    /// # Errors
    /// As for [`FrontRing::look`].
    pub fn arm(&mut self, count: u32) -> Result<bool, Broken> {
        let event = self.taken.wrapping_add(count.max(1));
        self.page
            .u32(RESPONSE_EVENT)
            .store(event, Ordering::Relaxed);
        // As in `publish`: the other side must see the event counter before we look for the last
        // time.
        fence(Ordering::SeqCst);
        Ok(self.look()? >= count.max(1))
    }

    pub(crate) const fn place(counter: u32) -> usize {
        HEADER + (counter % Self::SLOTS) as usize * Self::SLOT
    }
}

/// A ring has no free slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingFull;

/// The other side does not keep to the protocol: the device is not to be used any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

impl fmt::Display for RingFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the ring has no free slot")
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the back end does not keep to the protocol")
    }
}

impl core::error::Error for RingFull {}
impl core::error::Error for Broken {}
