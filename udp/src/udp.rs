//! The front: datagrams and user calls in, datagrams out.

use alloc::collections::VecDeque;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::task::Poll;

use packet::{Chunk, Frame, Part, Pool, Secrets};

use crate::header::{self, Datagram, HEADER_LEN, MAX_PAYLOAD_LEN, Packet};
use crate::port::Port;
use crate::table::{PortId, Table};
use crate::{Config, Drop, Error, Malformed, Stats};

/// Takes the datagrams of a host, adds what lies below UDP, and hands them to a link.
pub trait Output {
    /// Sends one datagram.
    ///
    /// # Errors
    /// [`Blocked`] says why it was not sent.
    fn transmit(&mut self, datagram: Outgoing<'_>) -> Result<(), Blocked>;
}

/// A datagram on its way out.
#[derive(Debug)]
pub struct Outgoing<'a> {
    /// From which of our addresses.
    pub local: Ipv4Addr,
    /// To whom.
    pub remote: Ipv4Addr,
    /// The UDP header; in the checksum field, only the pseudo-header's sum.
    pub header: [u8; HEADER_LEN],
    /// What it says.
    pub payload: &'a Chunk,
}

/// Why a datagram was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// The link has no room now.
    Full,
    /// The hardware address of the next hop is not known yet: call [`Udp::resolved`] when it is.
    Unresolved,
    /// There is no way to the destination.
    Unreachable,
}

/// All bound ports of one host.
pub struct Udp {
    config: Config,
    pool: Pool,
    table: Table,
    /// To be sent, in the order in which users sent them.
    unsent: VecDeque<Unsent>,
    /// Those of them that wait for their next hop's hardware address.
    unresolved: VecDeque<Unsent>,
    /// Whether it is worth trying them again.
    retry: bool,
    /// Ports of which somebody waits for what has happened.
    events: VecDeque<PortId>,
    stats: Stats,
}

struct Unsent {
    port: PortId,
    local: SocketAddrV4,
    remote: SocketAddrV4,
    payload: Chunk,
}

impl Udp {
    /// A host with nothing bound. Ephemeral ports come from `secrets`.
    #[must_use]
    pub fn new(config: Config, pool: Pool, secrets: &Secrets) -> Self {
        Self {
            config,
            pool,
            table: Table::new(config.ports, secrets),
            unsent: VecDeque::new(),
            unresolved: VecDeque::new(),
            retry: false,
            events: VecDeque::new(),
            stats: Stats::default(),
        }
    }

    /// The link takes packets of `mtu` bytes from now on.
    pub fn set_link(&mut self, mtu: u16) {
        self.config.mtu = mtu;
    }

    /// Whether all that was to be sent has left.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.unsent.is_empty() && self.unresolved.is_empty()
    }

    /// What was done so far.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Takes in a frame that starts at the UDP header and ends with the IP packet.
    ///
    /// # Errors
    /// Why it was dropped; it is counted already. After [`Drop::NoPort`] the sender may be told.
    pub fn receive(&mut self, packet: &Packet, frame: Frame) -> Result<(), Drop> {
        self.stats.received += 1;
        let received = self.keep(packet, frame);
        received.inspect_err(|reason| self.stats.drop(*reason))
    }

    /// Somebody tells that a datagram of ours to `remote`, of which `quoted` is the start, did not
    /// arrive.
    pub fn icmp_error(&mut self, remote: Ipv4Addr, quoted: &[u8], error: Error) {
        if let Some((ours, theirs)) = header::quoted_ports(quoted)
            && let Some((id, _)) = self.table.by_number(ours)
        {
            self.report(id, SocketAddrV4::new(remote, theirs), error);
        }
    }

    /// A neighbour resolved or was given up: what waited for one is tried again.
    pub fn resolved(&mut self) {
        self.retry = true;
    }

    /// Hands over all that may be sent now.
    pub fn poll_transmit(&mut self, output: &mut dyn Output) {
        if self.retry || !self.unsent.is_empty() {
            self.transmit_all(output);
        }
    }

    #[inline(never)]
    fn transmit_all(&mut self, output: &mut dyn Output) {
        if self.retry {
            for _ in 0..self.unresolved.len() {
                let Some(datagram) = self.unresolved.pop_front() else {
                    break;
                };
                if let Err(datagram) = self.transmit(datagram, output) {
                    return self.unresolved.push_front(datagram);
                }
            }
            self.retry = false;
        }
        while let Some(datagram) = self.unsent.pop_front() {
            let port = datagram.port;
            if let Err(datagram) = self.transmit(datagram, output) {
                return self.unsent.push_front(datagram);
            }
            self.left(port);
        }
    }

    /// Something may have happened that somebody waits for at this port.
    pub fn poll_event(&mut self) -> Option<PortId> {
        self.events.pop_front()
    }

    fn keep(&mut self, packet: &Packet, frame: Frame) -> Result<(), Drop> {
        let datagram = Datagram::parse(packet, frame).map_err(|reason| match reason {
            Malformed::Checksum => Drop::Checksum,
            Malformed::Truncated | Malformed::Length => Drop::Malformed,
        })?;
        let number = datagram.destination.port();
        let (id, port) = self.table.by_number(number).ok_or(Drop::NoPort)?;
        let received = (datagram.payload, datagram.source);
        port.keep(received, &self.pool, &self.config)?;
        if core::mem::take(&mut port.waits_to_receive) {
            self.events.push_back(id);
        }
        Ok(())
    }

    /// The most bytes that a datagram can have on this link.
    fn room(&self) -> usize {
        let room = usize::from(self.config.mtu).saturating_sub(20 + HEADER_LEN);
        room.min(MAX_PAYLOAD_LEN)
    }

    /// Sends a datagram, or puts it where it waits; gives it back when the link is full.
    fn transmit(&mut self, datagram: Unsent, output: &mut dyn Output) -> Result<(), Unsent> {
        let Unsent { local, remote, .. } = datagram;
        if datagram.payload.len() > self.room() {
            // It was queued for another link.
            self.stats.drop(Drop::TooLarge);
            self.report(datagram.port, remote, Error::TooLarge);
            return Ok(());
        }
        let outgoing = Outgoing {
            local: *local.ip(),
            remote: *remote.ip(),
            header: header::blank_header(local, remote, datagram.payload.len()),
            payload: &datagram.payload,
        };
        match output.transmit(outgoing) {
            Ok(()) => self.stats.sent += 1,
            Err(Blocked::Full) => return Err(datagram),
            Err(Blocked::Unresolved) => {
                if self.unresolved.len() >= self.config.unresolved {
                    self.unresolved.pop_front();
                    self.stats.drop(Drop::Unresolved);
                }
                self.unresolved.push_back(datagram);
            }
            Err(Blocked::Unreachable) => {
                self.stats.drop(Drop::Unreachable);
                self.report(datagram.port, remote, Error::Unreachable);
            }
        }
        Ok(())
    }

    /// One datagram less of this port is to be sent.
    fn left(&mut self, id: PortId) {
        if let Some(port) = self.table.by_id(id) {
            port.unsent -= 1;
            if core::mem::take(&mut port.waits_to_send) {
                self.events.push_back(id);
            }
        }
    }

    fn report(&mut self, id: PortId, remote: SocketAddrV4, error: Error) {
        if let Some(port) = self.table.by_id(id) {
            self.stats.undelivered += 1;
            port.report(remote, error, &self.config);
            if core::mem::take(&mut port.waits_for_errors) {
                self.events.push_back(id);
            }
        }
    }
}

/// The user's side. A call that must wait answers `Pending`, and [`Udp::poll_event`] tells when to ask
/// again.
impl Udp {
    /// Binds `number` of every address; 0 stands for a free one that a stranger cannot guess.
    ///
    /// # Errors
    /// [`Error::InUse`], or [`Error::NoBuffer`] when there are too many ports.
    pub fn bind(&mut self, number: u16) -> Result<PortId, Error> {
        self.table.bind(number)
    }

    /// Gives a port back. What was received and not taken is dropped; what is to be sent is sent.
    pub fn unbind(&mut self, id: PortId) {
        self.table.unbind(id);
        self.events.retain(|event| *event != id);
    }

    /// The number of a bound port.
    #[must_use]
    pub fn number(&self, id: PortId) -> Option<u16> {
        self.table.number(id)
    }

    /// Takes the datagram that waits longest, and who sent it.
    pub fn take(&mut self, id: PortId) -> Poll<Result<(Chunk, SocketAddrV4), Error>> {
        self.poll(id, Port::take, |port| &mut port.waits_to_receive)
    }

    /// Takes the oldest news of a datagram that did not arrive, and to whom it was sent.
    pub fn take_error(&mut self, id: PortId) -> Poll<Result<(SocketAddrV4, Error), Error>> {
        self.poll(id, Port::take_error, |port| &mut port.waits_for_errors)
    }

    /// Copies `payload` into a datagram to be sent from `local` to `remote`. Pending while the port
    /// has too many that are not sent yet.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for what does not fit into one packet of the link, [`Error::NoBuffer`]
    /// when there is no memory, [`Error::Unreachable`] for port 0.
    pub fn send(
        &mut self,
        id: PortId,
        local: Ipv4Addr,
        remote: SocketAddrV4,
        payload: &[u8],
    ) -> Poll<Result<(), Error>> {
        let room = self.room();
        let Some(port) = self.table.by_id(id) else {
            return Poll::Ready(Err(Error::Closed));
        };
        if payload.len() > room {
            return Poll::Ready(Err(Error::TooLarge));
        }
        if remote.port() == 0 {
            return Poll::Ready(Err(Error::Unreachable));
        }
        if port.unsent >= self.config.unsent {
            port.waits_to_send = true;
            return Poll::Pending;
        }
        let payload = Some(payload)
            .filter(|_| self.unsent.len() < self.config.all_unsent)
            .and_then(|payload| Part::copy_from(&self.pool, payload));
        let Some(payload) = payload else {
            return Poll::Ready(Err(Error::NoBuffer));
        };
        port.unsent += 1;
        self.unsent.push_back(Unsent {
            port: id,
            local: SocketAddrV4::new(local, port.number),
            remote,
            payload: payload.into(),
        });
        Poll::Ready(Ok(()))
    }

    fn poll<T>(
        &mut self,
        id: PortId,
        take: impl FnOnce(&mut Port) -> Option<T>,
        waits: impl FnOnce(&mut Port) -> &mut bool,
    ) -> Poll<Result<T, Error>> {
        let Some(port) = self.table.by_id(id) else {
            return Poll::Ready(Err(Error::Closed));
        };
        match take(port) {
            Some(taken) => Poll::Ready(Ok(taken)),
            None => {
                *waits(port) = true;
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests;
