//! Initial sequence numbers and ephemeral ports: what a blind attacker must not guess.

use core::net::{Ipv4Addr, SocketAddrV4};

use packet::{Instant, Key, Random, Secrets};

use crate::Seq;

/// Chooses initial sequence numbers and timestamp offsets (RFC 6528; RFC 7323, 5.4).
pub(crate) struct Numbers {
    isn: Key,
    clock: Key,
    ports: Key,
    increment: Random,
    /// RFC 6056, 3.3.4: one counter for each slice of destinations.
    table: [u16; 64],
}

/// The ports that a connection from inside may get (RFC 6335, 6).
const EPHEMERAL: core::ops::RangeInclusive<u16> = 49152..=65535;

impl Numbers {
    pub(crate) fn new(secrets: &Secrets) -> Self {
        let mut increment = secrets.random("tcp port increments");
        let table = core::array::from_fn(|_| increment.next_u64() as u16);
        Self {
            isn: secrets.key("tcp isn"),
            clock: secrets.key("tcp timestamps"),
            ports: secrets.key("tcp ports"),
            increment,
            table,
        }
    }

    /// RFC 6528, 3: a clock that ticks every 4 microseconds, plus a keyed hash of the four-tuple.
    pub(crate) fn isn(&self, now: Instant, local: SocketAddrV4, remote: SocketAddrV4) -> Seq {
        let clock = (now.as_nanos() / 4000) as u32;
        Seq(clock.wrapping_add(self.isn.hash(&tuple(local, remote)) as u32))
    }

    /// Where the timestamps of a pair of hosts start: the same for all their connections, so that a
    /// new one is newer than one in TIME-WAIT.
    pub(crate) fn timestamp_offset(&self, local: Ipv4Addr, remote: Ipv4Addr) -> u32 {
        let none = |address| SocketAddrV4::new(address, 0);
        self.clock.hash(&tuple(none(local), none(remote))) as u32
    }

    /// RFC 6056, 3.3.4 (double-hash port selection): the first port that `is_free`, searched from a
    /// place that depends on the destination. `None` when all are taken.
    pub(crate) fn ephemeral_port(
        &mut self,
        local: Ipv4Addr,
        remote: SocketAddrV4,
        mut is_free: impl FnMut(u16) -> bool,
    ) -> Option<u16> {
        let count = EPHEMERAL.end() - EPHEMERAL.start() + 1;
        let hash = self.ports.hash(&tuple(SocketAddrV4::new(local, 0), remote));
        let (offset, slice) = (hash as u16, (hash >> 16) as usize % self.table.len());
        for _ in 0..count {
            let step = self.table[slice];
            // RFC 6056, 3.3.5: a random increment hides how many connections were made.
            self.table[slice] = step.wrapping_add(1 + self.increment.below(3) as u16);
            let port = EPHEMERAL.start() + offset.wrapping_add(step) % count;
            if is_free(port) {
                return Some(port);
            }
        }
        EPHEMERAL.rev().find(|port| is_free(*port))
    }
}

/// The bytes of a four-tuple, for hashing.
pub(crate) fn tuple(local: SocketAddrV4, remote: SocketAddrV4) -> [u8; 12] {
    // Put together in registers: bytes stored one by one and read as words stall the processor.
    let ends = |end: SocketAddrV4| u64::from(end.ip().to_bits()) << 16 | u64::from(end.port());
    let all = u128::from(ends(local)) << 48 | u128::from(ends(remote));
    let [_, _, _, _, tuple @ ..] = all.to_be_bytes();
    tuple
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
    const THERE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 80);

    #[test]
    fn isns_of_one_tuple_grow_with_the_clock_and_differ_between_tuples() {
        let numbers = Numbers::new(&Secrets::new([1; 32]));
        let isn = |millis, port| {
            numbers
                .isn(
                    Instant::from_millis(millis),
                    SocketAddrV4::new(HERE, port),
                    THERE,
                )
                .0
        };
        assert_eq!(isn(1000, 1).wrapping_sub(isn(0, 1)), 250_000);
        assert_ne!(isn(0, 1), isn(0, 2));
    }

    #[test]
    fn timestamps_of_two_hosts_start_together_whatever_their_ports() {
        let numbers = Numbers::new(&Secrets::new([1; 32]));
        let offset = numbers.timestamp_offset(HERE, *THERE.ip());
        assert_ne!(offset, numbers.timestamp_offset(*THERE.ip(), HERE));
        let other = Numbers::new(&Secrets::new([2; 32]));
        assert_ne!(offset, other.timestamp_offset(HERE, *THERE.ip()));
    }

    #[test]
    fn a_four_tuple_is_its_bytes() {
        let bytes = tuple(SocketAddrV4::new(HERE, 0x1234), THERE);
        assert_eq!(bytes, [10, 0, 0, 2, 0x12, 0x34, 10, 0, 0, 1, 0, 80]);
    }

    #[test]
    fn ports_come_from_the_range_until_none_is_left() {
        let mut numbers = Numbers::new(&Secrets::new([1; 32]));
        let mut used = alloc::collections::BTreeSet::new();
        while let Some(port) = numbers.ephemeral_port(HERE, THERE, |port| !used.contains(&port)) {
            assert!(EPHEMERAL.contains(&port));
            used.insert(port);
        }
        assert_eq!(used.len(), 16384);
    }
}
