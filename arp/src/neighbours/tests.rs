use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const OUR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const OTHER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];

fn neighbours(limit: usize) -> Neighbours {
    let site = Site {
        mac: OUR_MAC,
        address: Some(US),
        prefix_len: 24,
    };
    Neighbours::new(site, limit)
}

fn at(seconds: u64) -> Instant {
    Instant::from_millis(1_000_000 + seconds * 1000)
}

fn from_peer(operation: Operation, target: Ipv4Addr) -> Packet {
    Packet {
        operation,
        sender_mac: PEER_MAC,
        sender: PEER,
        target_mac: [0; 6],
        target,
    }
}

fn sent(cache: &mut Neighbours) -> Vec<Outgoing> {
    core::iter::from_fn(|| cache.poll_transmit()).collect()
}

fn events(cache: &mut Neighbours) -> Vec<Event> {
    core::iter::from_fn(|| cache.poll_event()).collect()
}

/// Lets time pass until `end`, second by second; gives the destinations of what was sent.
fn pass(cache: &mut Neighbours, seconds: core::ops::Range<u64>) -> Vec<[u8; 6]> {
    seconds.for_each(|second| cache.handle_timeout(at(second)));
    sent(cache).iter().map(|out| out.destination).collect()
}

#[test]
fn asks_once_a_second_and_gives_up() {
    let mut cache = neighbours(8);
    for _ in 0..5 {
        assert_eq!(cache.lookup(at(0), PEER), Lookup::Unresolved);
    }
    let asked = sent(&mut cache);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].destination, BROADCAST);
    assert_eq!(asked[0].packet.target, PEER);

    assert_eq!(cache.poll_timeout(), Some(at(1)));
    assert_eq!(pass(&mut cache, 1..3), [BROADCAST; 2]);
    assert_eq!(pass(&mut cache, 3..4), [[0; 6]; 0]);
    assert_eq!(events(&mut cache), [Event::Failed(PEER)]);
    assert_eq!(cache.lookup(at(4), PEER), Lookup::Unreachable);
    cache.handle_timeout(at(6));
    assert_eq!(cache.lookup(at(6), PEER), Lookup::Unresolved, "asks anew");
}

#[test]
fn a_reply_resolves() {
    let mut cache = neighbours(8);
    cache.lookup(at(0), PEER);
    cache.receive(at(0), &from_peer(Operation::Reply, US));
    assert_eq!(events(&mut cache), [Event::Resolved(PEER)]);
    assert_eq!(cache.lookup(at(0), PEER), Lookup::Known(PEER_MAC));
}

#[test]
fn answers_requests_for_our_address_only() {
    let mut cache = neighbours(8);
    cache.receive(
        at(0),
        &from_peer(Operation::Request, Ipv4Addr::new(10, 0, 0, 3)),
    );
    assert_eq!(sent(&mut cache), []);
    assert_eq!(
        cache.table.len(),
        0,
        "learns nothing from what is not for us"
    );

    cache.receive(at(0), &from_peer(Operation::Request, US));
    let answers = sent(&mut cache);
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].destination, PEER_MAC);
    let Packet {
        operation,
        sender_mac,
        sender,
        ..
    } = answers[0].packet;
    assert_eq!(
        (operation, sender_mac, sender),
        (Operation::Reply, OUR_MAC, US)
    );
    assert_eq!(cache.lookup(at(0), PEER), Lookup::Known(PEER_MAC));
}

#[test]
fn a_probe_is_answered_and_teaches_nothing() {
    let mut cache = neighbours(8);
    let mut probe = from_peer(Operation::Request, US);
    probe.sender = Ipv4Addr::UNSPECIFIED;
    cache.receive(at(0), &probe);
    assert_eq!(sent(&mut cache).len(), 1);
    assert_eq!(cache.table.len(), 0);
}

#[test]
fn a_used_entry_is_probed_by_unicast_before_it_expires() {
    let mut cache = neighbours(8);
    cache.heard(at(0), PEER, PEER_MAC);
    let asked: Vec<_> = (1..=48)
        .flat_map(|second| {
            assert_eq!(cache.lookup(at(second), PEER), Lookup::Known(PEER_MAC));
            cache.handle_timeout(at(second));
            sent(&mut cache)
        })
        .map(|out| out.destination)
        .collect();
    // At 45, 46 and 47 by unicast; then it asks everybody.
    assert_eq!(asked, [PEER_MAC, PEER_MAC, PEER_MAC, BROADCAST]);
    assert_eq!(cache.lookup(at(48), PEER), Lookup::Unresolved);
}

#[test]
fn traffic_confirms() {
    let mut cache = neighbours(8);
    for second in 0..200 {
        cache.heard(at(second), PEER, PEER_MAC);
        assert_eq!(cache.lookup(at(second), PEER), Lookup::Known(PEER_MAC));
        cache.handle_timeout(at(second));
    }
    assert_eq!(sent(&mut cache), []);
}

#[test]
fn an_unused_entry_goes_silently() {
    let mut cache = neighbours(8);
    cache.heard(at(0), PEER, PEER_MAC);
    assert_eq!(pass(&mut cache, 1..100), [[0; 6]; 0]);
    assert_eq!(cache.table.len(), 0);
    assert_eq!(cache.poll_timeout(), None);
}

#[test]
fn traffic_from_another_card_does_not_overwrite_but_asks() {
    let mut cache = neighbours(8);
    cache.heard(at(0), PEER, PEER_MAC);
    cache.lookup(at(5), PEER);
    for _ in 0..5 {
        cache.heard(at(5), PEER, OTHER_MAC);
    }
    assert_eq!(cache.lookup(at(5), PEER), Lookup::Known(PEER_MAC));
    let asked: Vec<_> = sent(&mut cache).iter().map(|out| out.destination).collect();
    assert_eq!(asked, [BROADCAST]);
    // The old card is gone; the new one answers.
    let mut reply = from_peer(Operation::Reply, US);
    reply.sender_mac = OTHER_MAC;
    cache.receive(at(5), &reply);
    assert_eq!(cache.lookup(at(5), PEER), Lookup::Known(OTHER_MAC));
    assert_eq!(pass(&mut cache, 6..30), [[0; 6]; 0]);
}

#[test]
fn what_another_way_brings_neither_changes_nor_questions_the_gateway() {
    let mut cache = neighbours(8);
    cache.forwarded(at(0), PEER, PEER_MAC);
    assert_eq!(
        cache.lookup(at(5), PEER),
        Lookup::Known(PEER_MAC),
        "filled in"
    );
    cache.forwarded(at(6), PEER, OTHER_MAC);
    assert_eq!(cache.lookup(at(6), PEER), Lookup::Known(PEER_MAC));
    assert_eq!(sent(&mut cache), []);
    cache.forwarded(at(40), PEER, PEER_MAC);
    cache.lookup(at(60), PEER);
    assert_eq!(pass(&mut cache, 41..80), [[0; 6]; 0], "confirmed");
}

#[test]
fn the_table_is_bounded_and_keeps_what_is_used() {
    let mut cache = neighbours(4);
    cache.lookup(at(0), PEER);
    cache.receive(at(0), &from_peer(Operation::Reply, US));
    for host in 10..250 {
        cache.heard(at(1), Ipv4Addr::new(10, 0, 0, host), OTHER_MAC);
    }
    assert_eq!(cache.table.len(), 4);
    assert_eq!(cache.lookup(at(1), PEER), Lookup::Known(PEER_MAC));
    for host in 10..250 {
        cache.lookup(at(2), Ipv4Addr::new(10, 0, 0, host));
    }
    assert_eq!(cache.table.len(), 4);
    assert_eq!(cache.lookup(at(2), PEER), Lookup::Known(PEER_MAC));
}

#[test]
fn only_neighbours_are_learned() {
    let mut cache = neighbours(8);
    for address in [
        [10, 0, 1, 1],
        [10, 0, 0, 255],
        [10, 0, 0, 0],
        [224, 0, 0, 1],
    ] {
        cache.heard(at(0), address.into(), PEER_MAC);
    }
    assert_eq!(cache.table.len(), 0);
}

#[test]
fn announces_twice_when_the_network_comes_up() {
    let mut cache = neighbours(8);
    cache.heard(at(0), PEER, PEER_MAC);
    cache.restart(at(1), OTHER_MAC);
    cache.handle_timeout(at(1));
    let announced = sent(&mut cache);
    assert_eq!(announced.len(), 1);
    let packet = announced[0].packet;
    assert_eq!((packet.sender, packet.target), (US, US));
    assert_eq!(packet.sender_mac, OTHER_MAC);
    assert_eq!(pass(&mut cache, 2..60), [BROADCAST]);
    assert_eq!(cache.lookup(at(60), PEER), Lookup::Unresolved, "forgotten");
}

#[test]
fn defends_our_address_every_ten_seconds_at_most() {
    let mut cache = neighbours(8);
    let mut thief = from_peer(Operation::Request, PEER);
    thief.sender = US;
    for second in 0..20 {
        cache.receive(at(second), &thief);
    }
    assert_eq!(sent(&mut cache).len(), 2);
    assert_eq!(events(&mut cache), [Event::Conflict(PEER_MAC); 2]);
    assert_eq!(cache.table.len(), 0);
}

#[test]
fn what_waits_to_be_sent_is_bounded() {
    let mut cache = neighbours(8);
    for _ in 0..1000 {
        cache.receive(at(0), &from_peer(Operation::Request, US));
    }
    assert_eq!(sent(&mut cache).len(), OUTGOING_LIMIT);
}

/// What a test may do to a cache.
#[derive(Clone, Debug)]
enum Step {
    Lookup(u8),
    Heard(u8, u8),
    Receive(bool, u8, u8, u8),
    Pass(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u8..16).prop_map(Step::Lookup),
        (0u8..16, 1u8..4).prop_map(|(host, mac)| Step::Heard(host, mac)),
        (any::<bool>(), 0u8..16, 0u8..16, 1u8..4)
            .prop_map(|(reply, from, to, mac)| Step::Receive(reply, from, to, mac)),
        (0u16..20_000).prop_map(Step::Pass),
    ]
}

proptest! {
    /// Whatever happens: the table is bounded, no deadline lies in the past once handled, and the
    /// same address is not asked for twice within a second.
    #[test]
    fn keeps_its_promises(steps in prop::collection::vec(step(), 0..300)) {
        let mut cache = neighbours(4);
        let mut now = at(0);
        let mut asked = [None::<Instant>; 256];
        let host = |host: u8| Ipv4Addr::new(10, 0, 0, host);
        for step in steps {
            match step {
                Step::Lookup(to) => drop(cache.lookup(now, host(to))),
                Step::Heard(from, mac) => cache.heard(now, host(from), [2, 0, 0, 0, 0, mac]),
                Step::Receive(reply, from, to, mac) => {
                    let mut packet = from_peer(Operation::Request, host(to));
                    if reply {
                        packet.operation = Operation::Reply;
                    }
                    packet.sender = host(from);
                    packet.sender_mac = [2, 0, 0, 0, 0, mac];
                    cache.receive(now, &packet);
                }
                Step::Pass(millis) => now += Duration::from_millis(millis.into()),
            }
            cache.handle_timeout(now);
            prop_assert!(cache.table.len() <= 4);
            prop_assert!(cache.poll_timeout().is_none_or(|at| at > now));
            for Outgoing { packet, .. } in sent(&mut cache) {
                if packet.operation == Operation::Request && packet.target != US {
                    let last = &mut asked[usize::from(packet.target.octets()[3])];
                    let rare = last.is_none_or(|last| now.since(last) >= REQUEST_INTERVAL);
                    prop_assert!(rare, "{} was asked for twice", packet.target);
                    *last = Some(now);
                }
            }
        }
    }
}
