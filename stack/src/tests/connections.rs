//! Connections, from an application to the wire and back.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddr};
use core::task::{Context, Poll, Waker};

use ethernet::EtherType;
use packet::{Chunk, Duration};
use runtime::{Driver, Error, FlowId, Network};

use super::packets::frame;
use super::world::{A, A_MAC, B, B_MAC, Bell, Host, Pair, context};

static TEXT: [u8; 100_000] = [b'x'; 100_000];

/// Moves `chunk` from `from` to `to` completely.
fn transfer(pair: &Pair, from: (&Host, FlowId), to: (&Host, FlowId), chunk: Chunk) -> Vec<u8> {
    let len = chunk.len();
    let mut chunk = Some(chunk);
    let mut received = Vec::new();
    for _ in 0..10_000 {
        if chunk.is_some() {
            let sent = from.0.net.poll_send(from.1, &mut chunk, &mut context());
            assert!(!matches!(sent, Poll::Ready(Err(_))));
        }
        pair.settle();
        while let Poll::Ready(read) = to.0.read(to.1) {
            received.extend_from_slice(&read.unwrap().unwrap());
        }
        if received.len() >= len {
            return received;
        }
    }
    panic!("{} of {len} bytes came", received.len());
}

#[test]
fn connect_echo_and_close() {
    let mut pair = Pair::new();
    let (client, server) = pair.connection();
    let there = transfer(
        &pair,
        (&pair.a, client),
        (&pair.b, server),
        Chunk::Static(&TEXT),
    );
    assert_eq!(there, TEXT);
    let back = transfer(
        &pair,
        (&pair.b, server),
        (&pair.a, client),
        Chunk::Static(b"thanks"),
    );
    assert_eq!(back, b"thanks");

    pair.a.net.finish(client);
    pair.settle();
    assert!(matches!(pair.b.read(server), Poll::Ready(Ok(None))));
    assert_eq!(pair.b.write(server, b"bye"), Poll::Ready(Ok(3)));
    pair.b.net.finish(server);
    pair.settle();
    let Poll::Ready(Ok(Some(chunk))) = pair.a.read(client) else {
        panic!("nothing came")
    };
    assert_eq!(&*chunk, b"bye");
    drop(chunk);
    assert!(matches!(pair.a.read(client), Poll::Ready(Ok(None))));
    let drained = pair.b.net.poll_drained(server, &mut context());
    assert_eq!(drained, Poll::Ready(Ok(())));
    pair.a.net.release(client);
    pair.b.net.release(server);
    pair.pass(Duration::from_secs(120));
    assert!(pair.a.net.is_quiet() && pair.b.net.is_quiet());
    assert_eq!((pair.a.held(), pair.b.held()), (0, 0));
}

#[test]
fn both_sides_know_their_addresses() {
    let pair = Pair::new();
    let listener = pair.b.net.listen(80).unwrap();
    let client = pair.a.connect(B, 80);
    let local = pair.a.net.local_address(client).unwrap();
    assert_eq!(local.ip(), A);
    pair.settle();
    let accepted = pair.b.net.poll_accept(listener, &mut context());
    let Poll::Ready(Ok((server, peer))) = accepted else {
        panic!("nothing to accept")
    };
    assert_eq!(peer.address, local);
    let here = SocketAddr::from((B, 80));
    assert_eq!(pair.b.net.local_address(server), Some(here));
    pair.a.net.abort(client);
    pair.a.net.release(client);
    pair.settle();
    assert_eq!(pair.a.net.local_address(client), None);
}

#[test]
fn a_host_is_quiet_once_the_end_is_confirmed() {
    let pair = Pair::new();
    let (client, _) = pair.connection();
    assert!(pair.a.net.is_quiet());
    assert_eq!(pair.a.write(client, b"last words"), Poll::Ready(Ok(10)));
    assert!(!pair.a.net.is_quiet());
    pair.a.net.release(client);
    assert!(!pair.a.turn().is_empty());
    assert!(!pair.a.net.is_quiet(), "sent, but not confirmed");
}

#[test]
fn a_stale_id_is_closed_and_touches_nothing() {
    let pair = Pair::new();
    let (client, server) = pair.connection();
    assert_eq!(pair.a.write(client, b"last words"), Poll::Ready(Ok(10)));
    pair.a.net.release(client);
    // TCP still has the connection, for it has something to send.
    pair.a.net.abort(client);
    pair.a.net.release(client);
    pair.a.net.deadline(client, Some(pair.a.now));
    assert_eq!(pair.a.connected(client), Poll::Ready(Err(Error::Closed)));
    assert_eq!(
        pair.a.write(client, b"late"),
        Poll::Ready(Err(Error::Closed))
    );
    assert!(matches!(
        pair.a.read(client),
        Poll::Ready(Err(Error::Closed))
    ));
    assert_eq!(pair.a.net.local_address(client), None);
    pair.settle();
    let Poll::Ready(Ok(Some(chunk))) = pair.b.read(server) else {
        panic!("nothing came")
    };
    assert_eq!(&*chunk, b"last words");
}

#[test]
fn the_first_syn_is_not_lost_to_arp() {
    let pair = Pair::new();
    // All in one instant: nothing had to time out.
    pair.connection();
    assert_eq!(pair.a.net.stats().tcp.segments_resent, 0);
}

#[test]
fn a_passive_connection_needs_no_arp_of_its_own() {
    let pair = Pair::new();
    pair.connection();
    pair.a.connect(B, 80);
    let mut syn = pair.a.turn().remove(0).bytes;
    complete_checksum(&mut syn);
    // B after a restart: it has never heard of A.
    let restarted = Host::new(B, B_MAC).announced();
    restarted.net.listen(80).unwrap();
    let answers = restarted.answers(&syn);
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0][12..14], [8, 0], "a SYN-ACK, not a question");
    assert_eq!(answers[0][..6], A_MAC);
}

/// Completes the checksum of a TCP frame without options of IP.
fn complete_checksum(bytes: &mut [u8]) {
    let len = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    let sum = packet::checksum::Sum::of(&bytes[34..14 + len]);
    bytes[50..52].copy_from_slice(&sum.finish().to_be_bytes());
}

#[test]
fn a_neighbour_that_does_not_answer_is_unreachable() {
    let mut host = Host::new(A, A_MAC).announced();
    let flow = host.connect(Ipv4Addr::new(10, 0, 0, 77), 80);
    let start = host.now;
    let mut questions = 0;
    while host.connected(flow).is_pending() {
        questions += host.turn().len();
        host.now = host.net.next_event().unwrap().max(host.now);
        assert!(host.now.since(start) < Duration::from_secs(10));
    }
    assert_eq!(host.connected(flow), Poll::Ready(Err(Error::Unreachable)));
    assert_eq!(questions, 3);
    assert!(host.now.since(start) >= Duration::from_secs(3));
}

#[test]
fn a_dead_gateway_makes_what_lies_beyond_unreachable() {
    let mut host = Host::with(A, A_MAC, |config| config.gateway = Some(B)).announced();
    let flow = host.connect(Ipv4Addr::new(203, 0, 113, 1), 80);
    let start = host.now;
    while host.connected(flow).is_pending() {
        host.turn();
        host.now = host.net.next_event().unwrap().max(host.now);
        assert!(host.now.since(start) < Duration::from_secs(10));
    }
    assert_eq!(host.connected(flow), Poll::Ready(Err(Error::Unreachable)));
}

#[test]
fn there_is_no_way_to_groups_strange_networks_or_ourselves() {
    let host = Host::new(A, A_MAC);
    for remote in [
        "203.0.113.1:80",
        "10.0.0.255:80",
        "224.0.0.1:80",
        "10.0.0.1:80",
        "[::1]:80",
    ] {
        let remote: SocketAddr = remote.parse().unwrap();
        assert_eq!(
            host.net.connect(remote),
            Err(Error::Unreachable),
            "{remote}"
        );
    }
}

#[test]
fn nobody_listens() {
    let pair = Pair::new();
    let flow = pair.a.connect(B, 81);
    pair.settle();
    assert_eq!(pair.a.connected(flow), Poll::Ready(Err(Error::Refused)));
}

#[test]
fn an_icmp_error_about_our_syn_refuses() {
    let pair = Pair::new();
    pair.connection();
    let flow = pair.a.connect(B, 82);
    let syn = pair.a.turn().remove(0).bytes;
    let message = ipv4::icmp::Complaint::PortUnreachable.about(&syn[14..]);
    let header = ipv4::Header {
        source: B,
        destination: A,
        protocol: ipv4::Protocol::ICMP,
        ecn: 0,
        identification: 0,
        fragment_offset: 0,
        more_fragments: false,
        header_len: 20,
        total_len: 20 + message.len() as u16,
    };
    let mut bytes = ipv4::write(&header).to_vec();
    bytes.extend(message);
    let mut bytes = frame(A_MAC, EtherType::IPV4, &bytes);
    bytes[6..12].copy_from_slice(&B_MAC);
    assert!(pair.a.answers(&bytes).is_empty());
    assert_eq!(pair.a.connected(flow), Poll::Ready(Err(Error::Refused)));
}

#[test]
fn a_connection_survives_another_card() {
    let mut pair = Pair::new();
    let (client, server) = pair.connection();
    transfer(
        &pair,
        (&pair.a, client),
        (&pair.b, server),
        Chunk::Static(b"before"),
    );

    pair.b.wire.unplug();
    pair.settle();
    assert_eq!(pair.b.write(server, b"meanwhile"), Poll::Ready(Ok(9)));
    assert_eq!(pair.a.write(client, b"lost at first"), Poll::Ready(Ok(13)));
    pair.pass(Duration::from_secs(2));
    assert!(pair.a.read(client).is_pending());

    let other_card = [2, 0, 0, 0, 0, 99];
    pair.b.wire.plug(1, other_card);
    let first = pair.b.turn();
    let announcement = arp::Packet::parse(&first[0].bytes[14..]).unwrap();
    assert_eq!(
        (announcement.sender, announcement.sender_mac),
        (B, other_card)
    );
    assert!(
        first.iter().all(|sent| sent.bytes[6..12] == other_card),
        "new headers"
    );
    pair.a.push(&first[0].bytes);
    pair.pass(Duration::from_secs(10));
    let Poll::Ready(Ok(Some(chunk))) = pair.a.read(client) else {
        panic!("nothing came from the other card")
    };
    assert_eq!(&*chunk, b"meanwhile");
    let Poll::Ready(Ok(Some(chunk))) = pair.b.read(server) else {
        panic!("nothing came to the other card")
    };
    assert_eq!(&*chunk, b"lost at first");
    assert_eq!(pair.b.net.stats().link_ups, 2);
}

#[test]
fn a_full_link_loses_nothing() {
    let pair = Pair::new();
    let (client, server) = pair.connection();
    assert_eq!(pair.a.write(client, b"patience"), Poll::Ready(Ok(8)));
    pair.a.wire.set_room(0);
    assert!(pair.a.turn().is_empty());
    let retry = pair.a.net.next_event().unwrap();
    assert!(
        retry.since(pair.a.now) <= Duration::from_millis(1),
        "it is tried again soon"
    );
    pair.a.wire.set_room(usize::MAX);
    pair.settle();
    let Poll::Ready(Ok(Some(chunk))) = pair.b.read(server) else {
        panic!("nothing came")
    };
    assert_eq!(&*chunk, b"patience");
    assert_eq!(pair.a.net.stats().tcp.segments_resent, 0);
}

/// What was due then must not keep the place awake.
#[test]
fn a_full_link_that_goes_down_is_not_tried_again() {
    let mut pair = Pair::new();
    let (client, _) = pair.connection();
    assert_eq!(pair.a.write(client, b"patience"), Poll::Ready(Ok(8)));
    pair.a.wire.set_room(0);
    pair.a.turn();
    pair.a.wire.unplug();
    pair.a.turn();
    pair.a.now += Duration::from_millis(2);
    pair.a.turn();
    let next = pair.a.net.next_event();
    assert!(next.is_none_or(|next| next > pair.a.now), "{next:?}");
}

#[test]
fn who_waits_is_woken_and_nobody_else() {
    let pair = Pair::new();
    let (client, server) = pair.connection();
    let (reader, writer) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
    let waker = Waker::from(Arc::clone(&reader));
    let mut cx = Context::from_waker(&waker);
    assert!(pair.b.net.poll_receive(server, &mut cx).is_pending());
    let waker = Waker::from(Arc::clone(&writer));
    let mut cx = Context::from_waker(&waker);
    assert!(pair.a.net.poll_receive(client, &mut cx).is_pending());
    pair.settle();
    assert_eq!((reader.rings(), writer.rings()), (0, 0), "nothing happened");

    assert_eq!(pair.a.write(client, b"ring"), Poll::Ready(Ok(4)));
    pair.settle();
    assert_eq!((reader.rings(), writer.rings()), (1, 0));
}

#[test]
fn an_accept_and_a_connect_are_woken() {
    let pair = Pair::new();
    let (accept, connect) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
    let listener = pair.b.net.listen(80).unwrap();
    let waker = Waker::from(Arc::clone(&accept));
    let mut cx = Context::from_waker(&waker);
    assert!(pair.b.net.poll_accept(listener, &mut cx).is_pending());
    let flow = pair.a.connect(B, 80);
    let waker = Waker::from(Arc::clone(&connect));
    let mut cx = Context::from_waker(&waker);
    assert!(pair.a.net.poll_connect(flow, &mut cx).is_pending());
    pair.settle();
    assert_eq!((accept.rings(), connect.rings()), (1, 1));
}

#[test]
fn a_deadline_ends_every_wait() {
    let mut pair = Pair::new();
    let (_, server) = pair.connection();
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut cx = Context::from_waker(&waker);
    pair.b
        .net
        .deadline(server, Some(pair.b.now + Duration::from_secs(5)));
    assert!(pair.b.net.poll_receive(server, &mut cx).is_pending());
    pair.pass(Duration::from_secs(4));
    assert_eq!(bell.rings(), 0);
    pair.pass(Duration::from_secs(1));
    assert_eq!(bell.rings(), 1);
    let timed_out = pair.b.net.poll_receive(server, &mut cx);
    assert!(matches!(timed_out, Poll::Ready(Err(Error::TimedOut))));
    assert_eq!(
        pair.b.write(server, b"late"),
        Poll::Ready(Err(Error::TimedOut))
    );
    pair.b.net.deadline(server, None);
    assert!(pair.b.net.poll_receive(server, &mut cx).is_pending());
}

#[test]
fn ten_thousand_connections_stay_open() {
    const COUNT: usize = 10_000;
    let mut pair = Pair::new();
    let listener = pair.b.net.listen(80).unwrap();
    let mut flows = Vec::new();
    while flows.len() < COUNT {
        let clients: Vec<_> = (0..100).map(|_| pair.a.connect(B, 80)).collect();
        pair.settle();
        for client in clients {
            assert_eq!(pair.a.connected(client), Poll::Ready(Ok(())));
            flows.push((client, pair.b.accept(listener).unwrap()));
        }
    }
    assert_eq!(
        (pair.a.held(), pair.b.held()),
        (0, 0),
        "an idle connection holds no buffer"
    );
    for (at, (client, server)) in flows.into_iter().enumerate() {
        if at % 1000 == 0 {
            // The cells of what was written are free once it is acknowledged.
            pair.pass(Duration::from_millis(100));
        }
        assert_eq!(pair.a.write(client, b"all there"), Poll::Ready(Ok(9)));
        pair.settle();
        let Poll::Ready(Ok(Some(chunk))) = pair.b.read(server) else {
            panic!("nothing came")
        };
        assert_eq!(&*chunk, b"all there");
    }
}
