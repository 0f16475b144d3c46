//! Datagrams, as an application sends and receives them.

use alloc::rc::Rc;
use core::future::poll_fn;
use core::net::SocketAddr;

use packet::Chunk;

use crate::{DatagramId, Error, Network};

/// A port that is bound for datagrams; dropping it gives the port back.
///
/// A datagram is sent and received whole or not at all; it may be lost, come twice, and overtake
/// others. It fits into one packet: on no place is it sent in fragments. At most one task may wait in
/// each of [`Datagrams::receive_from`], [`Datagrams::send_to`] and [`Datagrams::undelivered`].
pub struct Datagrams {
    net: Rc<dyn Network>,
    id: DatagramId,
}

impl Datagrams {
    /// Binds `port`; 0 stands for a free one that a stranger cannot guess.
    ///
    /// # Errors
    /// As [`Network::bind`].
    pub fn bind(net: &Rc<dyn Network>, port: u16) -> Result<Self, Error> {
        Ok(Self {
            net: Rc::clone(net),
            id: net.bind(port)?,
        })
    }

    /// The port's number.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.net.bound_port(self.id).unwrap_or_default()
    }

    /// Takes the next datagram, and who sent it (who says so: a source is easily forged). Cancel
    /// safe: a datagram is taken or stays.
    ///
    /// # Errors
    /// [`Error::Closed`] when the place stops. What others say of datagrams that did not arrive comes
    /// from [`Datagrams::undelivered`] alone, so that they cannot end a server's loop.
    pub async fn receive_from(&self) -> Result<(Chunk, SocketAddr), Error> {
        poll_fn(|cx| self.net.poll_receive_from(self.id, cx)).await
    }

    /// Sends a copy of `bytes` as one datagram; waits while too many have not left yet. Cancel safe:
    /// dropped before it is done, nothing is sent.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for more than fits into one packet (512 bytes fit everywhere),
    /// [`Error::Unreachable`], [`Error::Denied`], or [`Error::NoBuffer`] when there is no memory. The
    /// port is as good as before.
    pub async fn send_to(&self, bytes: &[u8], remote: SocketAddr) -> Result<(), Error> {
        poll_fn(|cx| self.net.poll_send_to(self.id, bytes, remote, cx)).await
    }

    /// Waits for word that a datagram did not arrive, and tells to whom it was sent: nobody is bound
    /// there ([`Error::Refused`]), no way leads there ([`Error::Unreachable`]), or it did not fit
    /// into a packet on its way ([`Error::TooLarge`]). Often there is no such word, and anybody on
    /// the way may forge it. Cancel safe.
    ///
    /// # Errors
    /// [`Error::Closed`] when the place stops.
    pub async fn undelivered(&self) -> Result<(SocketAddr, Error), Error> {
        poll_fn(|cx| self.net.poll_undelivered(self.id, cx)).await
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        self.net.unbind(self.id);
    }
}
