//! The kernel's sockets as [`Network`].

use core::net::{IpAddr, SocketAddr};
use core::task::{Context, Poll};

use mio::Interest;
use packet::{Chunk, Instant};
use runtime::{DatagramId, Error, FlowId, ListenerId, Network, Peer};
use rustix::net::SocketType;

use super::bind::bind;
use super::connection::{Connection, Wait};
use super::listener::Listening;
use super::port::Port;
use super::{Kind, LINGER, Sockets, State, canonical, error};

impl Network for Sockets {
    fn listen(&self, port: u16) -> Result<ListenerId, Error> {
        let mut state = self.state.borrow_mut();
        if state.listeners.len() >= self.limits.listeners {
            return Err(Error::NoBuffer);
        }
        let socket = match provided(&mut state.provided, port) {
            Some(socket) => Ok(socket),
            None => bind(SocketType::STREAM, port).map(Into::into),
        };
        let listening = socket
            .and_then(|socket| Listening::new(socket, self.limits.backlog))
            .map_err(|error| error::of(&error))?;
        let (slot, generation) = state.listeners.insert(listening);
        let registered = state.listeners.at(slot).map(|listener| {
            let key = Kind::Listener.key(slot);
            self.reactor
                .register(&mut listener.socket, self.owner, key, Interest::READABLE)
        });
        if let Some(Err(error)) = registered {
            state.listeners.remove(slot);
            return Err(error::of(&error));
        }
        Ok(ListenerId { slot, generation })
    }

    fn poll_accept(
        &self,
        id: ListenerId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(FlowId, Peer), Error>> {
        let mut state = self.state.borrow_mut();
        let turn = state.turn;
        let is_full = state.connections.len() >= self.limits.connections;
        let Some(listener) = state.listeners.named(id.slot, id.generation) else {
            return Poll::Ready(Err(Error::Closed));
        };
        if is_full {
            listener.wait(cx);
            return Poll::Pending;
        }
        let accepted = core::task::ready!(listener.poll_accept(turn, cx))
            .map_err(|error| error::of(&error))
            .and_then(|(stream, address)| {
                let (slot, generation) = self.add(&mut state, Connection::accepted(stream))?;
                Ok((FlowId { slot, generation }, Peer { address }))
            });
        if accepted == Err(Error::NoBuffer) {
            // Descriptors or kernel memory: others give them back, and nothing tells when.
            if let Some(listener) = state.listeners.at(id.slot) {
                listener.wait(cx);
            }
            state.accept_retrying = true;
            state.schedule_retry();
            return Poll::Pending;
        }
        Poll::Ready(accepted)
    }

    fn unlisten(&self, id: ListenerId) {
        let mut state = self.state.borrow_mut();
        if state.listeners.named(id.slot, id.generation).is_some()
            && let Some(mut listener) = state.listeners.remove(id.slot)
        {
            listener.wake();
        }
    }

    fn connect(&self, remote: SocketAddr) -> Result<FlowId, Error> {
        let connection = Connection::connect(remote)?;
        let (slot, generation) = self.add(&mut self.state.borrow_mut(), connection)?;
        Ok(FlowId { slot, generation })
    }

    fn local_address(&self, flow: FlowId) -> Option<SocketAddr> {
        let mut state = self.state.borrow_mut();
        let address = state.held(flow)?.stream.local_addr().ok()?;
        Some(canonical(address))
    }

    fn poll_connect(&self, flow: FlowId, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.with(flow, |connection, _| connection.poll_connect(cx))
    }

    fn poll_receive(
        &self,
        flow: FlowId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Chunk>, Error>> {
        self.with(flow, |connection, turn| {
            connection.poll_receive(&self.pool, turn, cx)
        })
    }

    fn poll_send(
        &self,
        flow: FlowId,
        chunk: &mut Option<Chunk>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.with(flow, |connection, _| connection.poll_send(chunk, cx))
    }

    fn poll_write(
        &self,
        flow: FlowId,
        bytes: &[u8],
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, Error>> {
        self.with(flow, |connection, _| {
            connection.poll_write(&self.pool, bytes, cx)
        })
    }

    fn poll_drained(&self, flow: FlowId, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.with(flow, |connection, _| connection.poll_drained(cx))
    }

    fn finish(&self, flow: FlowId) {
        let mut state = self.state.borrow_mut();
        if let Some(connection) = state.held(flow) {
            connection.finish();
            state.mark_dirty(flow.slot);
        }
    }

    fn abort(&self, flow: FlowId) {
        let mut state = self.state.borrow_mut();
        if let Some(connection) = state.held(flow) {
            connection.reset_on_close();
            state.remove(flow.slot);
        }
    }

    fn release(&self, flow: FlowId) {
        let mut state = self.state.borrow_mut();
        let end = state.now + LINGER;
        let Some(connection) = state.held(flow) else {
            return;
        };
        // With nothing queued, the kernel does the rest: it resets if bytes are unread.
        if !connection.has_more_to_say() {
            state.remove(flow.slot);
        } else if connection.has_unread() {
            connection.reset_on_close();
            state.remove(flow.slot);
        } else {
            connection.released = true;
            connection.deadline = Some(end);
            state.deadlines.set_no_later(flow.slot, end);
            state.mark_dirty(flow.slot);
        }
    }

    fn deadline(&self, flow: FlowId, at: Option<Instant>) {
        let mut state = self.state.borrow_mut();
        let Some(connection) = state.held(flow) else {
            return;
        };
        connection.deadline = at;
        if let Some(at) = at {
            state.deadlines.set_no_later(flow.slot, at);
        }
    }

    fn bind(&self, number: u16) -> Result<DatagramId, Error> {
        let mut state = self.state.borrow_mut();
        if state.ports.len() >= self.limits.ports {
            return Err(Error::NoBuffer);
        }
        let socket = match provided(&mut state.provided_ports, number) {
            Some(socket) => Ok(socket),
            None => bind(SocketType::DGRAM, number).map(Into::into),
        };
        let port = socket.and_then(Port::new);
        let port = port.map_err(|error| error::of(&error))?;
        let (slot, generation) = state.ports.insert(port);
        let registered = state.ports.at(slot).map(|port| {
            let interest = Interest::READABLE | Interest::WRITABLE;
            let key = Kind::Port.key(slot);
            self.reactor
                .register(&mut port.socket, self.owner, key, interest)
        });
        if let Some(Err(error)) = registered {
            state.ports.remove(slot);
            return Err(error::of(&error));
        }
        Ok(DatagramId { slot, generation })
    }

    fn bound_port(&self, id: DatagramId) -> Option<u16> {
        let mut state = self.state.borrow_mut();
        let port = state.ports.named(id.slot, id.generation)?;
        Some(port.socket.local_addr().ok()?.port())
    }

    fn poll_receive_from(
        &self,
        id: DatagramId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Chunk, SocketAddr), Error>> {
        let room = &mut *self.room.borrow_mut();
        self.at_port(id, |port, turn| {
            port.poll_receive(room, &self.pool, turn, cx).map(Ok)
        })
    }

    fn poll_send_to(
        &self,
        id: DatagramId,
        bytes: &[u8],
        remote: SocketAddr,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.at_port(id, |port, _| port.poll_send(bytes, remote, cx))
    }

    fn poll_undelivered(
        &self,
        id: DatagramId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(SocketAddr, Error), Error>> {
        self.at_port(id, |port, _| port.poll_undelivered(cx).map(Ok))
    }

    fn name_servers(&self) -> Vec<IpAddr> {
        self.state.borrow().name_servers.clone()
    }

    fn unbind(&self, id: DatagramId) {
        let mut state = self.state.borrow_mut();
        if state.ports.named(id.slot, id.generation).is_some()
            && let Some(mut port) = state.ports.remove(id.slot)
        {
            port.wake();
        }
    }
}

impl Sockets {
    /// Does `call` on a bound port.
    fn at_port<T>(
        &self,
        id: DatagramId,
        call: impl FnOnce(&mut Port, u64) -> Poll<Result<T, Error>>,
    ) -> Poll<Result<T, Error>> {
        let mut state = self.state.borrow_mut();
        let turn = state.turn;
        match state.ports.named(id.slot, id.generation) {
            Some(port) => call(port, turn),
            None => Poll::Ready(Err(Error::Closed)),
        }
    }

    /// Does `call` on a connection that is usable, and remembers what it left to do.
    fn with<T>(
        &self,
        flow: FlowId,
        call: impl FnOnce(&mut Connection, u64) -> Wait<T>,
    ) -> Poll<Result<T, Error>> {
        let mut state = self.state.borrow_mut();
        let (now, turn) = (state.now, state.turn);
        let connection = state.held(flow).ok_or(Error::Closed)?;
        connection.check(now)?;
        let wait = call(connection, turn);
        if connection.has_more_to_say() {
            state.mark_dirty(flow.slot);
        }
        match wait {
            Wait::Over(result) => Poll::Ready(result),
            Wait::Event => Poll::Pending,
            Wait::Retry => {
                state.retry(flow.slot);
                Poll::Pending
            }
        }
    }
}

impl State {
    /// The connection of this name, while its application holds it.
    fn held(&mut self, flow: FlowId) -> Option<&mut Connection> {
        self.connections
            .named(flow.slot, flow.generation)
            .filter(|connection| !connection.released)
    }
}

/// Takes what somebody else has bound to `port`.
fn provided<T>(sockets: &mut Vec<(u16, T)>, port: u16) -> Option<T> {
    let index = sockets.iter().position(|(bound, _)| *bound == port)?;
    Some(sockets.swap_remove(index).1)
}
