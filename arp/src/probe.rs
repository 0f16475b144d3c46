//! Whether an address is free to be used (RFC 5227, 2.1.1).

use core::net::Ipv4Addr;

use packet::{Duration, Instant, Random};

use crate::{Operation, Packet};

/// RFC 5227, 1.1: PROBE_WAIT, PROBE_MIN, PROBE_MAX and ANNOUNCE_WAIT. There are three probes: PROBE_NUM.
const PROBE_WAIT: Duration = Duration::from_secs(1);
const PROBE_MIN: Duration = Duration::from_secs(1);
const PROBE_MAX: Duration = Duration::from_secs(2);
const ANNOUNCE_WAIT: Duration = Duration::from_secs(2);

/// A question that nobody should answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe {
    address: Ipv4Addr,
    next: Instant,
    /// How long to wait after each probe.
    waits: [Duration; 3],
    sent: usize,
}

impl Probe {
    pub(crate) fn new(now: Instant, address: Ipv4Addr, random: &mut Random) -> Self {
        let mut up_to = |limit: Duration| {
            // Never more than a few seconds.
            Duration::from_nanos(random.below(limit.as_nanos() as u64 + 1))
        };
        let mut between = || PROBE_MIN + up_to(PROBE_MAX - PROBE_MIN);
        Self {
            address,
            waits: [between(), between(), ANNOUNCE_WAIT],
            next: now + up_to(PROBE_WAIT),
            sent: 0,
        }
    }

    pub(crate) fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// When it goes on, or is over.
    pub(crate) fn next(&self) -> Instant {
        self.next
    }

    /// Its moment has come. `true`: a packet is to be sent; `false`: nobody has answered in time.
    pub(crate) fn goes_on(&mut self, now: Instant) -> bool {
        let Some(wait) = self.waits.get(self.sent) else {
            return false;
        };
        self.sent += 1;
        self.next = now + *wait;
        true
    }

    /// Whether the sender of `packet`, another host, has the address or wants it as well.
    pub(crate) fn is_contradicted(&self, packet: &Packet) -> bool {
        let wants = packet.operation == Operation::Request && packet.sender.is_unspecified();
        packet.sender == self.address || (wants && packet.target == self.address)
    }
}

#[cfg(test)]
mod tests {
    use packet::Secrets;

    use super::*;
    use crate::{Event, Neighbours, Outgoing, Site};

    const WANTED: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
    const OUR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];
    const START: Instant = Instant::from_millis(1000);

    /// A host without an address, which has begun to probe.
    fn probing(seed: u8) -> Neighbours {
        let site = Site {
            mac: OUR_MAC,
            address: None,
            prefix_len: 0,
        };
        let mut cache = Neighbours::new(site, 4);
        cache.restart(START, OUR_MAC);
        let mut random = Secrets::new([seed; 32]).random("arp probe");
        cache.probe(START, WANTED, &mut random);
        cache
    }

    /// Goes to the next deadline; tells when that was.
    fn step(cache: &mut Neighbours) -> Instant {
        let at = cache.poll_timeout().unwrap();
        cache.handle_timeout(at);
        at
    }

    fn from_other(operation: Operation, sender: Ipv4Addr, target: Ipv4Addr) -> Packet {
        Packet {
            operation,
            sender_mac: [2, 0, 0, 0, 0, 9],
            sender,
            target_mac: [0; 6],
            target,
        }
    }

    #[test]
    fn three_probes_and_a_wait() {
        for seed in 0..50 {
            let mut cache = probing(seed);
            let mut last = START;
            for between in [0..=1000, 1000..=2000, 1000..=2000] {
                let at = step(&mut cache);
                assert!(between.contains(&at.since(last).as_millis()));
                last = at;
                let Outgoing {
                    destination,
                    packet,
                } = cache.poll_transmit().unwrap();
                assert_eq!(destination, [0xff; 6]);
                assert_eq!(
                    (packet.sender, packet.target),
                    (Ipv4Addr::UNSPECIFIED, WANTED)
                );
                assert_eq!(packet.sender_mac, OUR_MAC);
                assert_eq!(packet.operation, Operation::Request);
                assert_eq!(cache.poll_event(), None);
            }
            assert_eq!(step(&mut cache), last + ANNOUNCE_WAIT);
            assert_eq!(cache.poll_event(), Some(Event::Probed(WANTED, true)));
            assert_eq!((cache.poll_transmit(), cache.poll_timeout()), (None, None));
        }
    }

    #[test]
    fn who_has_it_or_wants_it_is_a_conflict() {
        let none = Ipv4Addr::UNSPECIFIED;
        let other = Ipv4Addr::new(10, 0, 0, 8);
        for (packet, is_conflict) in [
            (from_other(Operation::Reply, WANTED, none), true),
            (from_other(Operation::Request, WANTED, other), true),
            (from_other(Operation::Request, WANTED, WANTED), true),
            (from_other(Operation::Request, none, WANTED), true),
            (from_other(Operation::Request, other, WANTED), false),
            (from_other(Operation::Request, none, other), false),
            (from_other(Operation::Reply, other, WANTED), false),
        ] {
            // At any moment from the start to the end of the last wait.
            for steps in 0..4 {
                let mut cache = probing(1);
                for _ in 0..steps {
                    step(&mut cache);
                }
                let ours = Packet {
                    sender_mac: OUR_MAC,
                    ..packet
                };
                cache.receive(START, &ours);
                assert_eq!(cache.poll_event(), None, "our own, come back");
                cache.receive(START, &packet);
                let expected = is_conflict.then_some(Event::Probed(WANTED, false));
                assert_eq!(cache.poll_event(), expected, "{packet:?}");
                assert_eq!(cache.poll_timeout().is_none(), is_conflict);
            }
        }
    }

    #[test]
    fn without_an_address_nothing_is_answered_or_announced() {
        let mut cache = probing(1);
        cache.receive(
            START,
            &from_other(Operation::Request, WANTED, Ipv4Addr::UNSPECIFIED),
        );
        cache.poll_event();
        assert_eq!((cache.poll_transmit(), cache.poll_timeout()), (None, None));
    }

    #[test]
    fn an_address_that_comes_is_announced_and_one_that_goes_is_forgotten() {
        let mut cache = probing(1);
        cache.set_address(START, Some((WANTED, 24)));
        for _ in 0..2 {
            step(&mut cache);
            let packet = cache.poll_transmit().unwrap().packet;
            assert_eq!((packet.sender, packet.target), (WANTED, WANTED));
        }
        let other = Ipv4Addr::new(10, 0, 0, 8);
        cache.receive(START, &from_other(Operation::Request, other, WANTED));
        assert!(cache.poll_transmit().is_some());
        cache.set_address(START, None);
        cache.receive(START, &from_other(Operation::Request, other, WANTED));
        assert_eq!((cache.poll_transmit(), cache.poll_timeout()), (None, None));
    }
}
