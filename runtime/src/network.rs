//! What a place must offer so that applications can talk to others.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
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

/// Names a port of a [`Network`] that is bound for datagrams. A stale one (its port was given back) is
/// recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DatagramId {
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

/// Connections and datagrams, as a place offers them: implemented by the kernel's sockets and by our own
/// stack.
///
/// Object-safe and single-threaded. Each `poll_*` remembers one waker for its kind of wait
/// (reading, sending) and id: the last that asked. An id that is no longer known gives
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

    /// Binds `port` of every address of this host for datagrams; 0 stands for a free one that a
    /// stranger cannot guess.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::Denied`], or [`Error::NoBuffer`] when too many ports are bound.
    fn bind(&self, port: u16) -> Result<DatagramId, Error>;

    /// The number of a bound port; `None` for an id that is no longer known.
    fn bound_port(&self, id: DatagramId) -> Option<u16>;

    /// Takes the datagram that waits longest, and who sent it. What nobody takes waits in a bounded
    /// queue; when that is full, new ones are dropped.
    fn poll_receive_from(
        &self,
        id: DatagramId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Chunk, SocketAddr), Error>>;

    /// Sends a copy of `bytes` as one datagram. Pending: nothing of it was sent. It may be lost on its
    /// way, and nobody tells.
    fn poll_send_to(
        &self,
        id: DatagramId,
        bytes: &[u8],
        remote: SocketAddr,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>;

    /// Takes the oldest news of a datagram that did not arrive, and to whom it was sent. A few wait.
    fn poll_undelivered(
        &self,
        id: DatagramId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(SocketAddr, Error), Error>>;

    /// The servers that know the addresses of names, as the network tells: those of DHCP, or of the
    /// machine's own configuration. They may change.
    fn name_servers(&self) -> Vec<IpAddr> {
        Vec::new()
    }

    /// Gives a port back: what was received and not taken is dropped, what was sent still goes out,
    /// and waits end with [`Error::Closed`].
    fn unbind(&self, id: DatagramId);
}
