//! Captures from odd places.

use super::*;

/// A TCP segment from 10.0.0.1 to 10.0.0.2 with all its checksums right.
fn segment(text: &[u8]) -> Vec<u8> {
    let mut frame = MADE_UP.to_vec();
    let total_len = (40 + text.len()) as u16;
    frame.extend([8, 0, 0x45, 0]);
    frame.extend(total_len.to_be_bytes());
    frame.extend([0, 9, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend([0x80, 0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 1, 0]);
    frame.extend([0, 0, 0, 0]);
    frame.extend(text);
    let sum = Sum::of(&frame[14..34]).finish();
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    Ipv4Layout::parse(&frame).unwrap().complete(&mut frame);
    frame
}

/// A capture of one packet, read back as a frame.
fn through(network: u32, wire_len: usize, bytes: &[u8]) -> (Option<Vec<u8>>, Anomalies) {
    let mut file: Vec<u8> = [0xa1b2_3c4d, 0x0002_0004, 0, 0, 96, network]
        .into_iter()
        .chain([1, 2, bytes.len() as u32, wire_len as u32])
        .flat_map(u32::to_be_bytes)
        .collect();
    file.extend(bytes);
    let mut frames = Frames::new(Reader::new(&file[..]).unwrap());
    let frame = frames.next_frame().unwrap();
    let frame = frame.map(|recorded| recorded.frame.to_vec());
    (frame, frames.anomalies())
}

fn ethernet(bytes: &[u8]) -> (Vec<u8>, Anomalies) {
    let (frame, anomalies) = through(1, bytes.len(), bytes);
    (frame.unwrap(), anomalies)
}

#[test]
fn any_link_becomes_ethernet() {
    let frame = segment(b"text");
    let packet = &frame[14..];
    let sll = [
        &[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 7, 0, 0, 8, 0][..],
        packet,
    ]
    .concat();
    let sll2 = [&[8, 0, 0, 0][..], &[0; 16], packet].concat();
    for (network, record) in [(1, &frame[..]), (101, packet), (113, &sll), (276, &sll2)] {
        let (got, anomalies) = through(network, record.len(), record);
        assert_eq!(got.as_ref(), Some(&frame), "{network}");
        assert!(anomalies.is_none());
    }
    let (got, anomalies) = through(147, 10, &[0; 10]);
    assert_eq!((got, anomalies.other_links), (None, 1));
    let (got, anomalies) = through(113, 10, &[0; 10]);
    assert_eq!((got, anomalies.other_links), (None, 1));
}

#[test]
fn what_the_card_would_have_done_is_done() {
    let right = segment(b"text");
    let layout = Ipv4Layout::parse(&right).unwrap();
    let with_length = layout.pseudo_header(&right).fold();
    // A card that fills the length in for each segment wants it left out: here it is 24.
    let without_length = with_length - 24;
    for partial in [0, with_length, without_length] {
        let mut frame = right.clone();
        frame[50..52].copy_from_slice(&partial.to_be_bytes());
        let (got, anomalies) = ethernet(&frame);
        assert_eq!(got, right);
        assert_eq!(anomalies.partial_checksums, 1);
    }
    let mut no_header_checksum = right.clone();
    no_header_checksum[24..26].copy_from_slice(&[0; 2]);
    let (got, anomalies) = ethernet(&no_header_checksum);
    assert_eq!((got, anomalies.partial_checksums), (right.clone(), 1));
    let mut no_length = no_header_checksum;
    no_length[16..18].copy_from_slice(&[0; 2]);
    no_length[50..52].copy_from_slice(&without_length.to_be_bytes());
    let (got, anomalies) = ethernet(&no_length);
    assert_eq!((got, anomalies.no_length), (right, 1));
}

#[test]
fn damage_stays() {
    for at in [25, 51, 55] {
        let mut frame = segment(b"text");
        frame[at] ^= 0x55;
        let (got, anomalies) = ethernet(&frame);
        assert_eq!(got, frame);
        assert!(anomalies.is_none());
    }
}

#[test]
fn a_cut_packet_ends_where_it_was_cut() {
    let whole = segment(&[7; 1000]);
    let (got, anomalies) = through(1, whole.len(), &whole[..96]);
    assert_eq!(got.unwrap(), segment(&[7; 42]));
    assert_eq!(anomalies.cut, 1);
    // Within a header nothing can be done, and nothing goes wrong.
    for len in 0..54 {
        let (got, _) = through(1, whole.len(), &whole[..len]);
        assert!(got.is_none_or(|frame| frame.len() == len));
    }
}

#[test]
fn a_super_frame_is_said() {
    let frame = segment(&[7; 20_000]);
    let (got, anomalies) = ethernet(&frame);
    assert_eq!(got, frame);
    assert_eq!(anomalies.super_frames, 1);
    let (_, anomalies) = ethernet(&segment(&[7; 1460]));
    assert!(anomalies.is_none());
}
