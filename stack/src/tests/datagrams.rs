//! Datagrams between two hosts, and single ones on the wire.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use core::task::{Context, Poll, Waker};

use ethernet::EtherType;
use ipv4::icmp::Complaint;
use ipv4::{Protocol, Template};
use packet::{Class, Duration};
use runtime::{DatagramId, Error, Network};

use super::packets::frame;
use super::world::{A, B, B_MAC, Bell, Host, Pair, context};
use crate::Drop;

fn received(host: &Host, id: DatagramId) -> Option<(Vec<u8>, SocketAddr)> {
    match host.net.poll_receive_from(id, &mut context()) {
        Poll::Ready(received) => {
            let (payload, source) = received.unwrap();
            Some((payload.to_vec(), source))
        }
        Poll::Pending => None,
    }
}

fn send(host: &Host, id: DatagramId, payload: &[u8], to: (Ipv4Addr, u16)) -> Result<(), Error> {
    match host
        .net
        .poll_send_to(id, payload, to.into(), &mut context())
    {
        Poll::Ready(sent) => sent,
        Poll::Pending => panic!("no room"),
    }
}

fn undelivered(host: &Host, id: DatagramId) -> Poll<Result<(SocketAddr, Error), Error>> {
    host.net.poll_undelivered(id, &mut context())
}

/// A frame from A's port 5000 to `port` of B.
fn datagram(port: u16, payload: &[u8]) -> Vec<u8> {
    let (source, destination) = (SocketAddrV4::new(A, 5000), SocketAddrV4::new(B, port));
    let header = udp::header(source, destination, payload);
    let len = 20 + header.len() + payload.len();
    let packet = Template::new(A, Protocol::UDP).header(B, len as u16);
    frame(
        B_MAC,
        EtherType::IPV4,
        &[&packet[..], &header, payload].concat(),
    )
}

#[test]
fn there_and_back_with_the_senders_address() {
    let pair = Pair::new();
    let (asker, server) = (pair.a.net.bind(0).unwrap(), pair.b.net.bind(53).unwrap());
    for payload in [vec![], b"?".to_vec(), vec![7; 1472]] {
        // The first waits for the answer to an ARP request.
        send(&pair.a, asker, &payload, (B, 53)).unwrap();
        pair.settle();
        let (got, from) = received(&pair.b, server).unwrap();
        assert_eq!(got, payload);
        let port = pair.a.net.bound_port(asker).unwrap();
        assert_eq!(from, SocketAddr::from((A, port)));
        send(&pair.b, server, &got, (A, port)).unwrap();
        pair.settle();
        let (got, from) = received(&pair.a, asker).unwrap();
        assert_eq!((got, from), (payload, SocketAddr::from((B, 53))));
    }
    assert_eq!((pair.a.held(), pair.b.held()), (0, 0));
}

#[test]
fn who_waits_is_woken_once_by_what_it_waits_for() {
    let host = Host::new(B, B_MAC).announced();
    let id = host.net.bind(53).unwrap();
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let wait = || {
        host.net
            .poll_receive_from(id, &mut Context::from_waker(&waker))
    };
    assert!(wait().is_pending());
    host.answers(&datagram(54, b"another port"));
    assert_eq!(bell.rings(), 0);
    host.answers(&datagram(53, b"one"));
    host.answers(&datagram(53, b"two"));
    assert_eq!(bell.rings(), 1);
    assert!(wait().is_ready() && wait().is_ready() && wait().is_pending());
    host.net.unbind(id);
    assert_eq!(bell.rings(), 1, "its port is gone");
    assert_eq!(wait().map(Result::err), Poll::Ready(Some(Error::Closed)));
}

#[test]
fn nobody_bound_the_sender_is_told() {
    let pair = Pair::new();
    let asker = pair.a.net.bind(0).unwrap();
    assert!(undelivered(&pair.a, asker).is_pending());
    send(&pair.a, asker, b"?", (B, 53)).unwrap();
    pair.settle();
    let refused = Ok((SocketAddr::from((B, 53)), Error::Refused));
    assert_eq!(undelivered(&pair.a, asker), Poll::Ready(refused));
    assert_eq!(pair.b.net.stats().udp.dropped(udp::Drop::NoPort), 1);
    assert_eq!(received(&pair.a, asker), None);
}

#[test]
fn damaged_datagrams_are_not_complained_about() {
    let host = Host::new(B, B_MAC).announced();
    let mut damaged = datagram(53, b"?!");
    *damaged.last_mut().unwrap() ^= 1;
    assert!(host.answers(&damaged).is_empty());
    assert_eq!(host.net.stats().udp.dropped(udp::Drop::Checksum), 1);
}

#[test]
fn a_flood_for_one_port_is_bounded() {
    let host = Host::new(B, B_MAC).announced();
    let id = host.net.bind(53).unwrap();
    for _ in 0..1000 {
        assert!(host.answers(&datagram(53, b"flood")).is_empty());
    }
    let limit = udp::Config::default().received;
    assert_eq!(host.held(), limit);
    let dropped = host.net.stats().udp.dropped(udp::Drop::QueueFull);
    assert_eq!(dropped, 1000 - limit as u64);
    assert_eq!(core::iter::from_fn(|| received(&host, id)).count(), limit);
    host.net.unbind(id);
    assert_eq!(host.held(), 0);
}

#[test]
fn a_neighbour_that_is_not_there_is_unreachable() {
    let mut pair = Pair::new();
    let absent = Ipv4Addr::new(10, 0, 0, 77);
    let id = pair.a.net.bind(0).unwrap();
    send(&pair.a, id, b"?", (absent, 53)).unwrap();
    pair.pass(Duration::from_secs(10));
    let unreachable = Ok((SocketAddr::from((absent, 53)), Error::Unreachable));
    assert_eq!(undelivered(&pair.a, id), Poll::Ready(unreachable));
    assert_eq!(pair.a.held(), 0);
}

#[test]
fn where_no_way_leads_nothing_is_sent() {
    let host = Host::new(B, B_MAC).announced();
    let id = host.net.bind(0).unwrap();
    for nowhere in [
        [192, 0, 2, 1],
        [10, 0, 0, 255],
        [255; 4],
        [224, 0, 0, 1],
        [10, 0, 0, 2],
    ] {
        assert_eq!(
            send(&host, id, b"?", (nowhere.into(), 53)),
            Err(Error::Unreachable)
        );
    }
    assert_eq!(send(&host, id, b"?", (A, 0)), Err(Error::Unreachable));
    assert_eq!(send(&host, id, &[0; 1473], (A, 53)), Err(Error::TooLarge));
    let six = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 53));
    let sent = host.net.poll_send_to(id, b"?", six, &mut context());
    assert_eq!(sent, Poll::Ready(Err(Error::Unreachable)));
    assert!(host.turn().is_empty());
}

#[test]
fn what_was_sent_leaves_also_when_the_link_was_full_or_the_port_is_gone() {
    let pair = Pair::new();
    let (a, b) = (pair.a.net.bind(0).unwrap(), pair.b.net.bind(53).unwrap());
    send(&pair.a, a, b"resolved", (B, 53)).unwrap();
    pair.settle();
    pair.a.wire.set_room(0);
    send(&pair.a, a, b"one", (B, 53)).unwrap();
    send(&pair.a, a, b"two", (B, 53)).unwrap();
    pair.a.turn();
    pair.a.net.unbind(a);
    pair.a.wire.set_room(usize::MAX);
    pair.settle();
    let got: Vec<Vec<u8>> = core::iter::from_fn(|| received(&pair.b, b))
        .map(|(got, _)| got)
        .collect();
    assert_eq!(got, [&b"resolved"[..], b"one", b"two"]);
    assert_eq!((pair.a.held(), pair.b.held()), (0, 0));
}

#[test]
fn a_datagram_in_fragments_is_received_whole() {
    let host = Host::new(B, B_MAC).announced();
    let id = host.net.bind(53).unwrap();
    let whole = datagram(53, &[5; 4000]);
    let (_, payload) = whole[14..].split_at(20);
    for (index, piece) in payload.chunks(1480).enumerate() {
        let header = ipv4::Header {
            source: A,
            destination: B,
            protocol: Protocol::UDP,
            ecn: 0,
            identification: 9,
            fragment_offset: (index * 1480) as u16,
            more_fragments: index < 2,
            header_len: 20,
            total_len: (20 + piece.len()) as u16,
        };
        let packet = [&ipv4::write(&header)[..], piece].concat();
        assert!(
            host.answers(&frame(B_MAC, EtherType::IPV4, &packet))
                .is_empty()
        );
    }
    let (got, _) = received(&host, id).unwrap();
    assert_eq!(got, [5; 4000]);
    assert_eq!(host.pool.usage(Class::Bay).held, 0);
}

#[test]
fn an_error_about_another_hosts_datagram_is_not_ours() {
    let host = Host::new(B, B_MAC).announced();
    let id = host.net.bind(5001).unwrap();
    let complaint = |about: Ipv4Addr| {
        let (source, destination) = (SocketAddrV4::new(about, 5001), SocketAddrV4::new(A, 53));
        let ip = Template::new(about, Protocol::UDP).header(A, 28);
        let header = udp::header(source, destination, b"");
        let message = Complaint::PortUnreachable.about(&[&ip[..], &header].concat());
        let len = (20 + message.len()) as u16;
        let ip = Template::new(A, Protocol::ICMP).header(B, len);
        frame(B_MAC, EtherType::IPV4, &[&ip[..], &message].concat())
    };
    host.answers(&complaint(A));
    assert!(undelivered(&host, id).is_pending());
    assert_eq!(host.net.stats().dropped(Drop::IcmpOther), 1);
    host.answers(&complaint(B));
    assert!(undelivered(&host, id).is_ready());
}
