//! The façade: what applications and the run loop see of a host.
//!
//! The only `RefCell` of the stack is here. It is borrowed for one call at a time, and nobody else's
//! code runs meanwhile: who has to be woken is woken after it was given back.

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::cell::RefCell;
use core::net::SocketAddrV4;
use core::task::{Context, Poll};

use link::{Burst, Link, LinkState};
use packet::{Instant, Pool, Secrets};
use runtime::{DatagramId, Driver, Error, FlowId};

use crate::host::Host;
use crate::network::{bound, connection, datagram_error, error};
use crate::wakers::{PortWait, Wait, Wakers};
use crate::{Config, Lease, LeaseEvent, Stats};

/// A host on a link; all clones are the same host.
#[derive(Clone)]
pub struct Net(pub(crate) Rc<RefCell<Inner>>);

pub(crate) struct Inner {
    pub(crate) host: Host,
    burst: Burst,
    pub(crate) wakers: Wakers,
    /// The time of the last turn: that of all user calls in it.
    pub(crate) now: Instant,
}

impl Net {
    /// A host on `link`. A link that cannot complete checksums and cut super-frames is helped in
    /// software. Everything unguessable comes from `secrets`.
    #[must_use]
    pub fn new(link: Box<dyn Link>, pool: Pool, secrets: &Secrets, config: &Config) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            host: Host::new(link, pool, secrets, config),
            burst: Burst::new(),
            wakers: Wakers::default(),
            now: Instant::ZERO,
        })))
    }

    /// What the host has done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.borrow().host.stats()
    }

    /// Whether the link carries frames.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.0.borrow().host.interface.link.state() != LinkState::Down
    }

    /// Whether anybody listens for connections.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.0.borrow().host.tcp.is_listening()
    }

    /// What a DHCP server lends us; `None` while there is nothing, or where the address is a fixed one.
    #[must_use]
    pub fn lease(&self) -> Option<Lease> {
        let inner = self.0.borrow();
        inner.host.dhcp.as_ref()?.client.lease().cloned()
    }

    /// The next news of the lease, for one task. Where the address is a fixed one there never is any.
    pub fn poll_lease(&self, cx: &Context<'_>) -> Poll<LeaseEvent> {
        let inner = &mut *self.0.borrow_mut();
        let dhcp = inner.host.dhcp.as_mut();
        if let Some(event) = dhcp.and_then(|dhcp| dhcp.news.pop_front()) {
            return Poll::Ready(event);
        }
        inner.wakers.wait_for_lease(cx);
        Poll::Pending
    }

    /// A look at one connection; `None` if there is no such.
    #[must_use]
    pub fn info(&self, flow: FlowId) -> Option<tcp::Info> {
        let inner = &mut *self.0.borrow_mut();
        inner.open(flow).and_then(|id| inner.host.tcp.info(id))
    }

    /// A look at every connection: our end of it, the peer's, and what is known of it.
    pub fn look(&self, mut each: impl FnMut(SocketAddrV4, SocketAddrV4, &tcp::Info)) {
        let inner = self.0.borrow();
        for (local, remote, info) in inner.host.tcp.connections() {
            each(local, remote, &info);
        }
    }

    /// Whether small segments of `flow` wait for earlier ones (RFC 9293, 3.7.4).
    pub fn set_nagle(&self, flow: FlowId, nagle: bool) {
        self.with(|inner| inner.host.tcp.set_nagle(connection(flow), nagle));
    }

    /// Runs `call` on the host, then wakes whom it concerns.
    pub(crate) fn with<T>(&self, call: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.0.borrow_mut();
        let result = call(&mut inner);
        inner.gather();
        if !inner.wakers.has_ready() {
            return result;
        }
        let mut ready = inner.wakers.take_ready();
        drop(inner);
        for waker in ready.drain(..) {
            waker.wake();
        }
        self.0.borrow_mut().wakers.put_back(ready);
        result
    }

    /// Asks TCP about a flow, and remembers the task if it must wait. Nothing is asked once the
    /// flow's deadline has passed.
    pub(crate) fn ask<T>(
        &self,
        flow: FlowId,
        wait: Wait,
        cx: &Context<'_>,
        question: impl FnOnce(&mut tcp::Tcp) -> Poll<Result<T, tcp::Error>>,
    ) -> Poll<Result<T, Error>> {
        let id = connection(flow);
        let mut inner = self.0.borrow_mut();
        inner.wakers.check(id, inner.now)?;
        let answer = question(&mut inner.host.tcp);
        if answer.is_pending() {
            inner.wakers.wait(id, wait, cx);
        }
        answer.map_err(error)
    }

    /// Asks UDP about a bound port, and remembers the task if it must wait.
    pub(crate) fn ask_port<T>(
        &self,
        id: DatagramId,
        wait: PortWait,
        cx: &Context<'_>,
        question: impl FnOnce(&mut Host) -> Poll<Result<T, udp::Error>>,
    ) -> Poll<Result<T, Error>> {
        let mut inner = self.0.borrow_mut();
        if !inner.wakers.is_bound(bound(id)) {
            return Poll::Ready(Err(Error::Closed));
        }
        let answer = question(&mut inner.host);
        if answer.is_pending() {
            inner.wakers.wait_at_port(bound(id), wait, cx);
        }
        answer.map_err(datagram_error)
    }
}

impl Inner {
    /// The connection behind a flow that an application has; `None` for a stale id, which must not
    /// touch what its connection still has to send, nor who has its slot now.
    pub(crate) fn open(&self, flow: FlowId) -> Option<tcp::ConnectionId> {
        Some(connection(flow)).filter(|id| self.wakers.is_open(*id))
    }

    /// Gathers who waits for what has happened.
    fn gather(&mut self) {
        while let Some(event) = self.host.tcp.poll_event() {
            match event {
                tcp::Event::Connection(id) => self.wakers.wake(id),
                tcp::Event::Listener(id) => self.wakers.wake_accept(id),
            }
        }
        while let Some(id) = self.host.udp.poll_event() {
            self.wakers.wake_port(id);
        }
        if (self.host.dhcp.as_ref()).is_some_and(|dhcp| !dhcp.news.is_empty()) {
            self.wakers.wake_for_lease();
        }
    }
}

impl Driver for Net {
    fn receive(&self, now: Instant) -> bool {
        self.with(|inner| {
            inner.now = now;
            inner.wakers.expire(now);
            inner.host.receive(now, &mut inner.burst)
        })
    }

    fn transmit(&self, now: Instant) {
        self.with(|inner| inner.host.transmit(now));
    }

    fn next_event(&self) -> Option<Instant> {
        let inner = self.0.borrow();
        let deadline = inner.wakers.next_deadline();
        inner.host.next_event().into_iter().chain(deadline).min()
    }

    fn arm(&self) -> bool {
        self.0.borrow_mut().host.interface.link.arm()
    }

    fn is_quiet(&self) -> bool {
        let host = &self.0.borrow().host;
        host.tcp.is_quiet() && host.udp.is_quiet()
    }
}
