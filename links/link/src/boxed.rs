//! A link behind a pointer is a link: decorators stack over devices chosen at start.

use alloc::boxed::Box;

use packet::Instant;

use crate::{Burst, Caps, Full, Link, LinkError, LinkState, Transmit};

impl<L: Link + ?Sized> Link for Box<L> {
    fn caps(&self) -> &Caps {
        (**self).caps()
    }

    fn state(&self) -> LinkState {
        (**self).state()
    }

    fn receive(&mut self, now: Instant, burst: &mut Burst) -> Result<(), LinkError> {
        (**self).receive(now, burst)
    }

    fn transmit(&mut self, now: Instant, frame: Transmit<'_>) -> Result<(), Full> {
        (**self).transmit(now, frame)
    }

    fn flush(&mut self, now: Instant) -> Result<(), LinkError> {
        (**self).flush(now)
    }

    fn next_event(&self) -> Option<Instant> {
        (**self).next_event()
    }

    fn arm(&mut self) -> bool {
        (**self).arm()
    }
}
