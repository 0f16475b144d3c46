//! Who is behind the relay.

use core::cell::{Cell, RefCell};
use core::net::{IpAddr, SocketAddr};
use core::task::{Context, Poll, ready};
use std::collections::HashMap;
use std::rc::Rc;

use packet::{Chunk, Instant};
use runtime::{DatagramId, Error, FlowId, ListenerId, Network, Peer};

/// The real client of each relayed connection, by the address that the relay connects from.
#[derive(Default)]
pub(crate) struct Clients(RefCell<HashMap<SocketAddr, SocketAddr>>);

impl Clients {
    /// Remembers that `client` is behind `relay` until the guard is dropped. One entry a relayed
    /// connection, so as many as there may be tasks.
    pub(crate) fn remember(self: &Rc<Self>, relay: SocketAddr, client: SocketAddr) -> Remembered {
        self.0.borrow_mut().insert(relay, client);
        Remembered {
            clients: Rc::clone(self),
            relay,
        }
    }

    fn real(&self, peer: SocketAddr) -> SocketAddr {
        self.0.borrow().get(&peer).copied().unwrap_or(peer)
    }
}

/// Forgets the client when dropped.
pub(crate) struct Remembered {
    clients: Rc<Clients>,
    relay: SocketAddr,
}

impl Drop for Remembered {
    fn drop(&mut self) {
        self.clients.0.borrow_mut().remove(&self.relay);
    }
}

/// A network on which the peers are the real clients. It also knows whether the application listens,
/// and how many connections it took.
pub(crate) struct Published {
    net: Rc<dyn Network>,
    clients: Rc<Clients>,
    listening: Cell<bool>,
    accepted: Cell<u64>,
}

impl Published {
    pub(crate) fn new(net: &Rc<dyn Network>, clients: &Rc<Clients>) -> Self {
        Self {
            net: Rc::clone(net),
            clients: Rc::clone(clients),
            listening: Cell::new(false),
            accepted: Cell::new(0),
        }
    }

    pub(crate) fn is_listening(&self) -> bool {
        self.listening.get()
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.get()
    }
}

impl Network for Published {
    fn listen(&self, port: u16) -> Result<ListenerId, Error> {
        let listener = self.net.listen(port)?;
        self.listening.set(true);
        Ok(listener)
    }

    fn poll_accept(
        &self,
        listener: ListenerId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(FlowId, Peer), Error>> {
        let (flow, peer) = ready!(self.net.poll_accept(listener, cx))?;
        let address = self.clients.real(peer.address);
        self.accepted.set(self.accepted.get() + 1);
        Poll::Ready(Ok((flow, Peer { address })))
    }

    fn unlisten(&self, listener: ListenerId) {
        self.net.unlisten(listener);
    }

    fn connect(&self, remote: SocketAddr) -> Result<FlowId, Error> {
        self.net.connect(remote)
    }

    fn local_address(&self, flow: FlowId) -> Option<SocketAddr> {
        self.net.local_address(flow)
    }

    fn poll_connect(&self, flow: FlowId, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.net.poll_connect(flow, cx)
    }

    fn poll_receive(
        &self,
        flow: FlowId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Chunk>, Error>> {
        self.net.poll_receive(flow, cx)
    }

    fn poll_send(
        &self,
        flow: FlowId,
        chunk: &mut Option<Chunk>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.net.poll_send(flow, chunk, cx)
    }

    fn poll_write(
        &self,
        flow: FlowId,
        bytes: &[u8],
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, Error>> {
        self.net.poll_write(flow, bytes, cx)
    }

    fn poll_drained(&self, flow: FlowId, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.net.poll_drained(flow, cx)
    }

    fn finish(&self, flow: FlowId) {
        self.net.finish(flow);
    }

    fn abort(&self, flow: FlowId) {
        self.net.abort(flow);
    }

    fn release(&self, flow: FlowId) {
        self.net.release(flow);
    }

    fn deadline(&self, flow: FlowId, at: Option<Instant>) {
        self.net.deadline(flow, at);
    }

    fn bind(&self, port: u16) -> Result<DatagramId, Error> {
        self.net.bind(port)
    }

    fn bound_port(&self, id: DatagramId) -> Option<u16> {
        self.net.bound_port(id)
    }

    fn poll_receive_from(
        &self,
        id: DatagramId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Chunk, SocketAddr), Error>> {
        self.net.poll_receive_from(id, cx)
    }

    fn poll_send_to(
        &self,
        id: DatagramId,
        bytes: &[u8],
        remote: SocketAddr,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.net.poll_send_to(id, bytes, remote, cx)
    }

    fn poll_undelivered(
        &self,
        id: DatagramId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(SocketAddr, Error), Error>> {
        self.net.poll_undelivered(id, cx)
    }

    fn name_servers(&self) -> Vec<IpAddr> {
        self.net.name_servers()
    }

    fn unbind(&self, id: DatagramId) {
        self.net.unbind(id);
    }
}
