//! The header of RFC 791.

use core::net::Ipv4Addr;

use packet::checksum::Sum;
use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The bytes of a header without options: all that we send.
pub const HEADER_LEN: usize = 20;

/// Version 4, and five words of header.
const VERSION_IHL: u8 = 0x45;
const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;
/// The time to live of what we send (RFC 1122, 3.2.1.7, points to the assigned numbers: 64).
const TTL: u8 = 64;

/// Which protocol a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Protocol(pub u8);

impl Protocol {
    /// Control messages.
    pub const ICMP: Self = Self(1);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
}

/// The header of a received packet, as far as a host cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Who sent it.
    pub source: Ipv4Addr,
    /// For whom it is.
    pub destination: Ipv4Addr,
    /// What it carries.
    pub protocol: Protocol,
    /// The two bits of explicit congestion notification (RFC 3168, 5).
    pub ecn: u8,
    /// Which packet its fragments belong to.
    pub identification: u16,
    /// Where its payload belongs in the whole packet's, in bytes.
    pub fragment_offset: u16,
    /// Whether more of the packet follows in other fragments.
    pub more_fragments: bool,
    /// The bytes of the header with its options.
    pub header_len: u8,
    /// The bytes of the packet; what the frame has beyond it is padding.
    pub total_len: u16,
}

/// Why bytes are not a packet that a host accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It ends within its header.
    Truncated,
    /// It is not version 4.
    Version,
    /// The header's length is less than it can be, or the total length is less than the header's or
    /// more than there is.
    Length,
    /// The header is damaged.
    Checksum,
    /// An option is longer than there is room for, or shorter than it can be.
    Options,
    /// The sender wants to choose the way: refused, for a reply would have to follow it back to
    /// whoever forged the address (RFC 1122, 3.2.1.8, lets a host that forwards nothing do so).
    SourceRoute,
}

/// How a header lies in its packet.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Wire {
    version_ihl: u8,
    tos: u8,
    total_len: U16,
    identification: U16,
    flags_offset: U16,
    ttl: u8,
    protocol: u8,
    checksum: U16,
    source: [u8; 4],
    destination: [u8; 4],
}

impl Header {
    /// Reads and verifies the header at the start of `bytes`, of a packet for which the frame has
    /// `room` bytes in all.
    ///
    /// # Errors
    /// As [`Malformed`] says.
    pub fn parse(bytes: &[u8], room: usize) -> Result<Self, Malformed> {
        let (wire, rest) = Wire::ref_from_prefix(bytes).map_err(|_| Malformed::Truncated)?;
        if wire.version_ihl >> 4 != 4 {
            return Err(Malformed::Version);
        }
        let header_len = usize::from(wire.version_ihl & 0x0f) * 4;
        let total_len = wire.total_len.get();
        if header_len < HEADER_LEN
            || usize::from(total_len) < header_len
            || usize::from(total_len) > room
        {
            return Err(Malformed::Length);
        }
        let options = header_len - HEADER_LEN;
        let options = rest.get(..options).ok_or(Malformed::Truncated)?;
        // Few have options, and the sum of a known length costs less.
        let mut sum = Sum::of(wire.as_bytes());
        if !options.is_empty() {
            sum = sum + Sum::of(options);
        }
        if !sum.is_valid() {
            return Err(Malformed::Checksum);
        }
        check_options(options)?;
        let flags = wire.flags_offset.get();
        Ok(Self {
            source: wire.source.into(),
            destination: wire.destination.into(),
            protocol: Protocol(wire.protocol),
            ecn: wire.tos & 0b11,
            identification: wire.identification.get(),
            fragment_offset: (flags & OFFSET) << 3,
            more_fragments: flags & MORE_FRAGMENTS != 0,
            // At most 15 words.
            header_len: header_len as u8,
            total_len,
        })
    }

    /// Whether this is only a part of a packet.
    #[must_use]
    pub const fn is_fragment(&self) -> bool {
        self.more_fragments || self.fragment_offset != 0
    }

    /// The bytes behind the header.
    #[must_use]
    pub const fn payload_len(&self) -> usize {
        self.total_len as usize - self.header_len as usize
    }
}

/// The start of a packet, as an error about it quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'a> {
    /// Who sent the packet: us, if the error is about one of ours.
    pub source: Ipv4Addr,
    /// To whom.
    pub destination: Ipv4Addr,
    /// What it carried.
    pub protocol: Protocol,
    /// The first bytes of that: 8 at least.
    pub transport: &'a [u8],
}

impl<'a> Quoted<'a> {
    /// Reads a quote. Lengths and checksum are those of the whole packet, after routers changed
    /// it, so they are not verified. `None` if there is too little to know whose packet it was, or
    /// it was not the first fragment.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (wire, _) = Wire::ref_from_prefix(bytes).ok()?;
        let header_len = usize::from(wire.version_ihl & 0x0f) * 4;
        let transport = bytes.get(header_len.max(HEADER_LEN)..)?;
        let first = wire.flags_offset.get() & OFFSET == 0;
        (wire.version_ihl >> 4 == 4 && first && transport.len() >= 8).then_some(Self {
            source: wire.source.into(),
            destination: wire.destination.into(),
            protocol: Protocol(wire.protocol),
            transport,
        })
    }
}

/// Walks over the options (RFC 791, 3.1): none is obeyed, a source route is refused.
fn check_options(mut options: &[u8]) -> Result<(), Malformed> {
    const END: u8 = 0;
    const NO_OPERATION: u8 = 1;
    const LOOSE_SOURCE_ROUTE: u8 = 131;
    const STRICT_SOURCE_ROUTE: u8 = 137;
    loop {
        options = match *options {
            [] | [END, ..] => return Ok(()),
            [NO_OPERATION, ref rest @ ..] => rest,
            [LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE, ..] => return Err(Malformed::SourceRoute),
            [_, len, ..] if len >= 2 => options.get(len.into()..).ok_or(Malformed::Options)?,
            _ => return Err(Malformed::Options),
        };
    }
}

/// What all headers have in common that one host sends with one protocol, with its checksum summed
/// up already.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    source: Ipv4Addr,
    protocol: Protocol,
    flags: u16,
    sum: Sum,
}

impl Template {
    /// For packets that must not be fragmented, and so need no identification (RFC 6864, 4.1).
    #[must_use]
    pub fn new(source: Ipv4Addr, protocol: Protocol) -> Self {
        Self::with_flags(source, protocol, DONT_FRAGMENT)
    }

    fn with_flags(source: Ipv4Addr, protocol: Protocol, flags: u16) -> Self {
        Self {
            source,
            protocol,
            flags,
            sum: Sum::of(&[VERSION_IHL, 0, TTL, protocol.0])
                + Sum::word(flags)
                + Sum::address(source),
        }
    }

    /// The header of a packet for `destination`, of `total_len` bytes with the header.
    #[must_use]
    pub fn header(&self, destination: Ipv4Addr, total_len: u16) -> [u8; HEADER_LEN] {
        self.identified(destination, total_len, 0)
    }

    fn identified(&self, destination: Ipv4Addr, total_len: u16, id: u16) -> [u8; HEADER_LEN] {
        let sum = self.sum + Sum::address(destination) + Sum::word(total_len) + Sum::word(id);
        zerocopy::transmute!(Wire {
            version_ihl: VERSION_IHL,
            tos: 0,
            total_len: U16::new(total_len),
            identification: U16::new(id),
            flags_offset: U16::new(self.flags),
            ttl: TTL,
            protocol: self.protocol.0,
            checksum: U16::new(sum.finish()),
            source: self.source.octets(),
            destination: destination.octets(),
        })
    }
}

/// Writes `header` without options and as we send it: our time to live, no congestion bits.
/// `header_len` counts as [`HEADER_LEN`], and `fragment_offset` is cut to a multiple of 8.
#[must_use]
pub fn write(header: &Header) -> [u8; HEADER_LEN] {
    let more = if header.more_fragments {
        MORE_FRAGMENTS
    } else {
        0
    };
    let flags = more | header.fragment_offset >> 3;
    Template::with_flags(header.source, header.protocol, flags).identified(
        header.destination,
        header.total_len,
        header.identification,
    )
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
    const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

    /// A header with options, its length and checksum right.
    fn with_options(options: &[u8]) -> Vec<u8> {
        let mut bytes = Template::new(US, Protocol::TCP).header(PEER, 60).to_vec();
        bytes.extend(options);
        bytes[0] = 0x40 | (bytes.len() / 4) as u8;
        fix(&mut bytes);
        bytes
    }

    fn fix(bytes: &mut [u8]) {
        bytes[10..12].fill(0);
        let checksum = Sum::of(bytes).finish();
        bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
    }

    #[test]
    fn every_field_is_verified() {
        let good = Template::new(US, Protocol::TCP).header(PEER, 40);
        let changed = |at: usize, value: u8| {
            let mut bytes = good;
            bytes[at] = value;
            fix(&mut bytes);
            Header::parse(&bytes, 40)
        };
        assert!(changed(0, 0x45).is_ok());
        assert_eq!(changed(0, 0x65), Err(Malformed::Version));
        assert_eq!(changed(0, 0x44), Err(Malformed::Length));
        assert_eq!(changed(0, 0x46), Err(Malformed::Truncated));
        assert_eq!(
            changed(3, 19),
            Err(Malformed::Length),
            "less than the header"
        );
        assert_eq!(changed(3, 41), Err(Malformed::Length), "more than there is");
        let mut bytes = good;
        bytes[8] -= 1;
        assert_eq!(Header::parse(&bytes, 40), Err(Malformed::Checksum));
        assert_eq!(Header::parse(&good[..19], 40), Err(Malformed::Truncated));
    }

    #[test]
    fn options_are_skipped_and_source_routes_refused() {
        let parse = |options: &[u8]| Header::parse(&with_options(options), 60);
        assert_eq!(parse(&[1, 7, 3, 4]).map(|header| header.header_len), Ok(24));
        assert!(
            parse(&[0, 255, 255, 255]).is_ok(),
            "nothing counts behind the end"
        );
        assert_eq!(parse(&[131, 3, 4, 0]), Err(Malformed::SourceRoute));
        assert_eq!(parse(&[1, 137, 3, 4]), Err(Malformed::SourceRoute));
        assert_eq!(parse(&[7, 5, 4, 0]), Err(Malformed::Options), "too long");
        assert_eq!(parse(&[7, 1, 4, 0]), Err(Malformed::Options), "too short");
        assert_eq!(parse(&[1, 1, 1, 7]), Err(Malformed::Options), "no length");
    }

    #[test]
    fn a_template_forbids_fragments_and_needs_no_identification() {
        let bytes = Template::new(US, Protocol::TCP).header(PEER, 40);
        assert_eq!(bytes[4..8], [0, 0, 0x40, 0]);
        assert_eq!(bytes[8], 64);
    }

    proptest! {
        #[test]
        fn parse_gives_what_was_written(
            source: [u8; 4], destination: [u8; 4], protocol: u8, identification: u16,
            offset in 0u16..0x2000, more_fragments: bool, total_len in 20u16..,
        ) {
            let header = Header {
                source: source.into(),
                destination: destination.into(),
                protocol: Protocol(protocol),
                ecn: 0,
                identification,
                fragment_offset: offset << 3,
                more_fragments,
                header_len: 20,
                total_len,
            };
            let bytes = write(&header);
            prop_assert_eq!(Header::parse(&bytes, total_len.into()), Ok(header));
        }

        #[test]
        fn any_bytes_are_survived(
            mut bytes in prop::collection::vec(any::<u8>(), 0..80), mend: bool,
        ) {
            // Few random headers have a right version and checksum: mended, they go further.
            if mend && bytes.len() >= 20 {
                bytes[0] = 0x45 | bytes[0] & 0x0f;
                let len = (usize::from(bytes[0] & 0x0f) * 4).min(bytes.len());
                fix(&mut bytes[..len]);
            }
            if let Ok(header) = Header::parse(&bytes, bytes.len()) {
                prop_assert!(usize::from(header.header_len) + header.payload_len() <= bytes.len());
            }
        }
    }
}
