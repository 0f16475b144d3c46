//! The façade: what applications and the run loop see of a host.
//!
//! The only `RefCell` of the stack is here. It is borrowed for one call at a time, and nobody else's
//! code runs meanwhile: who has to be woken is woken after it was given back.

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::cell::RefCell;
use core::net::{SocketAddr, SocketAddrV4};
use core::task::{Context, Poll};

use link::{Burst, Link, LinkState};
use packet::{Chunk, Instant, Pool, Secrets};
use runtime::{Driver, Error, FlowId, ListenerId, Network, Peer};

use crate::host::Host;
use crate::wakers::{Wait, Wakers};
use crate::{Config, Stats};

/// A host on a link; all clones are the same host.
#[derive(Clone)]
pub struct Net(Rc<RefCell<Inner>>);

struct Inner {
    host: Host,
    burst: Burst,
    wakers: Wakers,
    /// The time of the last turn: that of all user calls in it.
    now: Instant,
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
    fn with<T>(&self, call: impl FnOnce(&mut Inner) -> T) -> T {
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
    fn ask<T>(
        &self,
        flow: FlowId,
        wait: Wait,
        cx: &Context<'_>,
        question: impl FnOnce(&mut tcp::Tcp) -> Poll<Result<T, tcp::Error>>,
    ) -> Poll<Result<T, Error>> {
        let id = connection(flow);
        let mut inner = self.0.borrow_mut();
        if !inner.wakers.is_open(id) {
            return Poll::Ready(Err(Error::Closed));
        }
        if inner.wakers.is_expired(id, inner.now) {
            return Poll::Ready(Err(Error::TimedOut));
        }
        let answer = question(&mut inner.host.tcp);
        if answer.is_pending() {
            inner.wakers.wait(id, wait, cx);
        }
        answer.map_err(error)
    }
}

impl Inner {
    /// The connection behind a flow that an application has; `None` for a stale id, which must not
    /// touch what its connection still has to send, nor who has its slot now.
    fn open(&self, flow: FlowId) -> Option<tcp::ConnectionId> {
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
    }
}

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
        self.0.borrow().host.tcp.is_quiet()
    }
}

fn connection(flow: FlowId) -> tcp::ConnectionId {
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

fn error(error: tcp::Error) -> Error {
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
