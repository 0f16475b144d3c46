//! What the contract of a network (in `tests`) does not know of: limits, and the kernel's ways.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::task::Wake;

use packet::{Chunk, Class};
use runtime::{FlowId, ListenerId, Network as _};

use super::*;

/// Sockets, and time that goes on only by hand.
struct Bench {
    sockets: Rc<Sockets>,
    reactor: Rc<Reactor>,
    pool: Pool,
    now: Instant,
}

impl Bench {
    fn new(pool: packet::Limits, connections: usize) -> Self {
        let reactor = Reactor::new().unwrap();
        let pool = Pool::new(pool);
        let limits = Limits {
            connections,
            ..Limits::default()
        };
        Self {
            sockets: Sockets::new(&reactor, &pool, limits),
            reactor,
            pool,
            now: Instant::ZERO,
        }
    }

    fn roomy() -> Self {
        Self::new(packet::Limits::for_memory(16 << 20), 16)
    }

    fn listen(&self) -> (ListenerId, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        self.sockets.provide(80, listener);
        (self.sockets.listen(80).unwrap(), address)
    }

    /// A connection that was accepted, and its peer.
    fn pair(&self) -> (FlowId, TcpStream) {
        let (listener, address) = self.listen();
        let peer = TcpStream::connect(address).unwrap();
        let (flow, _) = self
            .until(|cx| self.sockets.poll_accept(listener, cx))
            .unwrap();
        (flow, peer)
    }

    /// Turns until `poll` is ready.
    fn until<T>(&self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        for _ in 0..1000 {
            self.sockets.receive(self.now);
            if let Poll::Ready(value) = poll(&mut Context::from_waker(Waker::noop())) {
                return value;
            }
            self.sockets.transmit(self.now);
            self.reactor.wait(Some(Duration::from_millis(10))).unwrap();
        }
        panic!("it never happens");
    }

    /// Sends until the kernel takes no more and the queue is full; tells how many bytes.
    fn fill(&self, flow: FlowId) -> usize {
        static BYTES: [u8; 65_536] = [7; 65_536];
        let mut cx = Context::from_waker(Waker::noop());
        for sent in 0.. {
            let mut chunk = Some(Chunk::Static(&BYTES));
            let sending = self.sockets.poll_send(flow, &mut chunk, &mut cx);
            if sending.is_pending() {
                return sent * BYTES.len();
            }
            self.sockets.transmit(self.now);
        }
        unreachable!("the kernel takes everything");
    }

    fn receive(&self, flow: FlowId) -> Poll<Result<Option<Chunk>, Error>> {
        let mut cx = Context::from_waker(Waker::noop());
        self.sockets.poll_receive(flow, &mut cx)
    }
}

/// Remembers that it was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn over_the_limit_connections_wait_in_the_kernel() {
    let bench = Bench::new(packet::Limits::for_memory(1 << 20), 1);
    let (listener, address) = bench.listen();
    let _peers = [(); 2].map(|()| TcpStream::connect(address).unwrap());
    let accept = |cx: &mut Context<'_>| bench.sockets.poll_accept(listener, cx);
    let (first, _) = bench.until(accept).unwrap();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    assert!(accept(&mut Context::from_waker(&waker)).is_pending());
    assert!(!woken.0.load(Ordering::Relaxed));
    bench.sockets.release(first);
    assert!(woken.0.load(Ordering::Relaxed), "there is room now");
    bench.until(accept).unwrap();
}

#[test]
fn without_memory_reading_waits() {
    let limits = packet::Limits {
        cells: 0,
        pages: 1,
        bays: 0,
    };
    let mut bench = Bench::new(limits, 16);
    let (flow, mut peer) = bench.pair();
    peer.write_all(&[7; 5000]).unwrap();
    let chunk = bench.until(|_| bench.receive(flow)).unwrap().unwrap();
    assert_eq!(chunk.len(), 4096);
    assert!(bench.receive(flow).is_pending());
    let retry = bench.sockets.next_event().unwrap();
    drop(chunk);
    bench.now = retry;
    let rest = bench.until(|_| bench.receive(flow)).unwrap().unwrap();
    assert_eq!(rest.len(), 904);
    drop(rest);
    assert_eq!(bench.pool.usage(Class::Page).held, 0);
}

#[test]
fn one_connection_does_not_take_the_whole_turn() {
    let bench = Bench::roomy();
    let (flow, mut peer) = bench.pair();
    let sender = std::thread::spawn(move || peer.write_all(&[7; 4 << 20]));
    let (mut total, mut longest) = (0, 0);
    while total < 4 << 20 {
        bench.until(|_| match bench.receive(flow) {
            Poll::Ready(chunk) => {
                total += chunk.unwrap().unwrap().len();
                Poll::Ready(())
            }
            Poll::Pending => Poll::Pending,
        });
        let mut received = 0;
        while let Poll::Ready(chunk) = bench.receive(flow) {
            let Some(chunk) = chunk.unwrap() else { break };
            received += chunk.len();
        }
        total += received;
        longest = longest.max(received);
    }
    sender.join().unwrap().unwrap();
    assert_eq!(total, 4 << 20);
    assert!(longest <= (256 + 68) * 1024, "{longest} bytes in one turn");
}

#[test]
fn a_crowd_at_the_door_does_not_take_the_whole_turn() {
    let bench = Bench::new(packet::Limits::for_memory(1 << 20), 1000);
    let (listener, address) = bench.listen();
    let _peers = [(); 100].map(|()| TcpStream::connect(address).unwrap());
    let accept = || {
        let mut cx = Context::from_waker(Waker::noop());
        bench.sockets.poll_accept(listener, &mut cx)
    };
    bench.sockets.receive(bench.now);
    let first = core::iter::repeat_with(accept)
        .take_while(Poll::is_ready)
        .count();
    bench.sockets.receive(bench.now);
    let second = core::iter::repeat_with(accept)
        .take_while(Poll::is_ready)
        .count();
    assert_eq!((first, second), (64, 36));
}

#[test]
fn a_peer_that_never_reads_is_given_up() {
    let mut bench = Bench::roomy();
    let (flow, mut peer) = bench.pair();
    bench.fill(flow);
    bench.sockets.release(flow);
    bench.sockets.transmit(bench.now);
    assert!(!bench.sockets.is_quiet());
    assert_eq!(
        bench.receive(flow).map(Result::err),
        Poll::Ready(Some(Error::Closed))
    );
    bench.now = bench.sockets.next_event().unwrap();
    bench.sockets.receive(bench.now);
    assert!(bench.sockets.is_quiet());
    let error = peer.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn released_with_bytes_to_send_and_to_read_it_is_reset() {
    let bench = Bench::roomy();
    let (flow, mut peer) = bench.pair();
    bench.fill(flow);
    peer.write_all(b"unread").unwrap();
    bench.sockets.release(flow);
    assert!(bench.sockets.is_quiet(), "nothing is left to wait for");
    let error = peer.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn what_the_kernel_has_taken_is_not_drained_yet() {
    let bench = Bench::roomy();
    let (flow, mut peer) = bench.pair();
    let mut left = bench.fill(flow);
    // The peer reads until the queue is empty; the kernel's buffer then still is not.
    let mut bytes = [0; 65_536];
    while !bench.sockets.is_quiet() {
        left -= peer.read(&mut bytes).unwrap();
        bench.sockets.receive(bench.now);
        bench.sockets.transmit(bench.now);
    }
    let drained = |cx: &mut Context<'_>| bench.sockets.poll_drained(flow, cx);
    assert!(drained(&mut Context::from_waker(Waker::noop())).is_pending());
    while left > 0 {
        left -= peer.read(&mut bytes).unwrap();
    }
    assert!(bench.sockets.next_event().is_some(), "it will look again");
    assert_eq!(bench.until(drained), Ok(()));
}

#[test]
fn a_reset_ends_draining_also_when_the_kernel_has_everything() {
    let bench = Bench::roomy();
    let (flow, mut peer) = bench.pair();
    bench.fill(flow);
    let mut bytes = [0; 65_536];
    while !bench.sockets.is_quiet() {
        peer.read_exact(&mut bytes).unwrap();
        bench.sockets.receive(bench.now);
        bench.sockets.transmit(bench.now);
    }
    // With bytes unread, so it resets.
    drop(peer);
    let drained = bench.until(|cx| bench.sockets.poll_drained(flow, cx));
    assert_eq!(drained, Err(Error::Reset));
}

#[test]
fn bytes_and_their_end_may_come_with_one_event() {
    let bench = Bench::roomy();
    let (flow, mut peer) = bench.pair();
    assert!(bench.receive(flow).is_pending());
    peer.write_all(b"all").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    bench.sockets.receive(bench.now);
    let Poll::Ready(Ok(Some(chunk))) = bench.receive(flow) else {
        panic!("there are bytes");
    };
    assert_eq!(&*chunk, b"all");
    for _ in 0..2 {
        assert!(matches!(bench.receive(flow), Poll::Ready(Ok(None))));
    }
}

#[test]
fn ipv4_peers_of_a_socket_for_both_look_like_ipv4() {
    let bench = Bench::roomy();
    // A port that was free a moment ago; somebody else may have taken it since.
    let (listener, port) = core::iter::repeat_with(|| {
        let probe = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        probe.local_addr().unwrap().port()
    })
    .take(100)
    .find_map(|port| Some((bench.sockets.listen(port).ok()?, port)))
    .unwrap();
    let peer = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let (flow, accepted) = bench
        .until(|cx| bench.sockets.poll_accept(listener, cx))
        .unwrap();
    assert_eq!(accepted.address, peer.local_addr().unwrap());
    assert_eq!(
        bench.sockets.local_address(flow),
        Some(peer.peer_addr().unwrap())
    );
}

#[test]
fn the_largest_datagram_of_ipv6_is_received_whole() {
    let bench = Bench::roomy();
    let Ok(ours) = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)) else {
        return; // This kernel has no IPv6.
    };
    let address = ours.local_addr().unwrap();
    bench.sockets.provide_port(53, ours);
    let id = bench.sockets.bind(53).unwrap();
    let peer = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
    let sent: Vec<u8> = (0..65_527).map(|at: u32| (at % 251) as u8).collect();
    peer.send_to(&sent, address).unwrap();
    let (received, source) = bench
        .until(|cx| bench.sockets.poll_receive_from(id, cx))
        .unwrap();
    assert_eq!(source, peer.local_addr().unwrap());
    assert!(received[..] == sent[..], "{} bytes", received.len());
}

#[test]
fn listeners_are_bounded_and_a_port_is_taken_once() {
    let bench = Bench::roomy();
    let (_, address) = bench.listen();
    assert_eq!(bench.sockets.listen(address.port()), Err(Error::InUse));
    for _ in 1..Limits::default().listeners {
        bench.listen();
    }
    assert_eq!(bench.sockets.listen(0), Err(Error::NoBuffer));
}
