//! The front, the user's side (RFC 9293, 3.9.1). A call that must wait answers `Pending`, and
//! [`Tcp::poll_event`] tells when to ask again.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::task::Poll;

use packet::{Chunk, Instant};

use crate::demux::Place;
use crate::handshake;
use crate::ids::{ConnectionId, ListenerId};
use crate::input::reset_of;
use crate::seq::ORIGIN;
use crate::state::Event;
use crate::tcb::{Shared, Spare, Tcb, User};
use crate::tcp::Tcp;
use crate::timers::Timer;
use crate::{Error, State};

impl Tcp {
    /// Listens on `port` of every address.
    ///
    /// # Errors
    /// [`Error::InUse`], or [`Error::NoBuffer`] when there are too many listeners.
    pub fn listen(&mut self, port: u16) -> Result<ListenerId, Error> {
        self.listeners.listen(port)
    }

    /// Stops listening. Connections that nobody accepted are reset.
    pub fn unlisten(&mut self, now: Instant, id: ListenerId) {
        let Some(listener) = self.listeners.unlisten(id) else {
            return;
        };
        // At once: an ACK that is under way must find nobody, and be answered with a reset.
        self.end_failed_handshakes(now);
        for connection in listener.accept_queue {
            self.abort(now, connection);
            self.release(now, connection);
        }
    }

    /// Takes an established connection.
    pub fn accept(&mut self, id: ListenerId) -> Poll<Result<(ConnectionId, SocketAddrV4), Error>> {
        let Some(listener) = self.listeners.by_id(id) else {
            return Poll::Ready(Err(Error::Closed));
        };
        let Some(connection) = listener.accept_queue.pop_front() else {
            listener.waits_to_accept = true;
            return Poll::Pending;
        };
        let remote = self.by_id(connection).map(|tcb| tcb.remote);
        Poll::Ready(
            remote
                .map(|remote| (connection, remote))
                .ok_or(Error::Closed),
        )
    }

    /// Starts to connect to `remote` from an unpredictable port of `local` (RFC 6056).
    ///
    /// # Errors
    /// [`Error::NoBuffer`] when there are too many connections, or no port is free.
    pub fn connect(
        &mut self,
        now: Instant,
        local: Ipv4Addr,
        remote: SocketAddrV4,
    ) -> Result<ConnectionId, Error> {
        let (demux, listeners) = (&self.demux, &self.listeners);
        let is_free = |port| {
            demux.find(SocketAddrV4::new(local, port), remote).is_none()
                && listeners.on_port(port).is_none()
        };
        let port = self
            .numbers
            .ephemeral_port(local, remote, is_free)
            .ok_or(Error::NoBuffer)?;
        let local = SocketAddrV4::new(local, port);
        let isn = self.numbers.isn(now, local, remote);
        let offset = self.numbers.timestamp_offset(*local.ip(), *remote.ip());
        let config = &self.shared.config;
        let mut tcb = handshake::active_open(now, (local, remote), isn, offset, config);
        tcb.snd.nagle = config.nagle;
        tcb.user.on_wire = true;
        let slot = self.connections.insert(tcb).map_err(|_| Error::NoBuffer)?;
        self.demux.set(local, remote, Place::Connection(slot));
        self.mark_ready(slot);
        if let Some(tcb) = self.connections.get_mut(slot) {
            self.shared.notes.look_at(tcb);
        }
        Ok(ConnectionId {
            slot,
            generation: self.connections.generation(slot),
        })
    }

    /// Whether an attempt to connect has ended, and how.
    pub fn connected(&mut self, id: ConnectionId) -> Poll<Result<(), Error>> {
        let Some(tcb) = self.by_id(id) else {
            return Poll::Ready(Err(Error::Closed));
        };
        if tcb.state.is_opening() {
            tcb.user.waits_to_connect = true;
            return Poll::Pending;
        }
        Poll::Ready(tcb.user.error.map_or(Ok(()), Err))
    }

    /// Takes the next received bytes, in the buffer that brought them; `None` when the peer has
    /// finished.
    pub fn read(&mut self, id: ConnectionId) -> Poll<Result<Option<Chunk>, Error>> {
        let Some(tcb) = self.by_id(id) else {
            return Poll::Ready(Err(Error::Closed));
        };
        if let Some(queue) = &mut tcb.rcv.queue
            && let Some(chunk) = queue.pop()
        {
            let is_empty = queue.is_empty();
            if is_empty && let Some(queue) = tcb.rcv.queue.take() {
                self.shared.spare.give_recv(queue);
            }
            // The window may have opened by a worthwhile step.
            self.mark_ready(id.slot);
            return Poll::Ready(Ok(Some(chunk)));
        }
        if let Some(error) = tcb.user.error {
            return Poll::Ready(Err(error));
        }
        if tcb.peer_has_finished() {
            return Poll::Ready(Ok(None));
        }
        if tcb.state == State::Closed {
            return Poll::Ready(Err(Error::Closed));
        }
        tcb.user.waits_to_read = true;
        Poll::Pending
    }

    /// Queues a chunk without copying it. While pending, `chunk` holds what is left of it.
    pub fn send(&mut self, id: ConnectionId, chunk: &mut Option<Chunk>) -> Poll<Result<(), Error>> {
        let limit = self.shared.config.send_buffer;
        let Some((tcb, shared)) = self.sender(id) else {
            return Poll::Ready(Err(Error::Closed));
        };
        if let Err(error) = may_send(tcb) {
            return Poll::Ready(Err(error));
        }
        let Some(mut rest) = chunk.take() else {
            return Poll::Ready(Ok(()));
        };
        let room = limit.saturating_sub(tcb.queued());
        let (start, queue) = (tcb.snd.end, send_queue(tcb, &mut shared.spare));
        let count = if queue.is_full() {
            0
        } else {
            room.min(rest.len())
        };
        if count > 0 {
            queue.push(start, rest.split_to(count));
            tcb.snd.end += count as u64;
        }
        let pending = !rest.is_empty();
        if pending {
            *chunk = Some(rest);
            tcb.user.waits_to_write = true;
        }
        self.mark_ready(id.slot);
        if pending {
            Poll::Pending
        } else {
            Poll::Ready(Ok(()))
        }
    }

    /// Queues a copy of some of `bytes`; tells how many, at least one if there are any.
    pub fn write(&mut self, id: ConnectionId, bytes: &[u8]) -> Poll<Result<usize, Error>> {
        let limit = self.shared.config.send_buffer;
        let Some((tcb, shared)) = self.sender(id) else {
            return Poll::Ready(Err(Error::Closed));
        };
        if let Err(error) = may_send(tcb) {
            return Poll::Ready(Err(error));
        }
        let room = limit.saturating_sub(tcb.queued());
        let bytes = &bytes[..bytes.len().min(room)];
        let start = tcb.snd.end;
        let queue = send_queue(tcb, &mut shared.spare);
        let count = queue.write(start, bytes, &shared.pool);
        tcb.snd.end += count as u64;
        if count > 0 || (bytes.is_empty() && room > 0) {
            self.mark_ready(id.slot);
            return Poll::Ready(Ok(count));
        }
        tcb.user.waits_to_write = true;
        if room > 0 && !core::mem::replace(&mut tcb.user.starved, true) {
            self.starved.push(id);
        }
        self.mark_ready(id.slot);
        Poll::Pending
    }

    /// Whether the peer has acknowledged everything that was queued and, after [`Tcp::finish`], the
    /// end of it.
    pub fn drained(&mut self, id: ConnectionId) -> Poll<Result<(), Error>> {
        let Some(tcb) = self.by_id(id) else {
            return Poll::Ready(Err(Error::Closed));
        };
        if let Some(error) = tcb.user.error {
            return Poll::Ready(Err(error));
        }
        if tcb.is_drained() {
            return Poll::Ready(Ok(()));
        }
        if tcb.state == State::Closed {
            // A reset when both had finished: the end was never confirmed.
            return Poll::Ready(Err(Error::Closed));
        }
        tcb.user.waits_to_drain = true;
        Poll::Pending
    }

    /// Nothing more will be sent: a FIN follows what is queued (CLOSE of RFC 9293, 3.10.4, for one
    /// direction).
    pub fn finish(&mut self, now: Instant, id: ConnectionId) {
        let Some((tcb, shared)) = self.sender(id) else {
            return;
        };
        if tcb.snd.fin {
            return;
        }
        match tcb.state {
            State::SynSent => tcb.close(Some(Error::Closed), shared),
            State::Closed | State::TimeWait => return,
            // Opening: the state moves once both are synchronised (3.10.4, SYN-RECEIVED).
            State::SynReceived => tcb.snd.fin = true,
            _ => {
                tcb.snd.fin = true;
                tcb.on(Event::QueuedFin);
            }
        }
        self.settle(id.slot, now);
    }

    /// Throws the connection away; the peer sees a reset (ABORT of RFC 9293, 3.10.5).
    pub fn abort(&mut self, now: Instant, id: ConnectionId) {
        let Some((tcb, shared)) = self.sender(id) else {
            return;
        };
        if tcb.state == State::Closed {
            return;
        }
        if tcb.state != State::SynSent {
            shared.stats.resets_sent += 1;
            shared.outbox.push(reset_of(tcb, now), &mut shared.stats);
        }
        tcb.close(Some(Error::Closed), shared);
        self.settle(id.slot, now);
    }

    /// Gives the id back. With received bytes unread, or an opening under way, the connection is
    /// aborted (RFC 9293, 3.6.1); else what is queued still goes out, and a FIN.
    pub fn release(&mut self, now: Instant, id: ConnectionId) {
        let Some(tcb) = self.by_id(id) else { return };
        tcb.user = User {
            released: true,
            error: tcb.user.error,
            announced: tcb.user.announced,
            ready: tcb.user.ready,
            on_wire: tcb.user.on_wire,
            ..User::default()
        };
        if tcb.unread() > 0 || tcb.state.is_opening() {
            self.abort(now, id);
        } else {
            self.finish(now, id);
        }
        let orphan_timeout = self.shared.config.orphan_timeout;
        if let Some(tcb) = self.by_id(id)
            && tcb.state != State::Closed
        {
            tcb.timers.set(Timer::Orphan, now + orphan_timeout);
        }
        self.settle(id.slot, now);
    }

    /// Whether small segments wait for earlier ones (RFC 9293, 3.7.4 [MUST-17]: a user must be able
    /// to switch the Nagle algorithm off).
    pub fn set_nagle(&mut self, id: ConnectionId, nagle: bool) {
        if let Some(tcb) = self.by_id(id) {
            tcb.snd.nagle = nagle;
            self.mark_ready(id.slot);
        }
    }

    /// Our address and port of a connection.
    #[must_use]
    pub fn local(&mut self, id: ConnectionId) -> Option<SocketAddrV4> {
        self.by_id(id).map(|tcb| tcb.local)
    }

    fn sender(&mut self, id: ConnectionId) -> Option<(&mut Tcb, &mut Shared)> {
        let tcb = self.connections.of_generation_mut(id.slot, id.generation)?;
        Some((tcb, &mut self.shared))
    }
}

fn may_send(tcb: &Tcb) -> Result<(), Error> {
    if let Some(error) = tcb.user.error {
        return Err(error);
    }
    if tcb.snd.fin || !tcb.state.can_send() {
        Err(Error::Closed)
    } else {
        Ok(())
    }
}

fn send_queue<'a>(tcb: &'a mut Tcb, spare: &mut Spare) -> &'a mut crate::send::SendQueue {
    debug_assert!(tcb.snd.end > ORIGIN, "data stands behind the SYN");
    tcb.snd
        .queue
        .get_or_insert_with(|| spare.send.pop().unwrap_or_default())
}

#[cfg(test)]
mod tests;
