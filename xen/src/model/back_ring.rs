//! The back end's side of a ring.

use core::marker::PhantomData;
use core::sync::atomic::{Ordering, fence};

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::ring::{REQUEST_EVENT, REQUESTS_PRODUCED, RESPONSE_EVENT, RESPONSES_PRODUCED};
use crate::{FrontRing, SharedPage};

/// Takes requests and answers them, as a well-behaved back end does; and can claim anything.
#[derive(Debug)]
pub struct BackRing<Request, Response> {
    page: SharedPage,
    /// The counters of the next request to be taken, of the next response to be written, and of the
    /// first that was not published.
    taken: u32,
    written: u32,
    published: u32,
    slots: PhantomData<(Request, Response)>,
}

impl<Request, Response> BackRing<Request, Response>
where
    Request: FromBytes + IntoBytes + Immutable,
    Response: FromBytes + IntoBytes + Immutable,
{
    /// Joins the ring in `page`, which is new.
    #[must_use]
    pub fn new(page: SharedPage) -> Self {
        let counter = page.u32(RESPONSES_PRODUCED).load(Ordering::Relaxed);
        Self {
            page,
            taken: counter,
            written: counter,
            published: counter,
            slots: PhantomData,
        }
    }

    /// The page, to be written to at will.
    #[must_use]
    pub const fn page(&self) -> &SharedPage {
        &self.page
    }

    /// How many requests there are to take.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        let produced = self.page.u32(REQUESTS_PRODUCED).load(Ordering::Acquire);
        produced.wrapping_sub(self.taken)
    }

    /// The next request.
    pub fn take(&mut self) -> Option<Request> {
        if self.waiting() == 0 {
            return None;
        }
        let request = self.page.read(Self::place(self.taken));
        self.taken = self.taken.wrapping_add(1);
        Some(request)
    }

    /// Writes the next response, over whatever is there.
    pub fn push(&mut self, response: &Response) {
        self.page.write(Self::place(self.written), response);
        self.written = self.written.wrapping_add(1);
    }

    /// Shows the front end all that was pushed. `true` if it asked to be notified of that.
    #[must_use = "the front end may sleep until it is notified"]
    pub fn publish(&mut self) -> bool {
        let (old, new) = (self.published, self.written);
        self.published = new;
        self.claim(new);
        fence(Ordering::SeqCst);
        let event = self.page.u32(RESPONSE_EVENT).load(Ordering::Relaxed);
        new.wrapping_sub(event) < new.wrapping_sub(old)
    }

    /// Says that the responses go up to this counter.
    pub fn claim(&self, produced: u32) {
        let counter = self.page.u32(RESPONSES_PRODUCED);
        counter.store(produced, Ordering::Release);
    }

    /// Asks to be notified of the next request; `true` if there is one already.
    pub fn arm(&mut self) -> bool {
        let event = self.taken.wrapping_add(1);
        self.page.u32(REQUEST_EVENT).store(event, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.waiting() > 0
    }

    const fn place(counter: u32) -> usize {
        FrontRing::<Request, Response>::place(counter)
    }
}
