//! Recordings made by hand.

use link::Direction;
use pcap::{Reader, Writer};

use super::super::segment::RST;
use super::super::segment::tests::segment;
use super::*;

/// Where the streams start; the server's wraps.
const CLIENT: u32 = 5000;
const SERVER: u32 = u32::MAX - 3;

const OFFER: [u8; 4] = [2, 4, 5, 0xb4];

/// From the client: offset of the first byte, offset acknowledged, flags, bytes of text.
fn client(seq: u32, ack: u32, flags: u8, len: usize) -> Vec<u8> {
    let (seq, ack) = (CLIENT + seq, SERVER.wrapping_add(ack));
    segment((seq, ack, flags), 500, &[], &vec![1; len])
}

/// From the server: the same.
fn server(seq: u32, flags: u8, options: &[u8], len: usize) -> Vec<u8> {
    let seq = SERVER.wrapping_add(seq);
    let mut frame = segment((seq, CLIENT + 1, flags), 500, options, &vec![2; len]);
    // A sum does not mind the order.
    let (addresses, ports) = frame[26..38].split_at_mut(8);
    addresses.rotate_left(4);
    ports.rotate_left(2);
    frame
}

/// The plan for frames that come a millisecond apart.
fn plan(frames: &[Vec<u8>], address: Option<Ipv4Addr>) -> Plan {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file);
    for (at, frame) in frames.iter().enumerate() {
        let time = Duration::from_millis(at as u64);
        writer.record(time, Direction::In, frame).unwrap();
    }
    writer.flush().unwrap();
    drop(writer);
    Plan::read(Frames::new(Reader::new(&file[..]).unwrap()), address)
}

/// Frames 1 to 3.
fn handshake() -> [Vec<u8>; 3] {
    [
        client(0, 0, SYN, 0),
        server(0, SYN | ACK, &OFFER, 0),
        client(1, 1, ACK, 0),
    ]
}

#[track_caller]
fn settled(rest: &[Vec<u8>], expected: &[u64]) {
    let plan = plan(&[&handshake()[..], rest].concat(), None);
    let facts = &plan.facts[&1];
    assert_eq!(facts.offer.as_deref(), Some(&OFFER[..]));
    assert_eq!(facts.round_trip, Duration::from_millis(1));
    assert_eq!(facts.settled, expected);
}

#[test]
fn who_has_everything_and_waits_is_settled() {
    // Request, two segments of a response, their acknowledgements, and the next request.
    let exchange = [
        client(1, 1, ACK, 10),
        server(1, ACK, &[], 100),
        server(101, ACK, &[], 100),
        client(11, 101, ACK, 0),
        client(11, 201, ACK, 0),
        client(11, 201, ACK, 0),
        client(11, 201, ACK, 10),
    ];
    // Frame 3 waits for the request (there is nothing to wait for), frame 8 for the second one; and
    // that, at the end of the recording, for ever.
    settled(&exchange, &[3, 8, 10]);
    settled(&exchange[..6], &[3, 8]);
    settled(&exchange[..4], &[3]);
}

#[test]
fn who_acknowledges_too_early_or_with_the_next_request_is_not() {
    settled(
        &[
            client(1, 1, ACK, 10),
            server(1, ACK, &[], 100),
            client(11, 101, ACK, 0),
            server(101, ACK, &[], 100),
            client(11, 201, ACK, 10),
            client(21, 201, ACK, 10),
            server(201, ACK, &[], 100),
        ],
        &[3],
    );
}

#[test]
fn the_last_word_of_a_client_is_settled() {
    settled(
        &[
            server(1, ACK | FIN, &[], 100),
            client(1, 102, ACK | FIN, 0),
            client(2, 102, ACK | RST, 0),
        ],
        &[5],
    );
}

#[test]
fn ports_that_are_used_again_are_other_connections() {
    let mut again = client(0, 0, SYN, 0);
    again[38] ^= 1;
    link::Ipv4Layout::parse(&again)
        .unwrap()
        .complete(&mut again);
    let frames = [
        &handshake()[..],
        &[again, client(0, 0, SYN, 0), client(0, 0, SYN, 0)],
    ]
    .concat();
    let plan = plan(&frames, None);
    let mut syns: Vec<u64> = plan.facts.into_keys().collect();
    syns.sort_unstable();
    assert_eq!(syns, [1, 4, 5]);
}

#[test]
fn the_server_is_the_first_that_is_asked_or_named() {
    let server = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 80);
    assert_eq!(plan(&handshake(), None).server, Some(server));
    assert_eq!(plan(&handshake(), Some(*server.ip())).server, Some(server));
    let other = plan(&handshake(), Some(Ipv4Addr::new(10, 0, 0, 9)));
    assert_eq!((other.server, other.facts.len()), (None, 0));
    assert_eq!(plan(&handshake()[1..], None).server, None);
}
