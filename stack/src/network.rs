//! What applications see of a host: [`Network`], and which names and errors are whose.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::task::{Context, Poll};

use packet::{Chunk, Instant};
use runtime::{DatagramId, Error, FlowId, ListenerId, Network, Peer};

use crate::Net;
use crate::wakers::{PortWait, Wait};

impl Network for Net {
    fn listen(&self, port: u16) -> Result<ListenerId, Error> {
        let id = self.0.borrow_mut().host.tcp.listen(port).map_err(error)?;
        Ok(ListenerId {
            slot: id.slot,
            generation: id.generation,
        })
    }

    fn poll_accept(
        &self,
        listener: ListenerId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(FlowId, Peer), Error>> {
        let id = listening(listener);
        let inner = &mut *self.0.borrow_mut();
        match inner.host.tcp.accept(id) {
            Poll::Pending => {
                inner.wakers.wait_accept(id, cx);
                Poll::Pending
            }
            Poll::Ready(Err(reason)) => Poll::Ready(Err(error(reason))),
            Poll::Ready(Ok((id, remote))) => {
                inner.wakers.open(id);
                let address = SocketAddr::V4(remote);
                Poll::Ready(Ok((flow(id), Peer { address })))
            }
        }
    }

    fn unlisten(&self, listener: ListenerId) {
        self.with(|inner| inner.host.tcp.unlisten(inner.now, listening(listener)));
    }

    fn connect(&self, remote: SocketAddr) -> Result<FlowId, Error> {
        let SocketAddr::V4(remote) = remote else {
            return Err(Error::Unreachable);
        };
        self.with(|inner| {
            let local = inner.host.interface.local_for(*remote.ip());
            let local = local.ok_or(Error::Unreachable)?;
            let id = inner.host.tcp.connect(inner.now, local, remote);
            let id = id.map_err(error)?;
            inner.wakers.open(id);
            Ok(flow(id))
        })
    }

    fn local_address(&self, flow: FlowId) -> Option<SocketAddr> {
        let inner = &mut *self.0.borrow_mut();
        let local = inner.open(flow).and_then(|id| inner.host.tcp.local(id));
        local.map(SocketAddr::V4)
    }

    fn poll_connect(&self, flow: FlowId, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.ask(flow, Wait::Send, cx, |tcp| tcp.connected(connection(flow)))
    }

    fn poll_receive(
        &self,
        flow: FlowId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Chunk>, Error>> {
        self.ask(flow, Wait::Receive, cx, |tcp| tcp.read(connection(flow)))
    }

    fn poll_send(
        &self,
        flow: FlowId,
        chunk: &mut Option<Chunk>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.ask(flow, Wait::Send, cx, |tcp| {
            tcp.send(connection(flow), chunk)
        })
    }

    fn poll_write(
        &self,
        flow: FlowId,
        bytes: &[u8],
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, Error>> {
        self.ask(flow, Wait::Send, cx, |tcp| {
            tcp.write(connection(flow), bytes)
        })
    }

    fn poll_drained(&self, flow: FlowId, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.ask(flow, Wait::Send, cx, |tcp| tcp.drained(connection(flow)))
    }

    fn finish(&self, flow: FlowId) {
        self.with(|inner| {
            if let Some(id) = inner.open(flow) {
                inner.host.tcp.finish(inner.now, id);
            }
        });
    }

    fn abort(&self, flow: FlowId) {
        self.with(|inner| {
            if let Some(id) = inner.open(flow) {
                inner.host.tcp.abort(inner.now, id);
            }
        });
    }

    fn release(&self, flow: FlowId) {
        self.with(|inner| {
            if let Some(id) = inner.open(flow) {
                inner.wakers.close(id);
                inner.host.tcp.release(inner.now, id);
            }
        });
    }

    fn deadline(&self, flow: FlowId, at: Option<Instant>) {
        let inner = &mut *self.0.borrow_mut();
        inner.wakers.set_deadline(connection(flow), at);
    }

    fn bind(&self, port: u16) -> Result<DatagramId, Error> {
        let inner = &mut *self.0.borrow_mut();
        let id = inner.host.udp.bind(port).map_err(datagram_error)?;
        inner.wakers.open_port(id);
        Ok(DatagramId {
            slot: id.slot,
            generation: id.generation,
        })
    }

    fn bound_port(&self, id: DatagramId) -> Option<u16> {
        self.0.borrow().host.udp.number(bound(id))
    }

    fn poll_receive_from(
        &self,
        id: DatagramId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Chunk, SocketAddr), Error>> {
        let taken = self.ask_port(id, PortWait::Receive, cx, |host| host.udp.take(bound(id)));
        taken.map_ok(|(payload, source)| (payload, SocketAddr::V4(source)))
    }

    fn poll_send_to(
        &self,
        id: DatagramId,
        bytes: &[u8],
        remote: SocketAddr,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        let SocketAddr::V4(remote) = remote else {
            return Poll::Ready(Err(Error::Unreachable));
        };
        self.ask_port(id, PortWait::Send, cx, |host| {
            match host.interface.local_for(*remote.ip()) {
                Some(local) => host.udp.send(bound(id), local, remote, bytes),
                None => Poll::Ready(Err(udp::Error::Unreachable)),
            }
        })
    }

    fn poll_undelivered(
        &self,
        id: DatagramId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(SocketAddr, Error), Error>> {
        let taken = self.ask_port(id, PortWait::Errors, cx, |host| {
            host.udp.take_error(bound(id))
        });
        taken.map_ok(|(remote, error)| (SocketAddr::V4(remote), datagram_error(error)))
    }

    fn name_servers(&self) -> Vec<IpAddr> {
        let servers = self.lease().map(|lease| lease.name_servers);
        servers.into_iter().flatten().map(IpAddr::V4).collect()
    }

    fn unbind(&self, id: DatagramId) {
        self.with(|inner| {
            inner.host.udp.unbind(bound(id));
            inner.wakers.close_port(bound(id));
        });
    }
}

pub(crate) fn connection(flow: FlowId) -> tcp::ConnectionId {
    tcp::ConnectionId {
        slot: flow.slot,
        generation: flow.generation,
    }
}

fn flow(id: tcp::ConnectionId) -> FlowId {
    FlowId {
        slot: id.slot,
        generation: id.generation,
    }
}

fn listening(id: ListenerId) -> tcp::ListenerId {
    tcp::ListenerId {
        slot: id.slot,
        generation: id.generation,
    }
}

pub(crate) fn error(error: tcp::Error) -> Error {
    match error {
        tcp::Error::Refused => Error::Refused,
        tcp::Error::Reset => Error::Reset,
        tcp::Error::TimedOut => Error::TimedOut,
        tcp::Error::Unreachable => Error::Unreachable,
        tcp::Error::Closed => Error::Closed,
        tcp::Error::NoBuffer => Error::NoBuffer,
        tcp::Error::InUse => Error::InUse,
    }
}

pub(crate) fn bound(id: DatagramId) -> udp::PortId {
    udp::PortId {
        slot: id.slot,
        generation: id.generation,
    }
}

pub(crate) fn datagram_error(error: udp::Error) -> Error {
    match error {
        udp::Error::Refused => Error::Refused,
        udp::Error::Unreachable => Error::Unreachable,
        udp::Error::Closed => Error::Closed,
        udp::Error::NoBuffer => Error::NoBuffer,
        udp::Error::InUse => Error::InUse,
        udp::Error::TooLarge => Error::TooLarge,
    }
}
