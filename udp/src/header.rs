//! The header of RFC 768.

use core::net::{Ipv4Addr, SocketAddrV4};

use packet::{Frame, RxChecksum, checksum};
use zerocopy::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// UDP's number in the IP header.
pub const PROTOCOL: u8 = 17;

/// The bytes of a header.
pub const HEADER_LEN: usize = 8;

/// Where the checksum is, from the start of the header.
pub const CHECKSUM_AT: usize = 6;

/// The most bytes of payload: a packet of IPv4 is 65,535 bytes at most, 20 of them its header.
pub const MAX_PAYLOAD_LEN: usize = 65_535 - 20 - HEADER_LEN;

/// What IP says of the packet that a datagram came in.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    /// Who sent it.
    pub source: Ipv4Addr,
    /// The address that it was sent to.
    pub destination: Ipv4Addr,
}

/// A datagram whose length and checksum are right.
#[derive(Debug)]
pub struct Datagram {
    /// Who sent it. Port 0: no answer is wanted.
    pub source: SocketAddrV4,
    /// To whom.
    pub destination: SocketAddrV4,
    /// What it says.
    pub payload: Frame,
}

/// Why bytes are not a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It ends within its header, or before its length says.
    Truncated,
    /// Its length is less than its header's.
    Length,
    /// It is damaged.
    Checksum,
}

/// How a header lies in its datagram.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Wire {
    source: U16,
    destination: U16,
    len: U16,
    checksum: U16,
}

impl Datagram {
    /// Reads a frame that starts at the UDP header and ends with the IP packet.
    ///
    /// # Errors
    /// As [`Malformed`] says. A checksum is verified where there is one (RFC 1122, 4.1.3.4).
    pub fn parse(packet: &Packet, mut frame: Frame) -> Result<Self, Malformed> {
        let (wire, _) = Wire::read_from_prefix(frame.head()).map_err(|_| Malformed::Truncated)?;
        let len = usize::from(wire.len.get());
        if len < HEADER_LEN {
            return Err(Malformed::Length);
        }
        if len > frame.len() {
            return Err(Malformed::Truncated);
        }
        let must_verify = frame.meta.checksum == RxChecksum::Unknown && wire.checksum.get() != 0;
        let pseudo_header = || pseudo_header(packet.source, packet.destination, len);
        let is_intact = |sum| (pseudo_header() + sum).is_valid();
        if must_verify && !frame.sum(0, len).is_some_and(is_intact) {
            return Err(Malformed::Checksum);
        }
        frame.truncate(len);
        frame.advance(HEADER_LEN);
        Ok(Self {
            source: SocketAddrV4::new(packet.source, wire.source.get()),
            destination: SocketAddrV4::new(packet.destination, wire.destination.get()),
            payload: frame,
        })
    }
}

/// The header of a datagram, with its checksum. `payload` is [`MAX_PAYLOAD_LEN`] at most.
#[must_use]
pub fn header(source: SocketAddrV4, destination: SocketAddrV4, payload: &[u8]) -> [u8; HEADER_LEN] {
    let mut wire = wire(source, destination, payload.len());
    let sum = pseudo_header(*source.ip(), *destination.ip(), HEADER_LEN + payload.len())
        + checksum::Sum::of(wire.as_bytes())
        + checksum::Sum::of(payload);
    // Zero says "no checksum"; the other zero of one's complement is sent for it.
    wire.checksum = match sum.finish() {
        0 => U16::new(0xffff),
        checksum => U16::new(checksum),
    };
    zerocopy::transmute!(wire)
}

/// The header of a datagram with `len` bytes of payload, [`MAX_PAYLOAD_LEN`] at most, whose checksum
/// the link completes: the field holds the sum of the pseudo-header.
#[must_use]
pub fn blank_header(
    source: SocketAddrV4,
    destination: SocketAddrV4,
    len: usize,
) -> [u8; HEADER_LEN] {
    let mut wire = wire(source, destination, len);
    let sum = pseudo_header(*source.ip(), *destination.ip(), HEADER_LEN + len);
    wire.checksum = U16::new(sum.fold());
    zerocopy::transmute!(wire)
}

/// The ports of the first bytes of a datagram of ours, as an ICMP error quotes it: source and
/// destination.
pub(crate) fn quoted_ports(bytes: &[u8]) -> Option<(u16, u16)> {
    let (wire, _) = Wire::ref_from_prefix(bytes).ok()?;
    Some((wire.source.get(), wire.destination.get()))
}

fn wire(source: SocketAddrV4, destination: SocketAddrV4, len: usize) -> Wire {
    debug_assert!(len <= MAX_PAYLOAD_LEN);
    Wire {
        source: U16::new(source.port()),
        destination: U16::new(destination.port()),
        len: U16::new((HEADER_LEN + len) as u16),
        checksum: U16::ZERO,
    }
}

fn pseudo_header(source: Ipv4Addr, destination: Ipv4Addr, len: usize) -> checksum::Sum {
    checksum::pseudo_header(source, destination, PROTOCOL, len)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use packet::checksum::Sum;
    use packet::{Limits, Part, Pool, RxMeta};
    use proptest::prelude::*;

    use super::*;

    const PACKET: Packet = Packet {
        source: Ipv4Addr::new(10, 0, 0, 1),
        destination: Ipv4Addr::new(10, 0, 0, 2),
    };
    const SOURCE: SocketAddrV4 = SocketAddrV4::new(PACKET.source, 1024);
    const DESTINATION: SocketAddrV4 = SocketAddrV4::new(PACKET.destination, 53);

    /// A frame whose payload lies in pieces of at most `piece` bytes behind the header.
    fn frame(bytes: &[u8], piece: usize) -> Frame {
        let pool = Pool::new(Limits {
            cells: 18,
            pages: 8,
            bays: 1,
        });
        let (head, rest) = bytes.split_at(bytes.len().min(HEADER_LEN));
        let part = |bytes| Part::copy_from(&pool, bytes).unwrap();
        let mut frame = Frame::new(part(head), RxMeta::default());
        rest.chunks(piece)
            .for_each(|piece| frame.push(part(piece)).unwrap());
        frame
    }

    fn datagram(payload: &[u8]) -> Vec<u8> {
        [&header(SOURCE, DESTINATION, payload)[..], payload].concat()
    }

    fn bytes(frame: &Frame) -> Vec<u8> {
        frame.parts().flat_map(|part| part.to_vec()).collect()
    }

    #[test]
    fn what_lies_behind_is_padding() {
        let mut padded = datagram(b"abc");
        padded.extend([0; 9]);
        let read = Datagram::parse(&PACKET, frame(&padded, 5)).unwrap();
        assert_eq!(bytes(&read.payload), b"abc");
    }

    #[test]
    fn lengths_that_cannot_be_are_refused() {
        let refused = |bytes: &[u8]| Datagram::parse(&PACKET, frame(bytes, 100)).unwrap_err();
        let mut short = datagram(b"abc");
        assert_eq!(refused(&short[..7]), Malformed::Truncated);
        assert_eq!(refused(&short[..10]), Malformed::Truncated);
        short[5] = 7;
        assert_eq!(refused(&short), Malformed::Length);
    }

    #[test]
    fn without_a_checksum_it_is_believed_and_with_one_verified() {
        let mut damaged = datagram(b"abc");
        damaged[8] ^= 1;
        let read = |bytes: &[u8]| Datagram::parse(&PACKET, frame(bytes, 100)).map(drop);
        assert_eq!(read(&damaged), Err(Malformed::Checksum));
        damaged[6..8].fill(0);
        assert_eq!(read(&damaged), Ok(()));
    }

    #[test]
    fn a_sum_of_zero_is_sent_as_the_other_zero() {
        // The payload that completes the sum to 0xffff.
        let rest = Sum::of(&header(SOURCE, DESTINATION, &[0; 2])[6..]).fold();
        let written = header(SOURCE, DESTINATION, &rest.to_be_bytes());
        assert_eq!(written[6..], [0xff; 2]);
        assert!(Datagram::parse(&PACKET, frame(&datagram(&rest.to_be_bytes()), 9)).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(payload in prop::collection::vec(any::<u8>(), 0..400), piece in 30usize..200) {
            let read = Datagram::parse(&PACKET, frame(&datagram(&payload), piece)).unwrap();
            prop_assert_eq!((read.source, read.destination), (SOURCE, DESTINATION));
            prop_assert_eq!(bytes(&read.payload), payload);
        }

        #[test]
        fn a_blank_header_is_completed_to_the_same(payload: Vec<u8>) {
            let mut blank = blank_header(SOURCE, DESTINATION, payload.len()).to_vec();
            blank.extend(&payload);
            let complete = Sum::of(&blank).finish();
            let complete = if complete == 0 { 0xffff } else { complete };
            prop_assert_eq!(&header(SOURCE, DESTINATION, &payload)[6..], complete.to_be_bytes());
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 1..300)) {
            Datagram::parse(&PACKET, frame(&bytes, 50)).ok();
            quoted_ports(&bytes);
        }
    }
}
