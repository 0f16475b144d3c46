//! smoltcp at one end, under the same tasks and the same loop as ours.
//!
//! Written as its experts do (embassy-net is the model): a task waits with the wakers of its
//! socket, a server has a socket that listens for each connection it can take, and nothing is
//! polled that has nothing to do.

use core::cell::RefCell;
use core::future::poll_fn;
use core::task::Poll;
use std::collections::VecDeque;
use std::rc::Rc;

use runtime::{Driver, Executor, Instant};
use smoltcp::iface::{Config, Interface, PollIngressSingleResult, PollResult};
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

use crate::contest::Work;
use crate::device::{self, End};
use crate::stream::{Host, Stream};

/// Frames of a burst, as of ours.
const BURST: usize = 64;

/// How often timers are looked at: asking smoltcp for the next one means to look at every socket.
const TICK: core::time::Duration = core::time::Duration::from_millis(1);

/// A host; all clones are the same.
#[derive(Clone)]
pub(crate) struct Smoltcp(pub(crate) Rc<RefCell<Inner>>);

pub(crate) struct Inner {
    pub(crate) interface: Interface,
    pub(crate) device: End,
    pub(crate) sockets: SocketSet<'static>,
    other: IpAddress,
    /// Bytes in a buffer, of which a socket has two.
    buffer: usize,
    /// Sockets of connections that are done, or about to be; so many of them stay here, until the
    /// last acknowledgement of the oldest has certainly left.
    spare: VecDeque<SocketHandle>,
    resting: usize,
    /// Whether acknowledgements leave at once.
    eager: bool,
    next_port: u16,
    /// Whether there may be something to send.
    dirty: bool,
    looked: Instant,
}

/// Two hosts on a cable.
pub(crate) fn pair(work: Work) -> (Smoltcp, Smoltcp) {
    let (left, right) = device::pair();
    (
        Smoltcp::new(left, [1, 2], work),
        Smoltcp::new(right, [2, 1], work),
    )
}

/// For bulk: large enough for the window of a full queue of frames, small enough to stay in the
/// cache; it was fastest of 64 KiB to 2 MiB. Else: many messages.
fn buffer(work: Work) -> usize {
    match work {
        Work::Bulk => 128 * 1024,
        _ => 4096,
    }
}

pub(crate) fn time(now: Instant) -> smoltcp::time::Instant {
    let micros = now.since(Instant::ZERO).as_micros();
    smoltcp::time::Instant::from_micros(micros as i64)
}

impl Smoltcp {
    fn new(mut device: End, [last, others]: [u8; 2], work: Work) -> Self {
        let mac = EthernetAddress([2, 0, 0, 0, 0, last]);
        let now = smoltcp::time::Instant::ZERO;
        let mut interface = Interface::new(Config::new(mac.into()), &mut device, now);
        interface.update_ip_addrs(|addresses| {
            let own = IpCidr::new(IpAddress::v4(10, 0, 0, last), 24);
            addresses.push(own).expect("room for one address");
        });
        Self(Rc::new(RefCell::new(Inner {
            interface,
            device,
            sockets: SocketSet::new(Vec::new()),
            other: IpAddress::v4(10, 0, 0, others),
            buffer: buffer(work),
            spare: VecDeque::new(),
            resting: match work {
                Work::Connect { at_once } => at_once,
                _ => 0,
            },
            // The last one of a connection would wait in vain for data to ride on.
            eager: matches!(work, Work::Connect { .. }),
            next_port: 1024,
            dirty: true,
            looked: Instant::ZERO,
        })))
    }

    fn flow(&self) -> Flow {
        let handle = self.0.borrow_mut().socket();
        Flow {
            host: self.clone(),
            handle,
        }
    }

    /// Does something to a socket that may give it something to send.
    fn with<T>(&self, handle: SocketHandle, call: impl FnOnce(&mut Socket<'_>) -> T) -> T {
        let inner = &mut *self.0.borrow_mut();
        inner.dirty = true;
        call(inner.sockets.get_mut(handle))
    }
}

impl Inner {
    /// A socket that is free; a new one if there is none.
    pub(crate) fn socket(&mut self) -> SocketHandle {
        for _ in self.resting..self.spare.len() {
            let Some(handle) = self.spare.pop_front() else {
                break;
            };
            if !self.sockets.get::<Socket<'_>>(handle).is_open() {
                return handle;
            }
            self.spare.push_back(handle);
        }
        let [receive, send] = [(); 2].map(|()| SocketBuffer::new(vec![0; self.buffer]));
        let mut socket = Socket::new(receive, send);
        if self.eager {
            socket.set_ack_delay(None);
        }
        self.sockets.add(socket)
    }

    pub(crate) fn connect(&mut self, handle: SocketHandle, port: u16) {
        let local = self.next_port;
        self.next_port = local.checked_add(1).unwrap_or(1024);
        self.dirty = true;
        let socket = self.sockets.get_mut::<Socket<'_>>(handle);
        let context = self.interface.context();
        let begun = socket.connect(context, (self.other, port), local);
        begun.expect("a socket that is free");
    }

    /// Takes in a burst. Whether there was one.
    pub(crate) fn receive(&mut self, now: Instant) -> bool {
        for count in 0..BURST {
            let (interface, device) = (&mut self.interface, &mut self.device);
            let result = interface.poll_ingress_single(time(now), device, &mut self.sockets);
            if result == PollIngressSingleResult::None {
                return count > 0;
            }
            self.dirty = true;
        }
        true
    }

    /// Sends all that may be sent. Each pass takes one segment from every socket.
    pub(crate) fn transmit(&mut self, now: Instant) {
        if !core::mem::take(&mut self.dirty) && now.since(self.looked) < TICK {
            return;
        }
        self.looked = now;
        let (interface, device) = (&mut self.interface, &mut self.device);
        while interface.poll_egress(time(now), device, &mut self.sockets) != PollResult::None {}
    }
}

impl Driver for Smoltcp {
    fn receive(&self, now: Instant) -> bool {
        self.0.borrow_mut().receive(now)
    }

    fn transmit(&self, now: Instant) {
        self.0.borrow_mut().transmit(now);
    }

    fn next_event(&self) -> Option<Instant> {
        let inner = &mut *self.0.borrow_mut();
        let at = inner
            .interface
            .poll_at(time(inner.looked), &inner.sockets)?;
        // Segments that are due at once have an early time.
        let at = Instant::from_nanos(at.total_micros().max(0) as u64 * 1_000);
        Some(at.max(inner.looked + TICK))
    }

    fn arm(&self) -> bool {
        self.0.borrow().device.has_input()
    }
}

impl Host for Smoltcp {
    type Stream = Flow;

    fn driver(&self) -> Rc<dyn Driver> {
        Rc::new(self.clone())
    }

    fn serve<F: Future<Output = ()> + 'static>(
        &self,
        tasks: &Executor,
        (port, at_once): (u16, usize),
        task: impl Fn(Flow) -> F + Clone + 'static,
    ) {
        for _ in 0..at_once {
            let (host, task) = (self.clone(), task.clone());
            let server = async move {
                loop {
                    let flow = host.flow();
                    host.with(flow.handle, |socket| socket.listen(port))
                        .expect("a socket that is free");
                    flow.established().await;
                    task(flow).await;
                }
            };
            tasks.spawn(server).expect("room for a task");
        }
    }

    async fn connect(&self, port: u16) -> Flow {
        let flow = self.flow();
        self.0.borrow_mut().connect(flow.handle, port);
        flow.established().await;
        flow
    }
}

/// A connection. Dropped, its socket becomes that of another one, once it is closed.
pub(crate) struct Flow {
    host: Smoltcp,
    handle: SocketHandle,
}

impl Flow {
    async fn established(&self) {
        poll_fn(|cx| {
            self.host.with(self.handle, |socket| match socket.state() {
                State::Listen | State::SynSent | State::SynReceived => {
                    socket.register_send_waker(cx.waker());
                    Poll::Pending
                }
                State::Closed => panic!("a connection was refused"),
                _ => Poll::Ready(()),
            })
        })
        .await;
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.finish();
        self.host.0.borrow_mut().spare.push_back(self.handle);
    }
}

impl Stream for Flow {
    async fn receive(&mut self) -> usize {
        poll_fn(|cx| {
            self.host.with(self.handle, |socket| {
                if !socket.can_recv() && socket.may_recv() {
                    socket.register_recv_waker(cx.waker());
                    return Poll::Pending;
                }
                let taken = socket.recv(|bytes| (bytes.len(), bytes.len()));
                Poll::Ready(taken.unwrap_or(0))
            })
        })
        .await
    }

    async fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let sent = poll_fn(|cx| {
                self.host.with(self.handle, |socket| {
                    match socket.send_slice(bytes).expect("an open connection") {
                        0 => {
                            socket.register_send_waker(cx.waker());
                            Poll::Pending
                        }
                        sent => Poll::Ready(sent),
                    }
                })
            });
            bytes = &bytes[sent.await..];
        }
    }

    async fn send(&mut self, bytes: &'static [u8]) {
        self.write(bytes).await;
    }

    fn finish(&mut self) {
        self.host.with(self.handle, |socket| socket.close());
    }
}
