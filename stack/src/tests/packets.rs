//! Single frames and what is answered to them.

use alloc::vec;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use ethernet::{EtherType, Mac};
use ipv4::{Header, Protocol, Reassembly};
use packet::checksum::Sum;
use packet::{Class, Duration, Frame, Instant, Part, Pool, RxMeta};

use super::world::{A, A_MAC, B, B_MAC, BROADCAST, Host};
use crate::Drop;

fn host() -> Host {
    Host::new(B, B_MAC).announced()
}

pub(super) fn frame(destination: [u8; 6], kind: EtherType, payload: &[u8]) -> Vec<u8> {
    let header = ethernet::Header {
        destination: Mac(destination),
        source: Mac(A_MAC),
        vlan: None,
        ether_type: kind,
    };
    let mut bytes = header.to_bytes().to_vec();
    bytes.extend(payload);
    bytes
}

/// A datagram without a checksum, from port 7 to port 9.
const DATAGRAM: [u8; 20] = [0, 7, 0, 9, 0, 20, 0, 0, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7];

fn header(protocol: Protocol, len: usize) -> Header {
    Header {
        source: A,
        destination: B,
        protocol,
        ecn: 0,
        identification: 77,
        fragment_offset: 0,
        more_fragments: false,
        header_len: 20,
        total_len: (20 + len) as u16,
    }
}

/// A frame with a packet in it.
fn packet(header: &Header, payload: &[u8]) -> Vec<u8> {
    let mut packet = ipv4::write(header).to_vec();
    packet.extend(payload);
    frame(B_MAC, EtherType::IPV4, &packet)
}

/// An echo request or reply with `len` bytes of data.
fn echo(kind: u8, len: usize) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0, 0x12, 0x34, 0, 1];
    message.extend((0..len).map(|at| (at / 3) as u8));
    let checksum = Sum::of(&message).finish();
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    message
}

fn arp(operation: arp::Operation, target: Ipv4Addr) -> Vec<u8> {
    let packet = arp::Packet {
        operation,
        sender_mac: A_MAC,
        sender: A,
        target_mac: [0; 6],
        target,
    };
    frame(BROADCAST, EtherType::ARP, &packet.to_bytes())
}

/// The packet in a frame that the host sent to A, padding cut off.
fn sent_packet(bytes: &[u8]) -> (Header, Vec<u8>) {
    let (ethernet, len) = ethernet::Header::parse(bytes).unwrap();
    assert_eq!(ethernet.destination, Mac(A_MAC));
    assert_eq!(ethernet.source, Mac(B_MAC));
    let header = Header::parse(&bytes[len..], bytes.len() - len).unwrap();
    let payload = &bytes[len + 20..len + usize::from(header.total_len)];
    (header, payload.to_vec())
}

#[test]
fn a_ping_is_answered_with_its_own_bytes() {
    let host = host();
    let answers = host.answers(&packet(&header(Protocol::ICMP, 64), &echo(8, 56)));
    assert_eq!(answers.len(), 1);
    let (header, message) = sent_packet(&answers[0]);
    assert_eq!((header.source, header.destination), (B, A));
    assert_eq!(message, echo(0, 56));
    assert_eq!(host.net.stats().echoes, 1);
    drop(answers);
    assert_eq!(host.held(), 0);
}

#[test]
fn a_ping_in_a_frame_that_somebody_else_holds_is_answered_too() {
    let host = host();
    let bytes = packet(&header(Protocol::ICMP, 64), &echo(8, 56));
    let part = Part::copy_from(&host.pool, &bytes).unwrap();
    host.wire.push(Frame::new(part.clone(), RxMeta::default()));
    let sent = host.turn();
    assert_eq!(sent_packet(&sent[0].bytes).1, echo(0, 56));
    assert_eq!(&*part, bytes, "what others hold is not written to");
}

#[test]
fn short_frames_are_padded() {
    let host = host();
    let answers = host.answers(&packet(&header(Protocol::ICMP, 8), &echo(8, 0)));
    assert_eq!(answers[0].len(), 60);
    assert_eq!(answers[0][42..], [0; 18]);
    assert_eq!(sent_packet(&answers[0]).1, echo(0, 0));
}

#[test]
fn padding_is_cut_off() {
    let host = host();
    let mut bytes = packet(&header(Protocol::ICMP, 10), &echo(8, 2));
    bytes.resize(60, 0xee);
    let answers = host.answers(&bytes);
    assert_eq!(sent_packet(&answers[0]).1, echo(0, 2));
}

#[test]
fn the_largest_ping_is_answered_in_fragments() {
    let host = host();
    let request = echo(8, 65_507);
    let pieces: Vec<_> = request.chunks(1480).collect();
    let mut answers = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        let header = Header {
            fragment_offset: (at * 1480) as u16,
            more_fragments: at + 1 < pieces.len(),
            ..header(Protocol::ICMP, piece.len())
        };
        assert!(answers.is_empty());
        answers = host.answers(&packet(&header, piece));
    }
    assert_eq!(answers.len(), pieces.len());
    let pool = Pool::new(packet::Limits {
        cells: 8,
        pages: 8,
        bays: 2,
    });
    let mut reassembly = Reassembly::new(pool.clone(), 1);
    let whole = answers.iter().find_map(|bytes| {
        assert!(bytes.len() <= 1514);
        let (header, _) = sent_packet(bytes);
        let part = Part::copy_from(&pool, &bytes[14..]).unwrap();
        let frame = Frame::new(part, RxMeta::default());
        reassembly.receive(Instant::ZERO, &header, &frame).unwrap()
    });
    assert_eq!(&whole.unwrap().packet.head()[20..], echo(0, 65_507));
    assert_eq!(host.held(), 0);
}

#[test]
fn fragments_wait_for_a_link_that_is_full() {
    let host = host();
    let request = echo(8, 4000);
    host.wire.set_room(1);
    for (at, piece) in request.chunks(1480).enumerate() {
        let header = Header {
            fragment_offset: (at * 1480) as u16,
            more_fragments: at < 2,
            ..header(Protocol::ICMP, piece.len())
        };
        host.push(&packet(&header, piece));
    }
    let mut offsets = Vec::new();
    for _ in 0..3 {
        let sent = host.turn();
        offsets.extend(
            sent.iter()
                .map(|sent| sent_packet(&sent.bytes).0.fragment_offset),
        );
        host.wire.set_room(1);
    }
    assert_eq!(offsets, [0, 1480, 2960]);
}

#[test]
fn fragments_that_stay_alone_are_complained_about() {
    let mut host = host();
    let piece = Header {
        more_fragments: true,
        ..header(Protocol::ICMP, 64)
    };
    assert!(host.answers(&packet(&piece, &echo(8, 56))).is_empty());
    assert_eq!(host.pool.usage(Class::Bay).held, 1);
    host.now += Duration::from_secs(60);
    // A was forgotten meanwhile: the complaint waits for its address.
    let question = host.turn();
    assert_eq!(question[0].bytes[12..14], [8, 6]);
    let answers = host.answers(&arp(arp::Operation::Reply, B));
    let (_, message) = sent_packet(&answers[0]);
    assert_eq!(message[..2], [11, 1], "time exceeded, in reassembly");
    assert_eq!(message[8..28], ipv4::write(&piece), "about that packet");
    assert_eq!(host.net.stats().dropped(Drop::ReassemblyTimeout), 1);
    assert_eq!(host.pool.usage(Class::Bay).held, 0);
}

#[test]
fn what_we_do_not_speak_is_refused() {
    let host = host();
    for (protocol, answer) in [(Protocol::UDP, [3, 3]), (Protocol(132), [3, 2])] {
        let bytes = packet(&header(protocol, 20), &DATAGRAM);
        let answers = host.answers(&bytes);
        let (_, message) = sent_packet(&answers[0]);
        assert_eq!(message[..2], answer);
        assert_eq!(message[8..], bytes[14..]);
        assert!(Sum::of(&message).is_valid());
    }
    assert_eq!(host.net.stats().dropped(Drop::Protocol), 1);
    assert_eq!(host.net.stats().udp.dropped(udp::Drop::NoPort), 1);
}

#[test]
fn complaints_are_limited() {
    let host = host();
    let bytes = packet(&header(Protocol::UDP, 20), &DATAGRAM);
    let answers: usize = (0..1000).map(|_| host.answers(&bytes).len()).sum();
    assert_eq!(answers, 50);
    assert_eq!(host.net.stats().dropped(Drop::IcmpLimit), 950);
}

#[test]
fn what_is_not_for_us_is_dropped_silently() {
    let host = host();
    let ping = echo(8, 56);
    let with = |change: fn(&mut Header)| {
        let mut header = header(Protocol::ICMP, ping.len());
        change(&mut header);
        packet(&header, &ping)
    };
    let to = |destination: [u8; 6]| {
        let mut bytes = with(|_| ());
        bytes[..6].copy_from_slice(&destination);
        bytes
    };
    let from = |source: [u8; 6]| {
        let mut bytes = with(|_| ());
        bytes[6..12].copy_from_slice(&source);
        bytes
    };
    let mut damaged = with(|_| ());
    damaged[50] ^= 1;
    let mut damaged_header = with(|_| ());
    damaged_header[22] ^= 1;
    let mut tagged = with(|_| ());
    tagged.splice(12..12, [0x81, 0, 0, 5]);
    for (bytes, reason) in [
        (to([2, 0, 0, 0, 0, 3]), Drop::OtherStation),
        (to(BROADCAST), Drop::OtherHost),
        (to([1, 0, 0x5e, 0, 0, 1]), Drop::OtherStation),
        (from(BROADCAST), Drop::EthernetSource),
        (with(|header| header.destination = A), Drop::OtherHost),
        (
            with(|header| header.destination = [10, 0, 0, 255].into()),
            Drop::OtherHost,
        ),
        (with(|header| header.source = B), Drop::Martian),
        (
            with(|header| header.source = [127, 0, 0, 1].into()),
            Drop::Martian,
        ),
        (
            with(|header| header.source = [10, 0, 0, 255].into()),
            Drop::Martian,
        ),
        (damaged, Drop::Icmp),
        (damaged_header, Drop::Ipv4Checksum),
        (tagged, Drop::Vlan),
        (frame(B_MAC, EtherType(0x86dd), &[0; 60]), Drop::EtherType),
        (frame(B_MAC, EtherType(60), &[0; 60]), Drop::Ethernet),
        (
            packet(&header(Protocol::ICMP, 64), &echo(0, 56)),
            Drop::IcmpOther,
        ),
        // A source quench (RFC 9293, 3.9.2.2 [MUST-55]).
        (
            packet(&header(Protocol::ICMP, 64), &echo(4, 56)),
            Drop::IcmpOther,
        ),
    ] {
        let before = host.net.stats().dropped(reason);
        assert!(host.answers(&bytes).is_empty(), "{reason:?}");
        assert_eq!(host.net.stats().dropped(reason), before + 1, "{reason:?}");
    }
    assert_eq!(host.held(), 0);
}

/// What was found right for the header of one frame holds for the next, but not for that of another card.
#[test]
fn a_header_is_looked_at_again_by_another_card() {
    let host = host();
    let ping = packet(&header(Protocol::ICMP, 64), &echo(8, 56));
    for _ in 0..2 {
        assert_eq!(host.answers(&ping).len(), 1);
    }
    host.wire.plug(1, [2, 0, 0, 0, 0, 9]);
    host.answers(&[]);
    assert!(host.answers(&ping).is_empty());
    assert_eq!(host.net.stats().dropped(Drop::OtherStation), 1);
}

#[test]
fn a_tag_that_only_gives_a_priority_is_skipped() {
    let host = host();
    let mut bytes = packet(&header(Protocol::ICMP, 64), &echo(8, 56));
    bytes.splice(12..12, [0x81, 0, 0x60, 0]);
    assert_eq!(host.answers(&bytes).len(), 1);
}

#[test]
fn arp_is_answered_for_us_and_only_if_well_formed() {
    let host = host();
    let answers = host.answers(&arp(arp::Operation::Request, B));
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].len(), 60);
    let packet = arp::Packet::parse(&answers[0][14..]).unwrap();
    assert_eq!(packet.operation, arp::Operation::Reply);
    assert_eq!((packet.sender, packet.sender_mac), (B, B_MAC));
    assert_eq!((packet.target, packet.target_mac), (A, A_MAC));

    assert!(
        host.answers(&arp(arp::Operation::Request, [10, 0, 0, 9].into()))
            .is_empty()
    );
    let mut malformed = arp(arp::Operation::Request, B);
    malformed[18] = 5;
    assert!(host.answers(&malformed).is_empty());
    assert_eq!(host.net.stats().dropped(Drop::Arp), 1);
}

#[test]
fn questions_for_others_do_not_use_up_our_answers() {
    let host = host();
    for _ in 0..1000 {
        host.answers(&arp(arp::Operation::Request, [10, 0, 0, 9].into()));
    }
    let answers = (0..1000).flat_map(|_| host.answers(&arp(arp::Operation::Request, B)));
    assert_eq!(answers.count(), 100);
    assert_eq!(host.net.stats().dropped(Drop::ArpLimit), 900);
}

#[test]
fn the_address_is_announced_when_the_link_is_up() {
    let mut host = Host::new(B, B_MAC);
    let mut announced = || {
        let sent = host.turn();
        host.now += Duration::from_secs(2);
        sent.iter()
            .map(|sent| arp::Packet::parse(&sent.bytes[14..]).unwrap())
            .filter(|packet| packet.sender == B && packet.target == B)
            .count()
    };
    assert_eq!([announced(), announced(), announced()], [1, 1, 0]);
}

#[test]
fn a_ping_from_beyond_the_gateway_is_answered_through_it() {
    let far = Ipv4Addr::new(203, 0, 113, 9);
    let host = Host::with(B, B_MAC, |config| config.gateway = Some(A)).announced();
    let request = Header {
        source: far,
        ..header(Protocol::ICMP, 64)
    };
    let answers = host.answers(&packet(&request, &echo(8, 56)));
    assert_eq!(
        answers.len(),
        1,
        "no question first: who brought it is asked to take the answer"
    );
    assert_eq!(sent_packet(&answers[0]).0.destination, far);
}

#[test]
fn an_answer_to_where_no_way_leads_is_dropped() {
    let host = host();
    let request = Header {
        source: Ipv4Addr::new(203, 0, 113, 9),
        ..header(Protocol::ICMP, 64)
    };
    assert!(host.answers(&packet(&request, &echo(8, 56))).is_empty());
    assert_eq!(host.net.stats().dropped(Drop::Unreachable), 1);
    assert_eq!(host.held(), 0);
}
