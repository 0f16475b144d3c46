//! Files made by hand, whole, cut and hostile.

use ::link::Direction;
use proptest::prelude::*;

use super::*;
use crate::Writer;

type Packet = (Duration, LinkType, usize, Vec<u8>);

fn all(bytes: &[u8]) -> (Vec<Packet>, Option<Error>) {
    let mut packets = Vec::new();
    let mut reader = match Reader::new(bytes) {
        Ok(reader) => reader,
        Err(error) => return (packets, Some(error)),
    };
    loop {
        match reader.next_record() {
            Ok(Some(record)) => packets.push((
                record.time,
                record.link_type,
                record.wire_len,
                record.bytes.to_vec(),
            )),
            Ok(None) => return (packets, None),
            Err(error) => {
                assert!(matches!(reader.next_record(), Ok(None)), "it goes on");
                return (packets, Some(error));
            }
        }
    }
}

/// A number's bytes in the order of the file that is made.
type Bytes = fn(u32) -> [u8; 4];

/// Two packets at 7.000000003 s (or 7.000003 s) and 8 s; the second was cut.
fn classic(magic: u32, bytes: Bytes, network: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut put = |words: &[u32]| file.extend(words.iter().flat_map(|word| bytes(*word)));
    put(&[magic, 0x0002_0004, 0, 0, 65535, network]);
    put(&[7, 3, 4, 4, 0x0102_0304]);
    put(&[8, 0, 4, 1500, 0x0506_0708]);
    file
}

#[test]
fn pcap_in_both_orders_and_resolutions() {
    let orders: [Bytes; 2] = [u32::to_be_bytes, u32::to_le_bytes];
    for (magic, nanos) in [(0xa1b2_c3d4, 3000), (0xa1b2_3c4d, 3)] {
        for bytes in orders {
            for (number, link_type) in [
                (1, LinkType::Ethernet),
                (113, LinkType::Sll),
                (276, LinkType::Sll2),
                (101, LinkType::RawIp),
                (147, LinkType::Other(147)),
                // The bits above say that four bytes of check sequence follow each frame.
                (0x4400_0001, LinkType::Ethernet),
            ] {
                let (packets, error) = all(&classic(magic, bytes, number));
                assert!(error.is_none());
                let first = bytes(0x0102_0304).to_vec();
                let second = bytes(0x0506_0708).to_vec();
                let time = Duration::new(7, nanos);
                assert_eq!(
                    packets,
                    [
                        (time, link_type, 4, first),
                        (Duration::from_secs(8), link_type, 1500, second)
                    ]
                );
            }
        }
    }
}

/// A block of words in the file's order, with its lengths around them.
fn block(kind: u32, bytes: Bytes, words: &[u32]) -> Vec<u8> {
    let len = 12 + 4 * words.len() as u32;
    let all = [&[kind, len], words, &[len]].concat();
    all.iter().flat_map(|word| bytes(*word)).collect()
}

/// Two half words in one, as they stand in a file of this order.
fn halves(bytes: Bytes, first: u16, second: u16) -> u32 {
    let (first, second) = (u32::from(first), u32::from(second));
    match bytes(1) == [1, 0, 0, 0] {
        true => second << 16 | first,
        false => first << 16 | second,
    }
}

/// An interface of type `link_type` whose option of one byte has `resolution`.
fn interface(bytes: Bytes, link_type: u16, resolution: u8) -> Vec<u8> {
    let value = match bytes(1) == [1, 0, 0, 0] {
        true => u32::from(resolution),
        false => u32::from(resolution) << 24,
    };
    let words = [
        halves(bytes, link_type, 0),
        0,
        halves(bytes, 9, 1),
        value,
        0,
    ];
    block(1, bytes, &words)
}

fn section(bytes: Bytes) -> Vec<u8> {
    let words = [0x1a2b_3c4d, halves(bytes, 1, 0), u32::MAX, u32::MAX];
    block(0x0a0d_0d0a, bytes, &words)
}

#[test]
fn pcapng_with_all_kinds_of_packets_in_two_sections_of_different_order() {
    let (big, little): (Bytes, Bytes) = (u32::to_be_bytes, u32::to_le_bytes);
    let file = [
        section(big),
        interface(big, 1, 9),
        interface(big, 276, 0x80 | 10),
        block(6, big, &[0, 1, 2, 3, 60, 0x0102_0300]),
        block(6, big, &[1, 0, 2048 + 512, 4, 4, 0x0506_0708, 0]),
        block(0xbad, big, &[1, 2, 3]),
        section(little),
        interface(little, 101, 6),
        block(2, little, &[halves(little, 0, 5), 0, 5_000_001, 4, 4, 9]),
        block(3, little, &[4, 10]),
    ];
    let (packets, error) = all(&file.concat());
    assert!(error.is_none(), "{error:?}");
    let expected = [
        (
            Duration::from_nanos((1 << 32) + 2),
            LinkType::Ethernet,
            60,
            vec![1, 2, 3],
        ),
        (
            Duration::from_millis(2500),
            LinkType::Sll2,
            4,
            vec![5, 6, 7, 8],
        ),
        (
            Duration::from_micros(5_000_001),
            LinkType::RawIp,
            4,
            vec![9, 0, 0, 0],
        ),
        (
            Duration::from_micros(5_000_001),
            LinkType::RawIp,
            4,
            vec![10, 0, 0, 0],
        ),
    ];
    assert_eq!(packets, expected);
}

#[test]
fn what_is_before_the_end_of_a_cut_file_is_good() {
    let whole = classic(0xa1b2_c3d4, u32::to_le_bytes, 1);
    for len in 0..whole.len() {
        let (packets, error) = all(&whole[..len]);
        let (count, offset) = match len {
            0..24 => (0, Some(0)),
            24 => (0, None),
            25..44 => (0, Some(24)),
            44 => (1, None),
            _ => (1, Some(44)),
        };
        assert_eq!(packets.len(), count, "{len}");
        assert_eq!(error.map(|error| error.offset), offset, "{len}");
    }
}

#[test]
fn hostile_lengths_and_numbers_are_refused_with_their_offset() {
    let bytes: Bytes = u32::to_le_bytes;
    let start = [section(bytes), interface(bytes, 1, 6)].concat();
    for (wrong, text) in [
        (block(6, bytes, &[1, 0, 0, 4, 4, 0]), "interface 1"),
        (block(6, bytes, &[0, 0, 0, 5, 5, 0]), "a length of 5"),
        (block(6, bytes, &[0, 0, 0, u32::MAX, 5, 0]), "4294967295"),
        (block(6, bytes, &[0, 0, 0]), "a length of 24"),
        (block(3, bytes, &[]), "a length of 12"),
        (interface(bytes, 1, 20), "code 20"),
        (interface(bytes, 1, 0xc0), "code 192"),
        (block(1, bytes, &[1]), "a length of 16"),
        ([6, 11, 0].map(bytes).concat(), "a length of 11"),
        ([6, 0xffff_fffc, 0].map(bytes).concat(), "4294967292"),
        ([0xbad, 0xffff_fffc, 0].map(bytes).concat(), "ends within"),
        ([0xbad, 16, 0, 12].map(bytes).concat(), "does not end"),
        ([1, 2].map(bytes).concat(), "a length of 2"),
    ] {
        let (packets, error) = all(&[start.clone(), wrong].concat());
        let error = error.expect(text);
        assert_eq!((packets.len(), error.offset), (0, start.len() as u64));
        assert!(error.to_string().contains(text), "{error} lacks {text}");
    }
    let mut classic = classic(0xa1b2_c3d4, bytes, 1);
    classic[52..56].copy_from_slice(&bytes(MAX_PACKET + 1));
    let (packets, error) = all(&classic);
    assert_eq!(packets.len(), 1);
    assert_eq!(
        error.unwrap().to_string(),
        "the record at offset 44 claims a length of 262145"
    );
}

#[test]
fn other_files_are_told_apart() {
    for bytes in [
        &b""[..],
        b"abc",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x1f\x8b\x08\0\0",
    ] {
        let (_, error) = all(bytes);
        assert_eq!(error.unwrap().to_string(), "it is no pcap or pcapng file");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(packets: Vec<(u64, bool, Vec<u8>)>) {
        let mut file = Vec::new();
        let mut writer = Writer::new(&mut file);
        for (nanos, inward, bytes) in &packets {
            let way = if *inward { Direction::In } else { Direction::Out };
            writer.record(Duration::from_nanos(*nanos), way, bytes).unwrap();
        }
        writer.flush().unwrap();
        drop(writer);
        let (read, error) = all(&file);
        prop_assert!(error.is_none());
        let expected: Vec<Packet> = packets
            .into_iter()
            .map(|(nanos, _, bytes)| (Duration::from_nanos(nanos), LinkType::Ethernet, bytes.len(), bytes))
            .collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn a_damaged_file_is_read_or_refused(at in 0usize..200, byte: u8, big: bool) {
        let bytes: Bytes = if big { u32::to_be_bytes } else { u32::to_le_bytes };
        let mut file = [
            section(bytes),
            interface(bytes, 1, 9),
            block(6, bytes, &[0, 1, 2, 3, 60, 0x0102_0300]),
            block(3, bytes, &[4, 10]),
        ]
        .concat();
        let at = at % file.len();
        file[at] = byte;
        let (packets, error) = all(&file);
        prop_assert!(packets.len() <= 2);
        prop_assert!(error.is_none_or(|error| error.offset <= file.len() as u64));
    }
}
