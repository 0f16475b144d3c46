//! What is remembered of the last frames, read back.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use packet::Instant;
use pcap::Reader;
use runtime::{Clock, Inspect, Network};

use super::world::{A, A_MAC, B, B_MAC, Host, Pair};

/// Length of the frame, bytes that are kept, comment.
type Frame = (usize, usize, String);

/// 2001-09-09, when it was a round number.
const NOW: Duration = Duration::from_secs(1_000_000_000);

fn trace(host: &Host) -> Vec<Frame> {
    let clock = Clock::default();
    clock.set(host.now, NOW);
    let file = host.net.trace(&clock).expect("a host sees frames");
    let mut reader = Reader::new(&file[..]).unwrap();
    let mut comments = comments(&file).into_iter();
    let mut frames = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        assert!(record.time <= NOW && NOW - record.time < Duration::from_secs(600));
        let comment = comments.next().expect("a packet block");
        frames.push((record.wire_len, record.bytes.len(), comment));
    }
    assert_eq!(comments.next(), None);
    frames
}

/// The comment of each packet block: the option with code 1.
fn comments(mut file: &[u8]) -> Vec<String> {
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(*bytes[at..].first_chunk().unwrap());
    let mut comments = Vec::new();
    while !file.is_empty() {
        let (block, rest) = file.split_at(word(file, 4) as usize);
        file = rest;
        if word(block, 0) != 6 {
            continue;
        }
        let captured = word(block, 20) as usize;
        let options = &block[28 + captured.next_multiple_of(4)..];
        let (code, len) = (word(options, 0) & 0xffff, word(options, 0) as usize >> 16);
        let text = options[4..4 + len].to_vec();
        comments.push(match code {
            1 => String::from_utf8(text).unwrap(),
            _ => String::new(),
        });
    }
    comments
}

fn comments_of(frames: &[Frame]) -> Vec<&str> {
    let comments = frames.iter().map(|(.., comment)| comment.as_str());
    comments.filter(|comment| !comment.is_empty()).collect()
}

#[test]
fn a_connection_from_its_first_segment_to_its_last() {
    let mut pair = Pair::new();
    let (client, server) = pair.connection();
    let text = [b'x'; 700];
    assert!(pair.a.write(client, &text).is_ready());
    pair.settle();
    assert!(pair.b.read(server).is_ready());
    pair.a.net.release(client);
    pair.settle();
    pair.b.net.release(server);
    pair.pass(Duration::from_secs(1));

    let frames = trace(&pair.a);
    assert_eq!(
        comments_of(&frames),
        [
            "CLOSED to SYN-SENT",
            "SYN-SENT to ESTABLISHED",
            "ESTABLISHED to FIN-WAIT-1",
            "FIN-WAIT-1 to FIN-WAIT-2",
            "FIN-WAIT-2 to TIME-WAIT"
        ]
    );
    assert_eq!(
        comments_of(&trace(&pair.b)),
        [
            "LISTEN to SYN-RECEIVED",
            "SYN-RECEIVED to ESTABLISHED",
            "ESTABLISHED to CLOSE-WAIT",
            "CLOSE-WAIT to LAST-ACK",
            "LAST-ACK to CLOSED"
        ]
    );
    let of_text = frames.iter().find(|(len, ..)| *len >= text.len());
    // Ethernet, IPv4, TCP with timestamps; nothing of the text.
    assert_eq!(of_text.map(|(len, kept, _)| (*len, *kept)), Some((766, 66)));
}

#[test]
fn what_was_lost_is_told_where_it_is_sent_again() {
    let mut pair = Pair::new();
    let (client, _server) = pair.connection();
    assert!(pair.a.write(client, b"lost").is_ready());
    assert_eq!(pair.a.turn().len(), 1, "sent, and delivered to nobody");
    pair.pass(Duration::from_secs(3));
    let comments = trace(&pair.a);
    let comments = comments_of(&comments);
    let [.., last] = comments[..] else { panic!() };
    assert!(last.starts_with("timeout after "), "{comments:?}");
    assert!(last.ends_with("; sent again"), "{comments:?}");
}

#[test]
fn what_is_dropped_is_told_with_its_reason() {
    let host = Host::new(B, B_MAC);
    let mut frame = [0; 60];
    frame[..6].copy_from_slice(&[2, 9, 9, 9, 9, 9]);
    frame[6..12].copy_from_slice(&A_MAC);
    frame[12] = 8;
    host.push(&frame);
    host.turn();
    let frames = trace(&host);
    assert_eq!(comments_of(&frames), ["dropped: other_station"]);
    // What does not go on as IPv4 is cut where its fixed header would end.
    assert_eq!((frames[0].0, frames[0].1), (60, 34));
}

#[test]
fn the_oldest_frames_are_forgotten() {
    let mut pair = Pair {
        a: Host::with(A, A_MAC, |config| config.recorder = 4),
        b: Host::with(B, B_MAC, |config| config.recorder = 0),
    };
    let (client, _server) = pair.connection();
    for _ in 0..20 {
        assert!(pair.a.write(client, b"text").is_ready());
        pair.pass(Duration::from_millis(100));
    }
    let frames = trace(&pair.a);
    assert_eq!(frames.len(), 4);
    assert!(comments_of(&frames).is_empty(), "{frames:?}");
    assert!(trace(&pair.b).is_empty());
}

#[test]
fn a_host_without_frames_has_an_empty_trace() {
    let mut host = Host::new(A, A_MAC);
    host.now = Instant::ZERO;
    assert!(trace(&host).is_empty());
}
