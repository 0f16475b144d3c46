//! Listeners and connections, as an application holds them.

use alloc::rc::Rc;
use core::future::poll_fn;
use core::net::SocketAddr;

use embedded_io_async::{BufRead, ErrorType, Read, Write};
use packet::{Chunk, Instant, Transport};

use crate::{Error, FlowId, ListenerId, Network, Peer};

/// A port that is listened on; dropping it stops listening.
pub struct Listener {
    net: Rc<dyn Network>,
    id: ListenerId,
}

impl Listener {
    /// Starts to listen on `port`.
    ///
    /// # Errors
    /// As [`Network::listen`].
    pub fn bind(net: &Rc<dyn Network>, port: u16) -> Result<Self, Error> {
        Ok(Self {
            net: Rc::clone(net),
            id: net.listen(port)?,
        })
    }

    /// Takes the next connection. Cancel safe.
    ///
    /// # Errors
    /// [`Error::Closed`] when the place stops.
    pub async fn accept(&mut self) -> Result<(Flow, Peer), Error> {
        let (id, peer) = poll_fn(|cx| self.net.poll_accept(self.id, cx)).await?;
        Ok((
            Flow {
                net: Rc::clone(&self.net),
                id,
                unread: None,
            },
            peer,
        ))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.net.unlisten(self.id);
    }
}

/// A connection. Reading lends the bytes in the buffer that brought them; [`Transport::send`] copies
/// nothing, `write` copies once.
///
/// Dropped with received bytes unread it aborts, as a host must (RFC 9293, 3.6.1); otherwise what
/// was sent still goes out.
pub struct Flow {
    net: Rc<dyn Network>,
    id: FlowId,
    unread: Option<Chunk>,
}

impl Flow {
    /// Connects to `remote`. Not cancel safe: dropping the future aborts.
    ///
    /// # Errors
    /// As [`Network::connect`]; [`Error::Refused`], [`Error::TimedOut`] or [`Error::Unreachable`]
    /// when the attempt failed.
    pub async fn connect(net: &Rc<dyn Network>, remote: SocketAddr) -> Result<Self, Error> {
        let flow = Self {
            net: Rc::clone(net),
            id: net.connect(remote)?,
            unread: None,
        };
        poll_fn(|cx| flow.net.poll_connect(flow.id, cx)).await?;
        Ok(flow)
    }

    /// Throws the connection away; the peer sees a reset.
    pub fn abort(self) {
        self.net.abort(self.id);
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        if self.unread.is_some() {
            self.net.abort(self.id);
        }
        self.net.release(self.id);
    }
}

impl ErrorType for Flow {
    type Error = Error;
}

impl BufRead for Flow {
    async fn fill_buf(&mut self) -> Result<&[u8], Error> {
        if self.unread.is_none() {
            self.unread = poll_fn(|cx| self.net.poll_receive(self.id, cx)).await?;
        }
        Ok(self.unread.as_deref().unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        if let Some(chunk) = &mut self.unread {
            chunk.advance(count);
            if chunk.is_empty() {
                self.unread = None;
            }
        }
    }
}

impl Read for Flow {
    async fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Error> {
        let available = self.fill_buf().await?;
        let count = available.len().min(bytes.len());
        bytes[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl Write for Flow {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        poll_fn(|cx| self.net.poll_write(self.id, bytes, cx)).await
    }

    /// Does nothing: what was written leaves without being asked to.
    async fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl Transport for Flow {
    async fn receive(&mut self) -> Result<Option<Chunk>, Error> {
        match self.unread.take() {
            Some(chunk) => Ok(Some(chunk)),
            None => poll_fn(|cx| self.net.poll_receive(self.id, cx)).await,
        }
    }

    async fn send(&mut self, chunk: Chunk) -> Result<(), Error> {
        let mut chunk = Some(chunk);
        poll_fn(|cx| self.net.poll_send(self.id, &mut chunk, cx)).await
    }

    fn deadline(&mut self, at: Option<Instant>) {
        self.net.deadline(self.id, at);
    }

    fn finish(&mut self) {
        self.net.finish(self.id);
    }

    async fn drained(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.net.poll_drained(self.id, cx)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_small() {
        assert!(size_of::<Flow>() <= 48, "{}", size_of::<Flow>());
    }
}
