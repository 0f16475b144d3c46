//! Capture files of both formats, as different programs write them.

use core::time::Duration;

use ipv4::Protocol;
use link::Direction;
use pcap::Writer;
use tcp::{CHECKSUM_AT, Flags};

use super::frames::{ethernet, icmp_echo, ip_packet, tcp_segment};

const MICROS: u32 = 0xa1b2_c3d4;
const NANOS: u32 = 0xa1b2_3c4d;
/// Link types.
const ETHERNET: u32 = 1;
const RAW_IP: u32 = 101;

pub(super) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let little: fn(u32) -> [u8; 4] = u32::to_le_bytes;
    let big: fn(u32) -> [u8; 4] = u32::to_be_bytes;
    let packet = ip_packet(Protocol::TCP, &tcp_segment(1, 2, Flags::ACK, &[], b"hello"));
    let frame = ethernet(&packet);
    let echo = ethernet(&ip_packet(Protocol::ICMP, &icmp_echo(56)));
    let mut partial = packet.clone();
    partial[ipv4::HEADER_LEN + CHECKSUM_AT..][..2].fill(0);
    let mut no_length = partial.clone();
    no_length[2..4].fill(0);
    no_length[10..12].fill(0);
    // Linux cooked: its header, then the packet.
    let cooked = [
        &[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0][..],
        &packet,
    ]
    .concat();
    let cooked2 = [
        &[8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0][..],
        &packet,
    ]
    .concat();
    vec![
        (
            "micros",
            classic(MICROS, little, ETHERNET, &[(&frame, 0), (&echo, 0)]),
        ),
        (
            "nanos-big-endian",
            classic(NANOS, big, ETHERNET, &[(&frame, 0), (&echo, 0)]),
        ),
        (
            "cut",
            classic(
                MICROS,
                little,
                ETHERNET,
                &[(&frame[..58], 1000), (&echo[..40], 58)],
            ),
        ),
        (
            "raw-partial-checksum",
            classic(NANOS, little, RAW_IP, &[(&partial, 0)]),
        ),
        (
            "no-length",
            classic(NANOS, little, RAW_IP, &[(&no_length, 0)]),
        ),
        ("cooked", classic(MICROS, little, 113, &[(&cooked, 0)])),
        ("cooked-2", classic(MICROS, little, 276, &[(&cooked2, 0)])),
        ("pcapng", blocks(&[&frame, &echo])),
        (
            "two-sections",
            [blocks(&[&frame]), blocks(&[&echo])].concat(),
        ),
    ]
}

/// Packets, each with how much of it is missing.
fn classic(
    magic: u32,
    bytes: fn(u32) -> [u8; 4],
    link_type: u32,
    packets: &[(&[u8], u32)],
) -> Vec<u8> {
    let words = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| bytes(*word)).collect() };
    let version = match bytes(1) == [1, 0, 0, 0] {
        true => 4 << 16 | 2,
        false => 2 << 16 | 4,
    };
    let mut file = words(&[magic, version, 0, 0, 65_535, link_type]);
    for (packet, missing) in packets {
        let len = packet.len() as u32;
        file.extend(words(&[1_000_000_000, 7, len, len + missing]));
        file.extend_from_slice(packet);
    }
    file
}

fn blocks(frames: &[&[u8]]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file);
    for (frame, at) in frames.iter().zip(0..) {
        let time = Duration::from_secs(1_000_000_000 + at);
        // Memory takes all.
        let _ = writer.record(time, Direction::In, frame);
    }
    let _ = writer.flush();
    drop(writer);
    file
}
