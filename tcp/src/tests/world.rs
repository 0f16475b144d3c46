//! Two hosts and what is on its way between them.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::task::Poll;

use packet::{Duration, Frame, Instant, Limits, Part, Pool, Random, RxChecksum, RxMeta, Secrets};

use crate::*;

pub(super) const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub(super) const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

struct Wire {
    sent: Vec<(Packet, Vec<u8>)>,
}

impl Output for Wire {
    fn transmit(&mut self, segment: Outgoing<'_>) -> Result<(), Blocked> {
        assert!(self.sent.len() < 100_000, "it never has enough");
        let mut bytes = segment.head.to_vec();
        segment
            .payload
            .iter()
            .for_each(|chunk| bytes.extend_from_slice(chunk));
        self.sent.push((
            Packet {
                source: segment.local,
                destination: segment.remote,
                start: 0,
                len: bytes.len(),
            },
            bytes,
        ));
        Ok(())
    }
}

/// Two hosts and what is on its way between them.
pub(super) struct World {
    pub(super) hosts: [Tcp; 2],
    pub(super) pools: [Pool; 2],
    pub(super) now: Instant,
    flying: VecDeque<(Instant, usize, Packet, Vec<u8>)>,
    random: Random,
    /// Of a hundred segments, how many are lost, repeated, late.
    pub(super) loss: u64,
    pub(super) repeat: u64,
    pub(super) reorder: u64,
}

impl World {
    pub(super) fn new(config: Config, seed: u8) -> Self {
        let limits = Limits {
            cells: 2048,
            pages: 2048,
            bays: 8,
        };
        let pools = [Pool::new(limits), Pool::new(limits)];
        let secrets = |n| Secrets::new([n; 32]);
        let hosts = [
            Tcp::new(config, pools[0].clone(), &secrets(seed)),
            Tcp::new(config, pools[1].clone(), &secrets(seed.wrapping_add(1))),
        ];
        let random = secrets(seed).random("world");
        let now = Instant::from_millis(1000);
        Self {
            hosts,
            pools,
            now,
            flying: VecDeque::new(),
            random,
            loss: 0,
            repeat: 0,
            reorder: 0,
        }
    }

    pub(super) fn transmit(&mut self) {
        for from in 0..2 {
            let mut wire = Wire { sent: Vec::new() };
            self.hosts[from].poll_transmit(self.now, &mut wire);
            for (packet, bytes) in wire.sent {
                if self.random.below(100) < self.loss {
                    continue;
                }
                let late = if self.random.below(100) < self.reorder {
                    7
                } else {
                    1
                };
                let copies = if self.random.below(100) < self.repeat {
                    2
                } else {
                    1
                };
                for _ in 0..copies {
                    let at = self.now + Duration::from_millis(late);
                    self.flying.push_back((at, 1 - from, packet, bytes.clone()));
                }
            }
        }
    }

    pub(super) fn deliver(&mut self) {
        let now = self.now;
        let (due, later) = core::mem::take(&mut self.flying)
            .into_iter()
            .partition(|f| f.0 <= now);
        self.flying = later;
        let due: VecDeque<_> = due;
        for (_, to, packet, bytes) in due {
            let meta = RxMeta {
                checksum: RxChecksum::Blank,
                gso_size: 0,
            };
            let part = Part::copy_from(&self.pools[to], &bytes).expect("the pool is large enough");
            let _ = self.hosts[to].receive(now, &packet, Frame::new(part, meta));
        }
    }

    /// Lets time pass until the next thing happens; `false` if nothing ever will.
    pub(super) fn step(&mut self) -> bool {
        self.transmit();
        let flying = self.flying.iter().map(|f| f.0).min();
        let timeouts = self.hosts.iter().filter_map(Tcp::poll_timeout);
        let Some(next) = timeouts.chain(flying).min() else {
            return false;
        };
        self.now = self.now.max(next);
        assert!(
            self.now < Instant::from_millis(345_600_000),
            "four days of it"
        );
        self.deliver();
        for host in &mut self.hosts {
            host.handle_timeout(self.now);
            while host.poll_event().is_some() {}
        }
        true
    }

    /// A connection from host 0 to host 1, established.
    pub(super) fn connect(&mut self) -> [ConnectionId; 2] {
        let listener = self.hosts[1].listen(80).unwrap();
        let client = self.hosts[0]
            .connect(self.now, A, SocketAddrV4::new(B, 80))
            .unwrap();
        for _ in 0..1000 {
            if let Poll::Ready(Ok((server, _))) = self.hosts[1].accept(listener) {
                return [client, server];
            }
            assert!(self.step(), "silence before the connection is established");
        }
        panic!("not established after a thousand steps");
    }

    pub(super) fn state(&mut self, host: usize, id: ConnectionId) -> Option<State> {
        self.hosts[host].info(id).map(|info| info.state)
    }
}
