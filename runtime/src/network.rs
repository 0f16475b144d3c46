//! What a place must offer so that applications can talk to others.

use core::net::SocketAddr;
use core::task::{Context, Poll};

use packet::{Chunk, Instant};

use crate::Error;

/// Names a listener of a [`Network`]. A stale one (its listener is gone) is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId {
    /// Which slot of the network's table.
    pub slot: u32,
    /// How often the slot was used before.
    pub generation: u32,
}

/// Names a connection of a [`Network`]. A stale one (its connection is gone) is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowId {
    /// Which slot of the network's table.
    pub slot: u32,
    /// How often the slot was used before.
    pub generation: u32,
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address: the real client's, also where a relay stands between.
    pub address: SocketAddr,
}

/// Connections, as a place offers them: implemented by the kernel's sockets and by our own stack.
///
/// Object-safe and single-threaded. Each `poll_*` remembers one waker for its kind of wait
/// (reading, sending) and flow: the last that asked. An id that is no longer known gives
/// [`Error::Closed`].
pub trait Network {
    /// Starts to listen on `port` of every address of this host.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::Denied`], or [`Error::NoBuffer`] when there are too many listeners.
    fn listen(&self, port: u16) -> Result<ListenerId, Error>;

    /// Takes the next established connection.
    fn poll_accept(
        &self,
        listener: ListenerId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(FlowId, Peer), Error>>;

    /// Stops listening. Connections that nobody accepted are reset.
    fn unlisten(&self, listener: ListenerId);

    /// Starts to connect; [`Network::poll_connect`] tells how it ended.
    ///
    /// # Errors
    /// [`Error::NoBuffer`], or [`Error::Unreachable`] where no route leads there.
    fn connect(&self, remote: SocketAddr) -> Result<FlowId, Error>;

    /// This side's address of a connection, known as soon as [`Network::connect`] has returned; `None`
    /// for an id that is no longer known, and from a place that cannot tell.
    fn local_address(&self, flow: FlowId) -> Option<SocketAddr> {
        let _ = flow;
        None
    }

    /// Waits until the connection is established or has failed.
    fn poll_connect(&self, flow: FlowId, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;

    /// Takes the next received bytes, lent in the buffer that brought them; `None` when the peer
    /// has finished. The memory counts as the connection's until the chunk is dropped.
    fn poll_receive(
        &self,
        flow: FlowId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Chunk>, Error>>;

    /// Hands over `chunk` for sending, without a copy. `Ready` once all of it was accepted (then
    /// `chunk` is `None`); while pending, `chunk` holds what is left.
    fn poll_send(
        &self,
        flow: FlowId,
        chunk: &mut Option<Chunk>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>;

    /// Copies some of `bytes` for sending; tells how many, at least one if there are any.
    fn poll_write(
        &self,
        flow: FlowId,
        bytes: &[u8],
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, Error>>;

    /// Waits until the peer has acknowledged all that was sent and, after [`Network::finish`], the
    /// end of it.
    fn poll_drained(&self, flow: FlowId, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;

    /// Says that nothing more will be sent: the peer sees the end after all that was.
    fn finish(&self, flow: FlowId);

    /// Throws the connection away; the peer sees a reset.
    fn abort(&self, flow: FlowId);

    /// Gives the id back: the application is done with it. With received bytes unread, or more to
    /// come, the connection is aborted (RFC 9293, 3.6.1); else what was sent still goes out.
    fn release(&self, flow: FlowId);

    /// Makes every wait on this connection fail with [`Error::TimedOut`] from `at` on; `None` takes
    /// the deadline away.
    fn deadline(&self, flow: FlowId, at: Option<Instant>);
}
