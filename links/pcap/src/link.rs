//! A capture file as a link.

use core::cell::RefCell;
use core::time::Duration;
use std::io::Read;
use std::rc::Rc;

use ::link::{Burst, Caps, Full, Link, LinkError, LinkState, Transmit, copy_received};
use packet::{Frame, Instant, Pool, RxMeta};

use crate::{Anomalies, Error, Frames, Reader};

/// The longest time between two frames; more is shortened to it. A damaged time in a file must not
/// make a clock of years tick through.
const MAX_PAUSE: Duration = Duration::from_secs(3600);

/// A link on which the frames of a capture arrive, each at its time: [`Instant::ZERO`] is that of
/// the first, unless [told otherwise](Self::beginning_at). One frame a call, since no two were recorded at the same moment: what is received is
/// answered before the next arrives. What is transmitted is lost; a [`link::Capture`](::link::Capture) around it
/// keeps it.
pub struct PcapLink<R> {
    frames: Frames<R>,
    caps: Caps,
    pool: Pool,
    /// The recorded time of the frame read last, and when it comes.
    recorded: Duration,
    at: Option<Instant>,
    /// The frame that comes next, and when.
    next: Option<(Instant, Frame)>,
    /// How many have been read.
    read: u64,
    report: Rc<RefCell<Report>>,
}

/// How far a capture has been played, and how it was.
#[derive(Debug, Default)]
pub struct Report {
    /// Frames that have arrived.
    pub frames: u64,
    /// The number, in the file, of the one that arrived last; the first has 1.
    pub number: u64,
    /// Whether the next one waits for its time.
    pub waiting: bool,
    /// Frames that the pool had no buffer for.
    pub no_buffer: u64,
    /// What had to be made up for.
    pub anomalies: Anomalies,
    /// Whether the file was read to its end, or to where it goes wrong.
    pub ended: bool,
    /// Where the file goes wrong, if it does: what was before it has arrived.
    pub error: Option<Error>,
}

impl<R: Read> PcapLink<R> {
    /// The frames of `reader`, copied into `pool`, on a link with this hardware address and MTU.
    #[must_use]
    pub fn new(reader: Reader<R>, mac: [u8; 6], mtu: u16, pool: Pool) -> Self {
        let mut link = Self {
            frames: Frames::new(reader),
            caps: Caps {
                mac,
                mtu,
                checksum_offload: false,
                max_super_frame: None,
                max_parts: 64,
                gather_from: 0,
            },
            pool,
            recorded: Duration::ZERO,
            at: None,
            next: None,
            read: 0,
            report: Rc::default(),
        };
        link.read();
        link
    }

    /// The same, with the first frame arriving at `first`: whoever is to receive it needs a moment.
    #[must_use]
    pub fn beginning_at(mut self, first: Instant) -> Self {
        if let Some((at, _)) = &mut self.next {
            *at = first;
        }
        self.at = Some(first);
        self
    }

    /// What was [`Instant::ZERO`] in the recording's time (since 1970-01-01 UTC), while nothing has
    /// arrived.
    #[must_use]
    pub fn start(&self) -> Duration {
        let first = self.at.unwrap_or_default().since(Instant::ZERO);
        self.recorded.saturating_sub(first)
    }

    /// A view of how far it is that stays when the link is given away.
    #[must_use]
    pub fn report(&self) -> Rc<RefCell<Report>> {
        Rc::clone(&self.report)
    }

    /// The frame that was read last has arrived.
    fn arrived(&mut self) {
        let report = &mut *self.report.borrow_mut();
        report.frames += 1;
        report.number = self.read;
    }

    /// Reads the frame that comes next.
    fn read(&mut self) {
        let report = &mut *self.report.borrow_mut();
        while self.next.is_none() && !report.ended {
            match self.frames.next_frame() {
                Ok(Some(recorded)) => {
                    let pause = recorded.time.saturating_sub(self.recorded).min(MAX_PAUSE);
                    let at = self.at.map_or(Instant::ZERO, |previous| previous + pause);
                    self.at = Some(at);
                    self.recorded = recorded.time;
                    self.read += 1;
                    let bytes = core::iter::once(recorded.frame);
                    let frame = copy_received(&self.pool, bytes, RxMeta::default());
                    report.no_buffer += u64::from(frame.is_none());
                    self.next = frame.map(|frame| (at, frame));
                }
                Ok(None) => report.ended = true,
                Err(error) => {
                    report.ended = true;
                    report.error = Some(error);
                }
            }
        }
        report.anomalies = self.frames.anomalies();
        report.waiting = self.next.is_some();
    }
}

impl<R: Read> Link for PcapLink<R> {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn state(&self) -> LinkState {
        LinkState::Up { epoch: 0 }
    }

    fn receive(&mut self, now: Instant, burst: &mut Burst) -> Result<(), LinkError> {
        let due = self.next.take_if(|(at, _)| *at <= now);
        if let Some((_, frame)) = due {
            burst.push(frame);
            self.arrived();
            self.read();
        }
        Ok(())
    }

    fn transmit(&mut self, _: Instant, _: Transmit<'_>) -> Result<(), Full> {
        Ok(())
    }

    fn flush(&mut self, _: Instant) -> Result<(), LinkError> {
        Ok(())
    }

    fn next_event(&self) -> Option<Instant> {
        self.next.as_ref().map(|(at, _)| *at)
    }

    /// Nobody notifies: a frame is due or it is not, as [`Link::next_event`] says.
    fn arm(&mut self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
