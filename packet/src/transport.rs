//! The byte stream that a protocol above TCP asks for.

use embedded_io_async::{BufRead, Write};

use crate::{Chunk, Duration, Instant};

/// A connection as HTTP needs it: bytes in, lent in place; bytes out, copied by `write` or handed
/// over by `send`; and a deadline. It stands here because both sides of it, `http` and `runtime`,
/// know only this crate.
#[expect(async_fn_in_trait, reason = "one thread: no future here is ever Send")]
pub trait Transport: BufRead + Write {
    /// Takes the next received bytes out, in the buffer that brought them: what a reader wants that
    /// must answer while it still looks at what it was asked. `None` when the peer has finished.
    ///
    /// Cancel safe.
    async fn receive(&mut self) -> Result<Option<Chunk>, Self::Error>;

    /// Sends a chunk without copying it; returns when all of it is accepted for sending.
    ///
    /// Not cancel safe: a part of the chunk may have been accepted.
    async fn send(&mut self, chunk: Chunk) -> Result<(), Self::Error>;

    /// Makes every wait on this connection fail at `at`; `None` waits as long as it takes.
    fn deadline(&mut self, at: Option<Instant>);

    /// Says that nothing more will be sent: the peer sees the end after all that was.
    fn finish(&mut self);

    /// Waits until the peer has acknowledged all that was sent and, after [`Transport::finish`],
    /// the end of it.
    async fn drained(&mut self) -> Result<(), Self::Error>;
}

/// What a protocol above TCP must know of where it runs. Asked often, so it should be cheap.
pub trait Surroundings {
    /// The monotonic time.
    fn now(&self) -> Instant;

    /// The wall clock: time since 1970-01-01 00:00:00 UTC.
    fn unix_time(&self) -> Duration;

    /// Whether the program was asked to stop. When that changes, every task must be polled.
    fn is_stopping(&self) -> bool;
}
