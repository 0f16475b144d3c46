//! Whatever stands in a frame: no panic, no endless work, no memory lost.

use alloc::vec::Vec;

use ethernet::EtherType;
use packet::Duration;
use packet::checksum::{Sum, pseudo_header};
use proptest::prelude::*;
use runtime::Network;

use super::packets::frame;
use super::world::{A, B, B_MAC, BROADCAST, Host};

/// Bytes, and how far they are mended so that the next layer sees them.
#[derive(Clone, Debug)]
enum Input {
    Frame(Vec<u8>),
    Arp(Vec<u8>),
    Ipv4(Vec<u8>),
    Transport {
        protocol: u8,
        flags: u16,
        bytes: Vec<u8>,
    },
}

fn bytes(len: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..len)
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        bytes(200).prop_map(Input::Frame),
        bytes(60).prop_map(Input::Arp),
        bytes(200).prop_map(Input::Ipv4),
        (
            prop_oneof![Just(1u8), Just(6), Just(17), any::<u8>()],
            any::<u16>(),
            bytes(200)
        )
            .prop_map(|(protocol, flags, bytes)| Input::Transport {
                protocol,
                flags,
                bytes
            }),
    ]
}

fn to_frame(input: &Input) -> Vec<u8> {
    match input {
        Input::Frame(bytes) => bytes.clone(),
        Input::Arp(bytes) => frame(BROADCAST, EtherType::ARP, bytes),
        Input::Ipv4(bytes) => frame(B_MAC, EtherType::IPV4, bytes),
        Input::Transport {
            protocol,
            flags,
            bytes,
        } => {
            let mut transport = bytes.clone();
            mend(*protocol, &mut transport);
            let len = (20 + transport.len()) as u16;
            let mut packet = [0; 20].to_vec();
            packet[0] = 0x45;
            packet[2..4].copy_from_slice(&len.to_be_bytes());
            // Every fourth is a fragment.
            let fragment = if flags % 4 == 0 { flags & 0x3fff } else { 0 };
            packet[6..8].copy_from_slice(&fragment.to_be_bytes());
            packet[9] = *protocol;
            packet[12..16].copy_from_slice(&A.octets());
            packet[16..20].copy_from_slice(&B.octets());
            let checksum = Sum::of(&packet).finish();
            packet[10..12].copy_from_slice(&checksum.to_be_bytes());
            packet.extend(transport);
            frame(B_MAC, EtherType::IPV4, &packet)
        }
    }
}

/// Makes the checksum right, and what else almost never is in random bytes.
fn mend(protocol: u8, bytes: &mut [u8]) {
    let (at, sum) = match protocol {
        1 if bytes.len() >= 8 => (2, Sum::default()),
        6 if bytes.len() >= 20 => (16, pseudo_header(A, B, 6, bytes.len())),
        _ => return,
    };
    if protocol == 6 {
        bytes[2..4].copy_from_slice(&80u16.to_be_bytes());
        bytes[12] = 0x50 | bytes[12] & 0x30;
    }
    bytes[at..at + 2].fill(0);
    let checksum = (sum + Sum::of(bytes)).finish();
    bytes[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
}

proptest! {
    #[test]
    fn any_frames_are_survived(inputs in prop::collection::vec((input(), 0u64..3000), 0..60)) {
        let mut host = Host::new(B, B_MAC);
        host.net.listen(80).unwrap();
        for (input, millis) in inputs {
            // An answer to each, and what timers have to say.
            prop_assert!(host.answers(&to_frame(&input)).len() < 80);
            host.now += Duration::from_millis(millis);
        }
        // Long enough for every fragment and every half-open connection to be given up.
        for _ in 0..600 {
            host.now += Duration::from_secs(1);
            host.turn();
        }
        prop_assert_eq!(host.held(), 0);
        let stats = host.net.stats();
        prop_assert!(stats.drops.iter().sum::<u64>() <= 2 * stats.frames_received);
    }
}
