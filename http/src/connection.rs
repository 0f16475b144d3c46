//! A transport, and what it received that nobody has looked at yet.

use embedded_io_async::{Error as _, ErrorKind};
use packet::{Chunk, Instant, Transport};

use crate::{Error, Refusal};

pub(crate) struct Connection<T> {
    pub(crate) transport: T,
    pub(crate) unread: Chunk,
    /// The peer has finished: nothing more will come.
    pub(crate) ended: bool,
    /// Heads that were read.
    pub(crate) requests: u32,
}

impl<T: Transport> Connection<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self {
            transport,
            unread: Chunk::default(),
            ended: false,
            requests: 0,
        }
    }

    /// Waits until `deadline` for more bytes; call it when all others were taken. `Truncated` when
    /// the peer has finished, `Timeout` when it was too slow. Cancel safe.
    pub(crate) async fn fill(&mut self, deadline: Option<Instant>) -> Result<(), Error<T::Error>> {
        if deadline.is_some() {
            self.transport.deadline(deadline);
        }
        match self.transport.receive().await {
            Ok(Some(chunk)) => {
                self.unread = chunk;
                Ok(())
            }
            Ok(None) => {
                self.ended = true;
                Err(Error::Refused(Refusal::Truncated))
            }
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                Err(Error::Refused(Refusal::Timeout))
            }
            Err(error) => Err(Error::Transport(error)),
        }
    }

    /// Copies all of `bytes` out. Not cancel safe.
    pub(crate) async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error<T::Error>> {
        while !bytes.is_empty() {
            let count = self
                .transport
                .write(bytes)
                .await
                .map_err(Error::Transport)?;
            bytes = match bytes.get(count..) {
                Some(rest) if count > 0 => rest,
                // A transport that takes nothing will never take anything.
                _ => return Err(Error::Aborted),
            };
        }
        Ok(())
    }
}
