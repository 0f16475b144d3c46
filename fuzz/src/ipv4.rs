//! Headers of packets, and control messages.

use core::net::Ipv4Addr;

use ipv4::icmp::{self, Complaint, Message};
use ipv4::{Cidr, Header, Protocol};
use packet::checksum::Sum;
use packet::{Class, Frame, Limits, Part, Pool, RxMeta};

use crate::input::Input;
use crate::pool::lend;

/// A packet that fits into a cell, the rest of it in pages.
const HEAD: usize = 200;

/// Reads a packet. The first byte tells what is repaired before: the sums of the header (1) and of a
/// control message (2), which chance alone would not get right.
pub fn ipv4(bytes: &[u8]) {
    thread_local! {
        static POOL: Pool = Pool::new(Limits {
            cells: 64,
            pages: 64,
            bays: 2,
        });
    }
    let mut input = Input::new(bytes);
    let repairs = input.byte();
    let mut packet = input.rest().to_vec();
    if repairs & 1 != 0 {
        repair_header(&mut packet);
    }
    if repairs & 2 != 0 {
        repair_message(&mut packet);
    }
    lend(&POOL, |pool| read(pool, &packet));
}

fn read(pool: &Pool, bytes: &[u8]) {
    let Ok(header) = Header::parse(bytes, bytes.len()) else {
        return;
    };
    let (header_len, total_len) = (
        usize::from(header.header_len),
        usize::from(header.total_len),
    );
    assert!((ipv4::HEADER_LEN..=60).contains(&header_len));
    assert!(header_len <= total_len && total_len <= bytes.len());
    assert_eq!(header.payload_len(), total_len - header_len);
    assert_eq!(header.fragment_offset % 8, 0);
    if header_len == ipv4::HEADER_LEN {
        let written = ipv4::write(&header);
        // Congestion bits are read, and never sent.
        let expected = Header { ecn: 0, ..header };
        assert_eq!(Header::parse(&written, total_len), Ok(expected));
    }
    let Some(mut message) = frame(pool, &bytes[..total_len]) else {
        return;
    };
    message.advance(header_len);
    complain(&header, &bytes[..total_len]);
    if header.protocol == Protocol::ICMP {
        control_message(pool, &message);
    }
}

/// The packet in pieces, as a link brings a large one.
fn frame(pool: &Pool, bytes: &[u8]) -> Option<Frame> {
    let (head, rest) = bytes.split_at(bytes.len().min(HEAD));
    let mut frame = Frame::new(Part::copy_from(pool, head)?, RxMeta::default());
    for piece in rest.chunks(Class::Page.size()) {
        frame.push(Part::copy_from(pool, piece)?).ok()?;
    }
    Some(frame)
}

fn control_message(pool: &Pool, message: &Frame) {
    match icmp::parse(message) {
        Ok(Message::Echo) => {
            let mut bytes: Vec<u8> = message.parts().flat_map(|part| part.to_vec()).collect();
            icmp::make_reply(&mut bytes);
            assert!(Sum::of(&bytes).is_valid(), "the sum of a reply");
            let reply = frame(pool, &bytes);
            let parsed = reply.as_ref().map(icmp::parse);
            assert!(matches!(parsed, None | Some(Ok(Message::Other))));
        }
        Ok(Message::Error(_, quoted)) => assert!(quoted.transport.len() >= 8),
        Ok(Message::Other) | Err(_) => {}
    }
}

/// What we would say about it is well formed, and never about an error.
fn complain(header: &Header, bytes: &[u8]) {
    let Some(network) = Cidr::new(Ipv4Addr::new(10, 0, 0, 2), 24) else {
        return;
    };
    let payload = &bytes[usize::from(header.header_len)..];
    if !icmp::may_complain(&network, header, false, payload) {
        return;
    }
    for complaint in [
        Complaint::ProtocolUnreachable,
        Complaint::PortUnreachable,
        Complaint::ReassemblyTimeExceeded,
    ] {
        let said = complaint.about(bytes);
        assert!(Sum::of(&said).is_valid(), "the sum of {complaint:?}");
        assert!(said[0] != 8 && bytes.starts_with(&said[8..]));
    }
}

/// Writes the header's checksum, where there is room for one.
pub(crate) fn repair_header(packet: &mut [u8]) {
    let Some(first) = packet.first() else { return };
    let len = usize::from(first & 0x0f) * 4;
    let Some(header) = packet.get_mut(..len).filter(|_| len >= ipv4::HEADER_LEN) else {
        return;
    };
    write_sum(header, 10);
}

/// Writes the checksum of a control message, if it is a whole one.
pub(crate) fn repair_message(packet: &mut [u8]) {
    let Ok(header) = Header::parse(packet, packet.len()) else {
        return;
    };
    let range = usize::from(header.header_len)..usize::from(header.total_len);
    let is_message = header.protocol == Protocol::ICMP && !header.is_fragment();
    if is_message && header.payload_len() >= 4 {
        write_sum(&mut packet[range], 2);
    }
}

fn write_sum(bytes: &mut [u8], at: usize) {
    bytes[at..at + 2].fill(0);
    let sum = Sum::of(bytes).finish();
    bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}
