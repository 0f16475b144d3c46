//! What a frame costs: for the record, not a test (`cargo test --release -- --ignored costs`).

use std::net::UdpSocket;
use std::time::Instant as Clock;

use link::{Burst, Link, Offload, PartialChecksum, Transmit};
use packet::{Chunk, Instant};

use crate::namespace::{alone, tap_with_addresses};

const ROUNDS: u32 = 20_000;

#[test]
#[ignore = "a measurement"]
fn of_a_frame() {
    alone("costs::of_a_frame", || {
        let mut tap = tap_with_addresses(true);
        // To an address that is nobody's: the kernel drops it early.
        let mut head = [0x45; 54];
        head[..14].copy_from_slice(&[2, 9, 9, 9, 9, 9, 2, 0, 0, 0, 0, 2, 8, 0]);
        let checksum = Some(PartialChecksum {
            start: 34,
            offset: 16,
        });
        for (payload, pieces, gso) in [
            (6, 1, None),
            (1460, 1, None),
            (16_000, 4, Some(1460)),
            (16_400, 4, Some(1460)),
            (65_000, 16, Some(1460)),
        ] {
            let body: &'static [u8] = Vec::leak(vec![0; payload]);
            let chunks: Vec<Chunk> = body
                .chunks(payload.div_ceil(pieces))
                .map(Chunk::Static)
                .collect();
            let offload = Offload {
                checksum,
                gso_size: gso,
            };
            let frame = Transmit {
                head: &head,
                payload: &chunks,
                offload,
            };
            let start = Clock::now();
            for _ in 0..ROUNDS {
                tap.transmit(Instant::ZERO, frame).unwrap();
            }
            println!("write of {payload} bytes: {} ns", per_round(start));
        }
        let stats = tap.stats();
        println!(
            "sent {} refused {} down {}",
            stats.sent, stats.refused, stats.down
        );
        for len in [18, 1472] {
            let (nanos, count) = reads(&mut tap, len);
            println!(
                "read of {len} bytes: {} ns ({count} frames)",
                nanos / count.max(1)
            );
        }
    });
}

fn per_round(start: Clock) -> u128 {
    start.elapsed().as_nanos() / u128::from(ROUNDS)
}

/// The kernel sends fewer frames than its queue holds, then they are read in one go.
fn reads(tap: &mut impl Link, len: usize) -> (u128, u128) {
    let socket = UdpSocket::bind(("10.9.0.1", 0)).unwrap();
    socket.connect(("10.9.0.2", 7)).unwrap();
    let (mut nanos, mut count) = (0, 0);
    let mut burst = Burst::new();
    for _ in 0..200 {
        for _ in 0..60 {
            socket.send(&vec![0; len]).unwrap();
        }
        let start = Clock::now();
        tap.receive(Instant::ZERO, &mut burst).unwrap();
        nanos += start.elapsed().as_nanos();
        count += burst.drain().count() as u128;
    }
    (nanos, count)
}
