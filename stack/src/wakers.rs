//! Who waits for what, and until when.

use alloc::vec::Vec;
use core::task::{Context, Waker};

use packet::{Deadlines, Instant};
use runtime::Error;
use tcp::{ConnectionId, ListenerId};
use udp::PortId;

/// What a task waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    /// Something to read.
    Receive,
    /// Room to send, the handshake's end, the last acknowledgement.
    Send,
}

/// What a task waits for at a port bound for datagrams.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PortWait {
    /// A datagram.
    Receive,
    /// Room to send.
    Send,
    /// News of one that did not arrive.
    Errors,
}

/// The wakers of all flows, listeners and ports. Tables grow to as many entries as TCP and UDP have slots.
///
/// Nobody is woken here: wakers are gathered, and the façade wakes them once it no longer holds the
/// stack, for a waker is somebody else's code.
#[derive(Default)]
pub(crate) struct Wakers {
    flows: Vec<Flow>,
    listeners: Vec<Listener>,
    ports: Vec<Port>,
    /// Who waits for news of the lease.
    lease: Option<Waker>,
    deadlines: Deadlines,
    ready: Vec<Waker>,
}

#[derive(Default)]
struct Flow {
    generation: u32,
    /// Whether an application has it: from accept or connect until release.
    open: bool,
    receive: Option<Waker>,
    send: Option<Waker>,
    /// From when on every wait fails.
    deadline: Option<Instant>,
}

#[derive(Default)]
struct Listener {
    generation: u32,
    accept: Option<Waker>,
}

#[derive(Default)]
struct Port {
    generation: u32,
    bound: bool,
    /// By [`PortWait`].
    waiting: [Option<Waker>; 3],
}

impl Wakers {
    /// A new flow has its slot.
    pub(crate) fn open(&mut self, id: ConnectionId) {
        let place = id.slot as usize;
        if self.flows.len() <= place {
            self.flows.resize_with(place + 1, Flow::default);
        }
        self.flows[place] = Flow {
            generation: id.generation,
            open: true,
            ..Flow::default()
        };
    }

    /// The flow has been given back.
    pub(crate) fn close(&mut self, id: ConnectionId) {
        if let Some(flow) = self.flow(id) {
            *flow = Flow::default();
            self.deadlines.set(id.slot, None);
        }
    }

    /// Whether an application has this flow. TCP may know a connection for longer: it still has
    /// something to send.
    pub(crate) fn is_open(&self, id: ConnectionId) -> bool {
        let flow = self.flows.get(id.slot as usize);
        flow.is_some_and(|flow| flow.open && flow.generation == id.generation)
    }

    /// Remembers who waits; the last one that asked.
    pub(crate) fn wait(&mut self, id: ConnectionId, wait: Wait, cx: &Context<'_>) {
        let Some(flow) = self.flow(id) else { return };
        match wait {
            Wait::Receive => remember(&mut flow.receive, cx),
            Wait::Send => remember(&mut flow.send, cx),
        }
    }

    pub(crate) fn wait_accept(&mut self, id: ListenerId, cx: &Context<'_>) {
        let place = id.slot as usize;
        if self.listeners.len() <= place {
            self.listeners.resize_with(place + 1, Listener::default);
        }
        let listener = &mut self.listeners[place];
        listener.generation = id.generation;
        remember(&mut listener.accept, cx);
    }

    /// Something happened to a connection.
    pub(crate) fn wake(&mut self, id: ConnectionId) {
        let Some(flow) = self.flow(id) else { return };
        let (receive, send) = (flow.receive.take(), flow.send.take());
        self.ready.extend(receive.into_iter().chain(send));
    }

    /// Something happened to a listener.
    #[inline(never)]
    pub(crate) fn wake_accept(&mut self, id: ListenerId) {
        if let Some(listener) = self.listeners.get_mut(id.slot as usize)
            && listener.generation == id.generation
        {
            self.ready.extend(listener.accept.take());
        }
    }

    pub(crate) fn wait_for_lease(&mut self, cx: &Context<'_>) {
        remember(&mut self.lease, cx);
    }

    /// There is news of the lease.
    #[inline(never)]
    pub(crate) fn wake_for_lease(&mut self) {
        self.ready.extend(self.lease.take());
    }

    /// A port was bound.
    pub(crate) fn open_port(&mut self, id: PortId) {
        let place = id.slot as usize;
        if self.ports.len() <= place {
            self.ports.resize_with(place + 1, Port::default);
        }
        self.ports[place] = Port {
            generation: id.generation,
            bound: true,
            ..Port::default()
        };
    }

    /// The port was given back: who waits there hears of it.
    pub(crate) fn close_port(&mut self, id: PortId) {
        self.wake_port(id);
        if let Some(port) = self.port(id) {
            port.bound = false;
        }
    }

    pub(crate) fn is_bound(&mut self, id: PortId) -> bool {
        self.port(id).is_some()
    }

    /// Remembers who waits at a port; the last one that asked.
    pub(crate) fn wait_at_port(&mut self, id: PortId, wait: PortWait, cx: &Context<'_>) {
        if let Some(port) = self.port(id) {
            remember(&mut port.waiting[wait as usize], cx);
        }
    }

    /// Something happened at a port.
    #[inline(never)]
    pub(crate) fn wake_port(&mut self, id: PortId) {
        let Some(port) = self.port(id) else { return };
        let waiting = core::mem::take(&mut port.waiting);
        self.ready.extend(waiting.into_iter().flatten());
    }

    fn port(&mut self, id: PortId) -> Option<&mut Port> {
        let port = self.ports.get_mut(id.slot as usize)?;
        (port.bound && port.generation == id.generation).then_some(port)
    }

    /// Sets until when a flow's waits last. A deadline is moved with every request, so the timer is
    /// left where it is and set anew when it comes too early.
    pub(crate) fn set_deadline(&mut self, id: ConnectionId, at: Option<Instant>) {
        let Some(flow) = self.flow(id) else { return };
        flow.deadline = at;
        if let Some(at) = at {
            self.deadlines.set_no_later(id.slot, at);
        }
    }

    /// Whether an application may still ask about this flow.
    ///
    /// # Errors
    /// [`Error::Closed`] if it has it no more, [`Error::TimedOut`] when its deadline has passed.
    pub(crate) fn check(&self, id: ConnectionId, now: Instant) -> Result<(), Error> {
        match self.flows.get(id.slot as usize) {
            Some(flow) if flow.open && flow.generation == id.generation => match flow.deadline {
                Some(at) if at <= now => Err(Error::TimedOut),
                _ => Ok(()),
            },
            _ => Err(Error::Closed),
        }
    }

    /// Wakes the flows whose deadline has come.
    pub(crate) fn expire(&mut self, now: Instant) {
        while let Some(slot) = self.deadlines.pop_expired(now) {
            self.expire_flow(now, slot);
        }
    }

    #[inline(never)]
    fn expire_flow(&mut self, now: Instant, slot: u32) {
        let Some(flow) = self.flows.get_mut(slot as usize) else {
            return;
        };
        match flow.deadline {
            Some(at) if at > now => self.deadlines.set(slot, Some(at)),
            Some(_) => {
                let waiting = [flow.receive.take(), flow.send.take()];
                self.ready.extend(waiting.into_iter().flatten());
            }
            None => {}
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Whether anybody has to be woken.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes out who has to be woken; [`Wakers::put_back`] takes the emptied list.
    pub(crate) fn take_ready(&mut self) -> Vec<Waker> {
        core::mem::take(&mut self.ready)
    }

    /// So that waking allocates nothing in the long run.
    pub(crate) fn put_back(&mut self, list: Vec<Waker>) {
        if self.ready.is_empty() {
            self.ready = list;
        }
    }

    fn flow(&mut self, id: ConnectionId) -> Option<&mut Flow> {
        let flow = self.flows.get_mut(id.slot as usize)?;
        (flow.open && flow.generation == id.generation).then_some(flow)
    }
}

fn remember(place: &mut Option<Waker>, cx: &Context<'_>) {
    match place {
        Some(waker) if waker.will_wake(cx.waker()) => {}
        _ => *place = Some(cx.waker().clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100,000 flows: under 6 MB.
    #[test]
    fn a_flow_is_small() {
        assert!(size_of::<Flow>() <= 56, "{}", size_of::<Flow>());
    }

    #[test]
    fn a_stale_id_neither_waits_nor_wakes() {
        let mut wakers = Wakers::default();
        let id = |generation| ConnectionId {
            slot: 3,
            generation,
        };
        let cx = Context::from_waker(Waker::noop());
        wakers.open(id(1));
        wakers.wait(id(0), Wait::Receive, &cx);
        wakers.wake(id(1));
        assert!(wakers.take_ready().is_empty());
        wakers.wait(id(1), Wait::Receive, &cx);
        wakers.wake(id(2));
        assert!(wakers.take_ready().is_empty());
        wakers.wake(id(1));
        assert_eq!(wakers.take_ready().len(), 1);
    }

    #[test]
    fn a_moved_deadline_fires_once() {
        let mut wakers = Wakers::default();
        let id = ConnectionId {
            slot: 0,
            generation: 0,
        };
        let at = Instant::from_millis;
        let cx = Context::from_waker(Waker::noop());
        wakers.open(id);
        wakers.wait(id, Wait::Receive, &cx);
        wakers.set_deadline(id, Some(at(10)));
        wakers.set_deadline(id, Some(at(20)));
        wakers.expire(at(10));
        assert!(wakers.take_ready().is_empty());
        assert_eq!(wakers.check(id, at(19)), Ok(()));
        assert_eq!(wakers.next_deadline(), Some(at(20)));
        wakers.expire(at(20));
        assert_eq!(wakers.take_ready().len(), 1);
        assert_eq!(wakers.check(id, at(20)), Err(Error::TimedOut));
        wakers.set_deadline(id, None);
        assert_eq!(wakers.check(id, at(20)), Ok(()));
    }
}
