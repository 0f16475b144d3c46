//! The Ethernet frames around a script's packets, and the one thing that its peer says beside
//! them: where it is.

use crate::wire::{HOST, PEER};

/// The host's hardware address.
pub(crate) const HOST_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 2];
/// That of all peers.
pub(crate) const PEER_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 1];

const HEADER: usize = 14;
const IPV4: [u8; 2] = [0x08, 0x00];
const ARP: [u8; 2] = [0x08, 0x06];
/// Ethernet and IPv4 addresses of 6 and 4 bytes; then the operation.
const ARP_KIND: [u8; 6] = [0, 1, 0x08, 0x00, 6, 4];
const REQUEST: [u8; 2] = [0, 1];
const REPLY: [u8; 2] = [0, 2];
/// Where a request says whom it asks for.
const ARP_TARGET: core::ops::Range<usize> = HEADER + 24..HEADER + 28;

/// The frame that brings an IPv4 packet to the host.
pub(crate) fn ethernet(packet: &[u8]) -> Vec<u8> {
    [&HOST_MAC[..], &PEER_MAC, &IPV4, packet].concat()
}

/// The IPv4 packet in a frame, if there is one.
pub(crate) fn ipv4_packet(frame: &[u8]) -> Option<&[u8]> {
    let packet = frame.get(HEADER..)?;
    (frame.get(12..HEADER)? == IPV4).then_some(packet)
}

/// The answer to a frame that asks for the peer's hardware address (RFC 826).
pub(crate) fn answer_arp(frame: &[u8]) -> Option<Vec<u8>> {
    let asks = frame.get(12..HEADER)? == ARP
        && frame.get(HEADER..HEADER + 6)? == ARP_KIND
        && frame.get(HEADER + 6..HEADER + 8)? == REQUEST
        && frame.get(ARP_TARGET)? == PEER.octets();
    asks.then(|| {
        let sender = [&PEER_MAC[..], &PEER.octets()].concat();
        let target = [&HOST_MAC[..], &HOST.octets()].concat();
        let header = [&HOST_MAC[..], &PEER_MAC, &ARP].concat();
        [header, ARP_KIND.to_vec(), REPLY.to_vec(), sender, target].concat()
    })
}
