//! Segments made by hand, changed in place.

use super::*;

/// A segment with all checksums right: from 10.0.0.1:32768 to 10.0.0.2:80, `options` as they are.
pub(crate) fn segment(
    (seq, ack, flags): (u32, u32, u8),
    window: u16,
    options: &[u8],
    text: &[u8],
) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0];
    let total_len = (40 + options.len() + text.len()) as u16;
    frame.extend(total_len.to_be_bytes());
    frame.extend([0, 9, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend([0x80, 0, 0, 80]);
    frame.extend([seq.to_be_bytes(), ack.to_be_bytes()].concat());
    frame.extend([((20 + options.len()) * 4) as u8, flags]);
    frame.extend(window.to_be_bytes());
    frame.extend([0, 0, 0, 0]);
    frame.extend(options);
    frame.extend(text);
    let sum = checksum::Sum::of(&frame[14..34]).finish();
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    Ipv4Layout::parse(&frame).unwrap().complete(&mut frame);
    frame
}

/// Timestamps at an odd place, and a SACK block.
const OPTIONS: [u8; 24] = [
    1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4, 0,
];

#[test]
fn changes_keep_a_checksum_right_and_a_wrong_one_wrong() {
    for damage in [0, 0x40] {
        let mut frame = segment((1, 2, ACK), 7, &OPTIONS, b"text!");
        let last = frame.len() - 1;
        frame[last] ^= damage;
        let mut segment = Segment::parse(&mut frame).unwrap();
        assert_eq!(segment.timestamps(), Some((1, 2)));
        segment.set_seq(0x1234_5678);
        segment.set_ack(0xffff_ffff);
        segment.set_window(0);
        segment.set_echo(0xdead_beef);
        segment.remove(SACK);
        assert_eq!(segment.is_damaged(), damage != 0);
        assert_eq!((segment.seq(), segment.ack()), (0x1234_5678, u32::MAX));
        assert_eq!(segment.window(), 0);
        assert_eq!(segment.timestamps(), Some((1, 0xdead_beef)));
        assert_eq!(segment.option(SACK), None);
        assert_eq!(segment.text().len(), 5);
    }
}

#[test]
fn a_first_fragment_is_changed_for_all() {
    let whole = segment((1, 2, ACK), 7, &[], &[3; 100]);
    let cut = 14 + 20 + 48;
    let mut first = whole[..cut].to_vec();
    first[16..18].copy_from_slice(&68u16.to_be_bytes());
    first[20] = 0x20;
    let mut fragment = Segment::parse(&mut first).unwrap();
    assert!(fragment.is_fragment() && !fragment.is_damaged());
    fragment.set_ack(99);
    let mut joined = whole.clone();
    joined[34..cut].copy_from_slice(&first[34..]);
    let joined = Segment::parse(&mut joined).unwrap();
    assert!(!joined.is_damaged());
    assert_eq!(joined.ack(), 99);
}

#[test]
fn rebuilt_headers_are_right() {
    let mut frame = segment((1, 2, ACK), 7, &OPTIONS, b"text");
    let old = Segment::parse(&mut frame).unwrap();
    let mut new = rebuilt(&old, ACK | SYN, &[2, 4, 5, 0xb4, 1]);
    assert_eq!(new.len(), 54 + 8);
    let new = Segment::parse(&mut new).unwrap();
    assert!(!new.is_damaged() && new.has(ACK | SYN) && new.text().is_empty());
    assert_eq!(new.options(), [2, 4, 5, 0xb4, 1, 0, 0, 0]);
    assert_eq!((new.seq(), new.ack(), new.window()), (1, 2, 7));
}

#[test]
fn wrong_headers_are_none_and_wrong_options_end_the_list() {
    let whole = segment((1, 2, ACK), 7, &[], b"");
    for (at, wrong) in [(46, 0x40), (46, 0xf0), (23, 17), (20, 0x01)] {
        let mut frame = whole.clone();
        frame[at] = wrong;
        assert!(Segment::parse(&mut frame).is_none(), "{at}");
    }
    for options in [[8, 0, 1, 1], [8, 1, 1, 1], [8, 10, 1, 1], [1, 1, 1, 8]] {
        let mut frame = segment((1, 2, ACK), 7, &options, b"");
        let mut segment = Segment::parse(&mut frame).unwrap();
        assert_eq!(segment.timestamps(), None);
        segment.set_echo(9);
        segment.remove(TIMESTAMPS);
        assert_eq!(segment.options(), options);
    }
}

#[test]
fn numbers_wrap_and_unwrap() {
    let numbers = Numbers::new(u32::MAX - 1);
    assert_eq!(numbers.wrap(3), 1);
    assert_eq!(numbers.unwrap(0, 1), 3);
    assert_eq!(
        numbers.unwrap(1 << 33, numbers.wrap((1 << 33) - 5)),
        (1 << 33) - 5
    );
    assert_eq!(numbers.unwrap(2, u32::MAX - 9), 0);
}
