//! Well-formed packets from the peer of the host that is fuzzed.

use core::net::{Ipv4Addr, SocketAddrV4};

use arp::{Operation, Packet};
use ethernet::{EtherType, Mac};
use ipv4::Protocol;
use packet::checksum::{self, Sum};
use tcp::{CHECKSUM_AT, Flags, HEADER_LEN, Header};
use zerocopy::IntoBytes;

use crate::network::{HOST, HOST_MAC, PORT};

pub(super) const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
pub(super) const PEER_PORT: u16 = 40_000;

/// A frame for the host.
pub(super) fn ethernet(packet: &[u8]) -> Vec<u8> {
    frame(EtherType::IPV4, packet)
}

/// An ARP packet in a frame for the host.
pub(super) fn arp_frame(packet: &[u8]) -> Vec<u8> {
    frame(EtherType::ARP, packet)
}

fn frame(ether_type: EtherType, packet: &[u8]) -> Vec<u8> {
    let header = ethernet::Header {
        destination: Mac(HOST_MAC),
        source: Mac(PEER_MAC),
        vlan: None,
        ether_type,
    };
    [&header.to_bytes(), packet].concat()
}

/// A packet about the host's address, from the neighbour whose addresses end so.
pub(super) fn arp_packet(operation: Operation, sender: u8, mac: u8) -> Vec<u8> {
    let packet = Packet {
        operation,
        sender_mac: [2, 0, 0, 0, 0, mac],
        sender: Ipv4Addr::new(10, 0, 0, sender),
        target_mac: [0; 6],
        target: HOST,
    };
    packet.to_bytes().to_vec()
}

pub(super) fn ip_packet(protocol: Protocol, payload: &[u8]) -> Vec<u8> {
    fragment(protocol, 0, false, payload)
}

pub(super) fn fragment(protocol: Protocol, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let header = ipv4::Header {
        source: PEER,
        destination: HOST,
        protocol,
        ecn: 0,
        identification: 7,
        fragment_offset: offset,
        more_fragments: more,
        header_len: ipv4::HEADER_LEN as u8,
        total_len: (ipv4::HEADER_LEN + payload.len()) as u16,
    };
    [&ipv4::write(&header), payload].concat()
}

/// An echo request with `len` bytes of data.
pub(super) fn icmp_echo(len: usize) -> Vec<u8> {
    summed([&[8, 0, 0, 0, 0, 1, 0, 1][..], &vec![b'e'; len]].concat())
}

/// An error about a segment that the host sent.
pub(super) fn icmp_unreachable(code: u8) -> Vec<u8> {
    let header = ipv4::Header {
        source: HOST,
        destination: PEER,
        protocol: Protocol::TCP,
        ecn: 0,
        identification: 0,
        fragment_offset: 0,
        more_fragments: false,
        header_len: ipv4::HEADER_LEN as u8,
        total_len: 40,
    };
    let ports = [PORT.to_be_bytes(), PEER_PORT.to_be_bytes()].concat();
    let quoted = [&ipv4::write(&header)[..], &ports, &[0, 0, 0, 1]].concat();
    summed([&[3, code, 0, 0, 0, 0, 2, 64][..], &quoted].concat())
}

fn summed(mut message: Vec<u8>) -> Vec<u8> {
    let sum = Sum::of(&message).finish();
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

/// A datagram for a port of the host.
pub(super) fn udp_datagram(port: u16, payload: &[u8]) -> Vec<u8> {
    let source = SocketAddrV4::new(PEER, PEER_PORT);
    let destination = SocketAddrV4::new(HOST, port);
    [&udp::header(source, destination, payload), payload].concat()
}

/// A segment for the host's server; `options` are whole words.
pub(super) fn tcp_segment(
    seq: u32,
    ack: u32,
    flags: Flags,
    options: &[u8],
    text: &[u8],
) -> Vec<u8> {
    let header = Header {
        source: PEER_PORT.into(),
        destination: PORT.into(),
        seq: seq.into(),
        ack: ack.into(),
        data_offset: ((HEADER_LEN + options.len()) * 4) as u8,
        flags: flags.0,
        window: 30_000.into(),
        checksum: 0.into(),
        urgent: 0.into(),
    };
    let mut segment = [header.as_bytes(), options, text].concat();
    let pseudo = checksum::pseudo_header(PEER, HOST, tcp::PROTOCOL, segment.len());
    let sum = (pseudo + Sum::of(&segment)).finish();
    segment[CHECKSUM_AT..CHECKSUM_AT + 2].copy_from_slice(&sum.to_be_bytes());
    segment
}
