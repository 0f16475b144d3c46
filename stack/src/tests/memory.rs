//! Two hosts on a cable in memory, with the queues and limits of real devices.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::task::Poll;

use memory::{Cable, Control, End};
use packet::{Chunk, Class, Duration, Instant, Limits, Pool, Secrets};
use runtime::{Driver, FlowId, Network};

use super::world::{A, A_MAC, B, B_MAC, context};
use crate::{Cidr, Config, Net};

pub(super) fn text(len: usize) -> &'static [u8] {
    let text: Vec<u8> = (0..len).map(|at| (at / 7) as u8).collect();
    Vec::leak(text)
}

pub(super) struct Pair {
    pub(super) a: Net,
    pub(super) b: Net,
    control: Control,
    pub(super) pools: [Pool; 2],
    pub(super) now: Instant,
}

impl Pair {
    pub(super) fn new(cable: Cable) -> Self {
        let limits = Limits {
            cells: 1024,
            pages: 1024,
            bays: 64,
        };
        let pools = [Pool::new(limits), Pool::new(limits)];
        let end = |mac, pool: &Pool| End {
            mac,
            pool: pool.clone(),
        };
        let (left, right) = memory::pair(cable, end(A_MAC, &pools[0]), end(B_MAC, &pools[1]));
        let control = right.control();
        let net = |link, address, at: usize| {
            let config = Config::new(Cidr::new(address, 24).unwrap());
            Net::new(
                link,
                pools[at].clone(),
                &Secrets::new([at as u8; 32]),
                &config,
            )
        };
        Self {
            a: net(Box::new(left), A, 0),
            b: net(Box::new(right), B, 1),
            control,
            pools,
            now: Instant::from_millis(1),
        }
    }

    /// A turn of both; if nothing happened in it, time goes on to the next event.
    pub(super) fn turn(&mut self) {
        let mut happened = false;
        for net in [&self.a, &self.b] {
            happened |= net.receive(self.now);
            net.transmit(self.now);
        }
        if happened || self.a.arm() || self.b.arm() {
            return;
        }
        let next = [self.a.next_event(), self.b.next_event()];
        let next = next.into_iter().flatten().min();
        self.now = next.expect("both wait for ever").max(self.now);
    }

    pub(super) fn connection(&mut self) -> (FlowId, FlowId) {
        let listener = self.b.listen(80).unwrap();
        let client = self.a.connect(SocketAddr::from((B, 80))).unwrap();
        loop {
            self.turn();
            if let Poll::Ready(accepted) = self.b.poll_accept(listener, &mut context()) {
                return (client, accepted.unwrap().0);
            }
        }
    }

    /// Sends `text` from a to b and back at the same time.
    fn exchange(&mut self, client: FlowId, server: FlowId, text: &'static [u8]) {
        let mut chunks = [Some(Chunk::Static(text)), Some(Chunk::Static(text))];
        let mut received = [Vec::new(), Vec::new()];
        let start = self.now;
        while received.iter().any(|bytes| bytes.len() < text.len()) {
            for (at, (net, flow)) in [(&self.a, client), (&self.b, server)].iter().enumerate() {
                if chunks[at].is_some() {
                    let sent = net.poll_send(*flow, &mut chunks[at], &mut context());
                    assert!(!matches!(sent, Poll::Ready(Err(_))));
                }
                while let Poll::Ready(read) = net.poll_receive(*flow, &mut context()) {
                    received[at].extend_from_slice(&read.unwrap().expect("an end"));
                }
            }
            self.turn();
            assert!(self.now.since(start) < Duration::from_secs(60));
        }
        assert!(received.iter().all(|bytes| bytes == text));
    }

    fn held(&self) -> usize {
        let held = |class| {
            self.pools
                .iter()
                .map(|pool| pool.usage(class).held)
                .sum::<usize>()
        };
        Class::ALL.map(held).iter().sum()
    }
}

#[test]
fn both_ways_at_once() {
    for offload in [true, false] {
        for queue in [256, 3] {
            let mut pair = Pair::new(Cable {
                offload,
                queue,
                ..Cable::default()
            });
            let (client, server) = pair.connection();
            pair.exchange(client, server, text(1_000_000));
            pair.a.release(client);
            pair.b.release(server);
            while !pair.a.is_quiet() || !pair.b.is_quiet() {
                pair.turn();
            }
            // The last acknowledgement may still be on the cable.
            pair.a.receive(pair.now);
            pair.b.receive(pair.now);
            assert_eq!(pair.held(), 0, "offload {offload}, queue {queue}");
            // Both closed at once, so the last acknowledgements came late.
            let tcp = pair.a.stats().tcp;
            let late = tcp.dropped(tcp::Drop::TimeWait);
            assert_eq!(tcp.drops.iter().sum::<u64>(), late);
            assert_eq!(tcp.segments_resent, 0);
        }
    }
}

#[test]
fn a_card_changed_in_the_middle_of_an_exchange() {
    let mut pair = Pair::new(Cable::default());
    let (client, server) = pair.connection();
    pair.exchange(client, server, text(1000));
    let text = text(1_000_000);
    let mut chunk = Some(Chunk::Static(text));
    let _ = pair.a.poll_send(client, &mut chunk, &mut context());
    pair.turn();
    pair.control.down();
    let down_at = pair.now;
    while pair.now.since(down_at) < Duration::from_secs(5) {
        pair.turn();
    }
    pair.control.up([2, 0, 0, 0, 0, 77]);
    let mut received = Vec::new();
    while received.len() < text.len() {
        if chunk.is_some() {
            let _ = pair.a.poll_send(client, &mut chunk, &mut context());
        }
        while let Poll::Ready(read) = pair.b.poll_receive(server, &mut context()) {
            received.extend_from_slice(&read.unwrap().expect("an end"));
        }
        pair.turn();
        assert!(pair.now.since(down_at) < Duration::from_secs(120));
    }
    assert!(received == text);
    assert_eq!(pair.b.stats().link_ups, 2);
    assert_eq!(
        pair.a.info(client).map(|info| info.state),
        Some(tcp::State::Established)
    );
}
