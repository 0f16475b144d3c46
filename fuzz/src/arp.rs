//! Packets for the neighbour cache, and questions to it.

use core::net::Ipv4Addr;

use arp::{Lookup, Neighbours, PACKET_LEN, Packet, Site};
use packet::{Duration, Instant};

use crate::input::Input;

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const SITE: Site = Site {
    mac: MAC,
    address: Some(Ipv4Addr::new(10, 0, 0, 2)),
    prefix_len: 24,
};
/// Few, so that the table is full at times.
const NEIGHBOURS: usize = 8;
/// What the cache says of its own lists.
const MOST_WAITING: usize = 64;

/// Feeds the cache with packets, questions and time.
pub fn arp(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut now = Instant::from_millis(1000);
    let mut cache = Neighbours::new(SITE, NEIGHBOURS);
    cache.restart(now, MAC);
    while !input.is_empty() {
        match input.byte() % 8 {
            0..=2 => packet(&mut cache, now, input.take(PACKET_LEN)),
            3 => look_up(&mut cache, now, input.byte()),
            4 => cache.heard(now, neighbour(input.byte()), [2, 0, 0, 0, 1, input.byte()]),
            5 => cache.forwarded(now, neighbour(1), [2, 0, 0, 0, 2, input.byte()]),
            6 => {
                now += Duration::from_millis(u64::from(input.word()));
                pass(&mut cache, now);
            }
            _ => drain(&mut cache),
        }
    }
    // A cache that nobody asks falls silent.
    for _ in 0..1000 {
        drain(&mut cache);
        let Some(next) = cache.poll_timeout() else {
            return;
        };
        now = now.max(next);
        pass(&mut cache, now);
    }
    panic!("the cache never rests");
}

fn neighbour(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

fn packet(cache: &mut Neighbours, now: Instant, bytes: &[u8]) {
    let Ok(packet) = Packet::parse(bytes) else {
        return;
    };
    assert_eq!(packet.to_bytes(), bytes, "read and written");
    cache.receive(now, &packet);
}

fn look_up(cache: &mut Neighbours, now: Instant, last: u8) {
    if let Lookup::Known(mac) = cache.lookup(now, neighbour(last)) {
        assert!(mac[0] & 1 == 0, "a group is nobody's address");
        assert_ne!(mac, MAC, "a neighbour with our address");
    }
}

/// Does what time asks for: once, and then no more.
fn pass(cache: &mut Neighbours, now: Instant) {
    cache.handle_timeout(now);
    let next = cache.poll_timeout();
    assert!(next.is_none_or(|next| next > now), "time stands still");
}

fn drain(cache: &mut Neighbours) {
    let sent = core::iter::from_fn(|| cache.poll_transmit()).count();
    assert!(sent <= MOST_WAITING, "{sent} packets waited");
    let events = core::iter::from_fn(|| cache.poll_event()).count();
    assert!(events <= MOST_WAITING, "{events} events waited");
}
