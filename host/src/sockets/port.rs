//! One socket for datagrams.

use core::net::SocketAddr;
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};

use mio::event::Event;
use mio::net::UdpSocket;
use packet::{Chunk, Part, Pool};
use runtime::Error;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recvfrom, sockopt};

use super::connection::wait;
use super::{canonical, error};
use crate::sys;

/// The most datagrams one port receives in a turn, so that a flood leaves time for the others.
const TURN_DATAGRAMS: u16 = 64;

/// News of undelivered datagrams that wait to be taken. Full: the oldest is forgotten.
const UNDELIVERED: usize = 8;

/// Bytes that wait in the kernel to be received (socket(7), SO_RCVBUF: it counts twice as many, with its
/// own overhead). Full: new datagrams are dropped.
const RECEIVED: usize = 128 * 1024;

/// The most bytes of a datagram: IPv6 carries 65,535 behind its header, eight of them UDP's.
pub(super) const LARGEST: usize = 65_527;

/// A port that is bound for datagrams.
pub(super) struct Port {
    pub(super) socket: UdpSocket,
    is_ipv6: bool,
    /// What the socket can do, as far as is known; a call that would block says otherwise.
    readable: bool,
    writable: bool,
    undelivered: VecDeque<(SocketAddr, Error)>,
    /// The turn of the last receive, and how many there were in it.
    turn: u64,
    received: u16,
    waits_to_receive: Option<Waker>,
    waits_to_send: Option<Waker>,
    waits_for_errors: Option<Waker>,
}

impl Port {
    pub(super) fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let is_ipv6 = socket.local_addr()?.is_ipv6();
        // A datagram fits into one packet here as on every place.
        sockopt::set_ip_mtu_discover(&socket, sockopt::Ipv4PathMtuDiscovery::DO)?;
        if is_ipv6 {
            sockopt::set_ipv6_mtu_discover(&socket, sockopt::Ipv6PathMtuDiscovery::DO)?;
        }
        sockopt::set_socket_recv_buffer_size(&socket, RECEIVED)?;
        sys::hear_of_undelivered(&socket, is_ipv6)?;
        Ok(Self {
            socket: UdpSocket::from_std(socket),
            is_ipv6,
            readable: true,
            writable: true,
            undelivered: VecDeque::new(),
            turn: 0,
            received: 0,
            waits_to_receive: None,
            waits_to_send: None,
            waits_for_errors: None,
        })
    }

    pub(super) fn event(&mut self, event: &Event) {
        if event.is_error() {
            self.hear(None);
        }
        if event.is_readable() {
            self.readable = true;
            wake(&mut self.waits_to_receive);
        }
        if event.is_writable() {
            self.writable = true;
            wake(&mut self.waits_to_send);
        }
    }

    /// Wakes everybody: the port is gone.
    pub(super) fn wake(&mut self) {
        wake(&mut self.waits_to_receive);
        wake(&mut self.waits_to_send);
        wake(&mut self.waits_for_errors);
    }

    /// The next datagram, by way of `room`, which holds any. One for which the pool has no memory is
    /// dropped.
    pub(super) fn poll_receive(
        &mut self,
        room: &mut [u8],
        pool: &Pool,
        turn: u64,
        cx: &Context<'_>,
    ) -> Poll<(Chunk, SocketAddr)> {
        if self.turn != turn {
            (self.turn, self.received) = (turn, 0);
        }
        while self.readable {
            if self.received >= TURN_DATAGRAMS {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.received += 1;
            match self.socket.recv_from(room) {
                Ok((len, source)) => {
                    let bytes = room.get(..len).unwrap_or_default();
                    if let Some(part) = Part::copy_from(pool, bytes) {
                        return Poll::Ready((part.into(), canonical(source)));
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
                Err(error) => self.hear(Errno::from_io_error(&error)),
            }
        }
        wait(&mut self.waits_to_receive, cx);
        Poll::Pending
    }

    pub(super) fn poll_send(
        &mut self,
        bytes: &[u8],
        remote: SocketAddr,
        cx: &Context<'_>,
    ) -> Poll<Result<(), Error>> {
        if bytes.len() > LARGEST {
            return Poll::Ready(Err(Error::TooLarge));
        }
        let Some(remote) = self.reachable(remote) else {
            return Poll::Ready(Err(Error::Unreachable));
        };
        // What was heard of earlier datagrams would be this one's error.
        if let Some(reason) = self.pending() {
            self.hear(Some(reason));
        }
        if self.writable {
            match self.socket.send_to(bytes, remote) {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable = false,
                Err(error) => {
                    // The kernel also queues what it has just said.
                    self.hear(None);
                    return Poll::Ready(Err(error::of(&error)));
                }
            }
        }
        wait(&mut self.waits_to_send, cx);
        Poll::Pending
    }

    pub(super) fn poll_undelivered(&mut self, cx: &Context<'_>) -> Poll<(SocketAddr, Error)> {
        if let Some(news) = self.undelivered.pop_front() {
            return Poll::Ready(news);
        }
        wait(&mut self.waits_for_errors, cx);
        Poll::Pending
    }

    /// The socket's pending error, which is taken away: what happened to the first datagram in the
    /// kernel's queue of those that did not arrive.
    fn pending(&self) -> Option<Errno> {
        sockopt::socket_error(&self.socket).ok()?.err()
    }

    /// Takes that queue, and with each entry what is pending then (a call that has failed has taken
    /// the first one's already). An entry without is about a call of ours that has failed, which
    /// has told so itself.
    fn hear(&mut self, mut first: Option<Errno>) {
        for _ in 0..TURN_DATAGRAMS {
            let reason = first.take().or_else(|| self.pending());
            let flags = RecvFlags::ERRQUEUE | RecvFlags::DONTWAIT;
            let Ok((_, _, remote)) = recvfrom(&self.socket, &mut [0; 1], flags) else {
                break;
            };
            let remote = remote.and_then(|remote| SocketAddr::try_from(remote).ok());
            let (Some(reason), Some(remote)) = (reason, remote) else {
                continue;
            };
            if self.undelivered.len() >= UNDELIVERED {
                self.undelivered.pop_front();
            }
            let reason = error::of(&io::Error::from(reason));
            self.undelivered.push_back((canonical(remote), reason));
            wake(&mut self.waits_for_errors);
        }
    }

    /// The address as the socket's family writes it.
    fn reachable(&self, remote: SocketAddr) -> Option<SocketAddr> {
        match remote {
            SocketAddr::V4(v4) if self.is_ipv6 => {
                let mapped = v4.ip().to_ipv6_mapped();
                Some(SocketAddr::from((mapped, v4.port())))
            }
            SocketAddr::V6(_) if !self.is_ipv6 => None,
            remote => Some(remote),
        }
    }
}

fn wake(place: &mut Option<Waker>) {
    if let Some(waker) = place.take() {
        waker.wake();
    }
}
