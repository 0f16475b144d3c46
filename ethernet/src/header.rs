//! The header of a frame.

use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::Mac;

/// The bytes of a header without tags: all that we send.
pub const HEADER_LEN: usize = 14;

/// The least bytes of a frame without its check sequence (IEEE 802.3, 4A.4.2): a sender pads
/// shorter ones with zeros.
pub const MIN_FRAME_LEN: usize = 60;

/// The most tags of a frame that are read: a service provider's and a customer's (802.1ad).
const MAX_TAGS: usize = 2;

/// The least number that is a type; below it stands the length of an IEEE 802.3 frame.
const MIN_TYPE: u16 = 0x0600;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EtherType(pub u16);

impl EtherType {
    /// An IPv4 packet.
    pub const IPV4: Self = Self(0x0800);
    /// An ARP packet.
    pub const ARP: Self = Self(0x0806);
    /// A customer's VLAN tag, and behind it what the frame carries.
    const VLAN: Self = Self(0x8100);
    /// A service provider's VLAN tag.
    const SERVICE_VLAN: Self = Self(0x88a8);
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// For whom it is.
    pub destination: Mac,
    /// Who sent it.
    pub source: Mac,
    /// The outermost VLAN it is tagged for; `None` also for a tag that gives only a priority.
    pub vlan: Option<u16>,
    /// What it carries, behind all tags.
    pub ether_type: EtherType,
}

/// Why bytes are not an Ethernet II frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It ends within the header.
    Truncated,
    /// It has a length where the type should be (IEEE 802.3).
    NotEthernet2,
    /// It has more tags than anybody needs.
    TooManyTags,
}

/// How addresses and type lie in a frame.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Wire {
    destination: Mac,
    source: Mac,
    ether_type: U16,
}

/// How the rest of a tag lies behind its type.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Tag {
    control: U16,
    ether_type: U16,
}

impl Tag {
    /// The VLAN; 0 means none, only the priority counts (802.1Q, 9.6).
    fn vlan(&self) -> Option<u16> {
        Some(self.control.get() & 0x0fff).filter(|id| *id != 0)
    }
}

impl Header {
    /// Reads the header at the start of `frame`; gives its length in bytes with it.
    ///
    /// # Errors
    /// As [`Malformed`] says.
    pub fn parse(frame: &[u8]) -> Result<(Self, usize), Malformed> {
        let (wire, mut rest) = Wire::ref_from_prefix(frame).map_err(|_| Malformed::Truncated)?;
        let mut header = Self {
            destination: wire.destination,
            source: wire.source,
            vlan: None,
            ether_type: EtherType(wire.ether_type.get()),
        };
        let mut tags = 0;
        while matches!(header.ether_type, EtherType::VLAN | EtherType::SERVICE_VLAN) {
            if tags == MAX_TAGS {
                return Err(Malformed::TooManyTags);
            }
            let (tag, behind) = Tag::ref_from_prefix(rest).map_err(|_| Malformed::Truncated)?;
            header.vlan = header.vlan.or(tag.vlan());
            header.ether_type = EtherType(tag.ether_type.get());
            rest = behind;
            tags += 1;
        }
        if header.ether_type.0 < MIN_TYPE {
            return Err(Malformed::NotEthernet2);
        }
        Ok((header, frame.len() - rest.len()))
    }

    /// The header as it is sent: without a tag.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        zerocopy::transmute!(Wire {
            destination: self.destination,
            source: self.source,
            ether_type: U16::new(self.ether_type.0),
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate alloc;

    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    const HEADER: Header = Header {
        destination: Mac([2, 0, 0, 0, 0, 1]),
        source: Mac([2, 0, 0, 0, 0, 2]),
        vlan: None,
        ether_type: EtherType::IPV4,
    };

    /// `HEADER` with words put in where the type was, and the type behind them.
    fn tagged(words: &[u16]) -> Vec<u8> {
        let mut bytes = HEADER.to_bytes()[..12].to_vec();
        bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        bytes.extend([0x08, 0x00]);
        bytes
    }

    #[test]
    fn tags_are_read_and_skipped() {
        let vlan = |words: &[u16]| Header::parse(&tagged(words)).map(|(h, len)| (h.vlan, len));
        assert_eq!(vlan(&[0x8100, 0x6005]), Ok((Some(5), 18)));
        assert_eq!(vlan(&[0x8100, 0xe000]), Ok((None, 18)), "only a priority");
        assert_eq!(vlan(&[0x88a8, 7, 0x8100, 9]), Ok((Some(7), 22)));
        assert_eq!(
            vlan(&[0x8100, 1, 0x8100, 2, 0x8100, 3]),
            Err(Malformed::TooManyTags)
        );
    }

    #[test]
    fn refuses_what_is_not_ethernet_2() {
        let mut bytes = HEADER.to_bytes();
        bytes[12..].copy_from_slice(&46u16.to_be_bytes());
        assert_eq!(Header::parse(&bytes), Err(Malformed::NotEthernet2));
        assert_eq!(Header::parse(&bytes[..13]), Err(Malformed::Truncated));
        assert_eq!(
            Header::parse(&tagged(&[0x8100, 1])[..17]),
            Err(Malformed::Truncated)
        );
    }

    proptest! {
        #[test]
        fn parse_gives_what_was_written(to: [u8; 6], from: [u8; 6], kind in MIN_TYPE..) {
            prop_assume!(kind != EtherType::VLAN.0 && kind != EtherType::SERVICE_VLAN.0);
            let header = Header {
                destination: Mac(to),
                source: Mac(from),
                vlan: None,
                ether_type: EtherType(kind),
            };
            prop_assert_eq!(Header::parse(&header.to_bytes()), Ok((header, HEADER_LEN)));
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            if let Ok((_, len)) = Header::parse(&bytes) {
                prop_assert!(len <= bytes.len());
            }
        }
    }
}
