//! Writing down what passes a link.

use alloc::vec::Vec;

use packet::{Instant, RxChecksum};

use crate::{Burst, Caps, Full, Ipv4Layout, Link, LinkError, LinkState, Transmit};

/// Which way a frame went, as seen from the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Received.
    In,
    /// Sent.
    Out,
}

/// Where frames are written down.
pub trait Sink {
    /// Takes a whole frame. What cannot be written is the sink's to count: traffic goes on.
    fn record(&mut self, now: Instant, direction: Direction, frame: &[u8]);

    /// Writes down what it has kept back: nothing happens for a while.
    fn flush(&mut self);
}

/// Writes down every frame of a link, in both directions, as a cable would have carried it: a
/// checksum that was left to the device is completed in the copy. Super-frames stay whole. What
/// arrives damaged is written down damaged.
#[derive(Debug)]
pub struct Capture<L, S> {
    link: L,
    sink: S,
    /// The frame at hand in one piece; at most a super-frame.
    copy: Vec<u8>,
}

impl<L: Link, S: Sink> Capture<L, S> {
    /// Wraps `link`.
    #[must_use]
    pub fn new(link: L, sink: S) -> Self {
        let copy = Vec::new();
        Self { link, sink, copy }
    }

    /// The link inside.
    #[must_use]
    pub fn inner(&self) -> &L {
        &self.link
    }

    fn record(&mut self, now: Instant, direction: Direction, blank: bool) {
        if blank && let Some(layout) = Ipv4Layout::parse(&self.copy) {
            layout.complete(&mut self.copy);
        }
        self.sink.record(now, direction, &self.copy);
    }
}

impl<L: Link, S: Sink> Link for Capture<L, S> {
    fn caps(&self) -> &Caps {
        self.link.caps()
    }

    fn state(&self) -> LinkState {
        self.link.state()
    }

    fn receive(&mut self, now: Instant, burst: &mut Burst) -> Result<(), LinkError> {
        let before = burst.len();
        let result = self.link.receive(now, burst);
        for frame in burst.frames().iter().skip(before) {
            self.copy.clear();
            frame
                .parts()
                .for_each(|part| self.copy.extend_from_slice(part));
            self.record(now, Direction::In, frame.meta.checksum == RxChecksum::Blank);
        }
        result
    }

    fn transmit(&mut self, now: Instant, frame: Transmit<'_>) -> Result<(), Full> {
        self.link.transmit(now, frame)?;
        self.copy.clear();
        self.copy.extend_from_slice(frame.head);
        frame
            .payload
            .iter()
            .for_each(|chunk| self.copy.extend_from_slice(chunk));
        let blank = frame.offload.checksum.is_some() || frame.offload.gso_size.is_some();
        self.record(now, Direction::Out, blank);
        Ok(())
    }

    fn flush(&mut self, now: Instant) -> Result<(), LinkError> {
        self.link.flush(now)
    }

    fn next_event(&self) -> Option<Instant> {
        self.link.next_event()
    }

    fn arm(&mut self) -> bool {
        let work = self.link.arm();
        if !work {
            self.sink.flush();
        }
        work
    }
}
