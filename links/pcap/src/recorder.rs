//! What a link's frames are written down with.

use core::cell::RefCell;
use core::time::Duration;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::SystemTime;

use ::link::{Direction, Sink};
use packet::Instant;

use crate::Writer;

/// Writes down what passes a link, as a pcapng file. All clones write the same file; it is whole
/// once the last is dropped, and whenever nothing happens.
#[derive(Clone)]
pub struct Recorder(Rc<RefCell<Inner>>);

struct Inner {
    writer: Writer<Box<dyn Write>>,
    /// When the clock of the link's place started; `None` until a live one has told a time.
    start: Option<Duration>,
    frames: u64,
    failed: Option<io::Error>,
}

impl Recorder {
    /// Writes to `output`, with the time of this machine.
    #[must_use]
    pub fn live(output: impl Write + 'static) -> Self {
        Self::new(output, None)
    }

    /// Writes to `output`, where [`Instant::ZERO`] was `start` (since 1970-01-01 UTC).
    #[must_use]
    pub fn starting_at(start: Duration, output: impl Write + 'static) -> Self {
        Self::new(output, Some(start))
    }

    fn new(output: impl Write + 'static, start: Option<Duration>) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            writer: Writer::new(Box::new(output)),
            start,
            frames: 0,
            failed: None,
        })))
    }

    /// Writes what is still to be written; tells how many frames there are in all.
    ///
    /// # Errors
    /// What went wrong first, now or earlier. Nothing was written after that.
    pub fn finish(&self) -> io::Result<u64> {
        let mut inner = self.0.borrow_mut();
        inner.flush();
        match inner.failed.take() {
            None => Ok(inner.frames),
            Some(error) => Err(error),
        }
    }
}

impl Sink for Recorder {
    fn record(&mut self, now: Instant, direction: Direction, frame: &[u8]) {
        self.0.borrow_mut().record(now, direction, frame);
    }

    fn flush(&mut self) {
        self.0.borrow_mut().flush();
    }
}

impl Inner {
    fn record(&mut self, now: Instant, direction: Direction, frame: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        let elapsed = Duration::from_nanos(now.as_nanos());
        let start = *self.start.get_or_insert_with(|| {
            let unix_time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            unix_time.unwrap_or_default().saturating_sub(elapsed)
        });
        match self.writer.record(start + elapsed, direction, frame) {
            Ok(()) => self.frames += 1,
            Err(error) => self.failed = Some(error),
        }
    }

    fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.writer.flush().err();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.flush();
    }
}
