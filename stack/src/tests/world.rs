//! What the tests need: a wire to look at and to write on, and two hosts on both of its ends.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::sync::Arc;
use alloc::task::Wake;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};

use link::{Burst, Caps, Full, Link, LinkError, LinkState, Transmit};
use packet::{
    Chunk, Class, Duration, Frame, Instant, Limits, Part, Pool, RxChecksum, RxMeta, Secrets,
};
use runtime::{Driver, Error, FlowId, ListenerId, Network};

use crate::{Config, Net};

pub(crate) const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub(crate) const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(crate) const A_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
pub(crate) const B_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
pub(crate) const BROADCAST: [u8; 6] = [0xff; 6];

/// A device whose other end the test holds. It takes super-frames and partial checksums.
#[derive(Clone)]
pub(crate) struct Wire(Rc<Device>);

struct Device {
    caps: Cell<&'static Caps>,
    state: Cell<LinkState>,
    incoming: RefCell<VecDeque<Frame>>,
    sent: RefCell<Vec<Sent>>,
    /// How many more frames the device takes.
    room: Cell<usize>,
}

/// A frame as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) bytes: Vec<u8>,
    pub(crate) blank: bool,
    pub(crate) gso_size: u16,
}

impl Wire {
    pub(crate) fn new(mac: [u8; 6]) -> Self {
        Self(Rc::new(Device {
            caps: Cell::new(caps(mac)),
            state: Cell::new(LinkState::Up { epoch: 0 }),
            incoming: RefCell::default(),
            sent: RefCell::default(),
            room: Cell::new(usize::MAX),
        }))
    }

    pub(crate) fn push(&self, frame: Frame) {
        self.0.incoming.borrow_mut().push_back(frame);
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.0.sent.take()
    }

    pub(crate) fn set_room(&self, room: usize) {
        self.0.room.set(room);
    }

    pub(crate) fn unplug(&self) {
        self.0.state.set(LinkState::Down);
        self.0.incoming.borrow_mut().clear();
    }

    pub(crate) fn plug(&self, epoch: u32, mac: [u8; 6]) {
        self.0.caps.set(caps(mac));
        self.0.state.set(LinkState::Up { epoch });
    }

    fn is_up(&self) -> bool {
        self.0.state.get() != LinkState::Down
    }
}

fn caps(mac: [u8; 6]) -> &'static Caps {
    Box::leak(Box::new(Caps {
        mac,
        mtu: 1500,
        checksum_offload: true,
        max_super_frame: Some(65_536),
        max_parts: 17,
        gather_from: 0,
    }))
}

impl Link for Wire {
    fn caps(&self) -> &Caps {
        self.0.caps.get()
    }

    fn state(&self) -> LinkState {
        self.0.state.get()
    }

    fn receive(&mut self, _: Instant, burst: &mut Burst) -> Result<(), LinkError> {
        let mut incoming = self.0.incoming.borrow_mut();
        while !burst.is_full() {
            let Some(frame) = incoming.pop_front() else {
                break;
            };
            burst.push(frame);
        }
        Ok(())
    }

    fn transmit(&mut self, _: Instant, frame: Transmit<'_>) -> Result<(), Full> {
        assert!(self.is_up(), "nothing is sent while the link is down");
        let room = self.0.room.get().checked_sub(1).ok_or(Full)?;
        self.0.room.set(room);
        let payload = frame.payload.iter().flat_map(|chunk| chunk.iter().copied());
        self.0.sent.borrow_mut().push(Sent {
            bytes: frame.head.iter().copied().chain(payload).collect(),
            blank: frame.offload.checksum.is_some(),
            gso_size: frame.offload.gso_size.unwrap_or(0),
        });
        Ok(())
    }

    fn flush(&mut self, _: Instant) -> Result<(), LinkError> {
        Ok(())
    }

    fn arm(&mut self) -> bool {
        !self.0.incoming.borrow().is_empty()
    }
}

/// A host with the wire's other end.
pub(crate) struct Host {
    pub(crate) net: Net,
    pub(crate) wire: Wire,
    pub(crate) pool: Pool,
    pub(crate) now: Instant,
}

impl Host {
    pub(crate) fn new(address: Ipv4Addr, mac: [u8; 6]) -> Self {
        Self::with(address, mac, |_| ())
    }

    pub(crate) fn with(address: Ipv4Addr, mac: [u8; 6], change: impl FnOnce(&mut Config)) -> Self {
        let limits = Limits {
            cells: 4096,
            pages: 1024,
            bays: 32,
        };
        let (pool, wire) = (Pool::new(limits), Wire::new(mac));
        let mut config = Config::new(ipv4::Cidr::new(address, 24).unwrap());
        change(&mut config);
        let secrets = Secrets::new([mac[5]; 32]);
        let link = Box::new(wire.clone());
        Self {
            net: Net::new(link, pool.clone(), &secrets, &config),
            wire,
            pool,
            now: Instant::from_millis(1000),
        }
    }

    /// Puts bytes on the wire, as if they came from it.
    pub(crate) fn push(&self, bytes: &[u8]) {
        let part = Part::copy_from(&self.pool, bytes).unwrap();
        self.wire.push(Frame::new(part, RxMeta::default()));
    }

    /// One turn; gives what was sent in it.
    pub(crate) fn turn(&self) -> Vec<Sent> {
        self.net.receive(self.now);
        self.net.transmit(self.now);
        self.wire.sent()
    }

    /// Puts bytes on the wire; gives the answers.
    pub(crate) fn answers(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.push(bytes);
        self.turn().into_iter().map(|sent| sent.bytes).collect()
    }

    /// Lets the address be announced, so that it does not stand between a test's frames.
    pub(crate) fn announced(mut self) -> Self {
        self.turn();
        self.now += Duration::from_secs(2);
        self.turn();
        self
    }

    pub(crate) fn held(&self) -> usize {
        let held = |class| self.pool.usage(class).held;
        Class::ALL.into_iter().map(held).sum()
    }

    pub(crate) fn accept(&self, listener: ListenerId) -> Option<FlowId> {
        match self.net.poll_accept(listener, &mut context()) {
            Poll::Ready(accepted) => Some(accepted.unwrap().0),
            Poll::Pending => None,
        }
    }

    pub(crate) fn connect(&self, remote: Ipv4Addr, port: u16) -> FlowId {
        self.net.connect(SocketAddr::from((remote, port))).unwrap()
    }

    pub(crate) fn connected(&self, flow: FlowId) -> Poll<Result<(), Error>> {
        self.net.poll_connect(flow, &mut context())
    }

    pub(crate) fn read(&self, flow: FlowId) -> Poll<Result<Option<Chunk>, Error>> {
        self.net.poll_receive(flow, &mut context())
    }

    pub(crate) fn write(&self, flow: FlowId, bytes: &[u8]) -> Poll<Result<usize, Error>> {
        self.net.poll_write(flow, bytes, &mut context())
    }
}

pub(crate) fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Two hosts joined by a wire.
pub(crate) struct Pair {
    pub(crate) a: Host,
    pub(crate) b: Host,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self {
            a: Host::new(A, A_MAC),
            b: Host::new(B, B_MAC),
        }
    }

    /// Lets both hosts have turns until neither sends anything.
    pub(crate) fn settle(&self) {
        for _ in 0..100_000 {
            let (from_a, from_b) = (self.a.turn(), self.b.turn());
            if from_a.is_empty() && from_b.is_empty() {
                return;
            }
            deliver(&from_a, &self.b);
            deliver(&from_b, &self.a);
        }
        panic!("the hosts never rest");
    }

    /// Lets time pass, in which both have turns whenever they want one.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let end = self.a.now + duration;
        loop {
            self.settle();
            let next = [self.a.net.next_event(), self.b.net.next_event()];
            let next = next.into_iter().flatten().min().unwrap_or(end).min(end);
            if next <= self.a.now && next >= end {
                return;
            }
            // What is due now must have been done: a host that asks for a time that has passed
            // would keep its place awake.
            assert!(next > self.a.now, "an event that lies in the past");
            (self.a.now, self.b.now) = (next, next);
        }
    }

    /// A connection from a to a listener of b.
    pub(crate) fn connection(&self) -> (FlowId, FlowId) {
        let listener = self.b.net.listen(80).unwrap();
        let flow = self.a.connect(B, 80);
        self.settle();
        assert_eq!(self.a.connected(flow), Poll::Ready(Ok(())));
        (flow, self.b.accept(listener).unwrap())
    }
}

/// Brings frames to a host, as a wire between two virtual devices does: partial checksums and
/// super-frames stay what they are.
fn deliver(sent: &[Sent], to: &Host) {
    for frame in sent.iter().filter(|_| to.wire.is_up()) {
        let meta = RxMeta {
            checksum: if frame.blank {
                RxChecksum::Blank
            } else {
                RxChecksum::Unknown
            },
            gso_size: frame.gso_size,
        };
        let part = Part::copy_from(&to.pool, &frame.bytes).unwrap();
        to.wire.push(Frame::new(part, meta));
    }
}

/// Counts how often it was woken.
#[derive(Default)]
pub(crate) struct Bell(AtomicUsize);

impl Bell {
    pub(crate) fn rings(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
