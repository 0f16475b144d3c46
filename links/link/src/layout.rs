//! Where the headers of a frame lie, and its transport checksum made right.

use core::net::Ipv4Addr;
use core::ops::Range;

use packet::checksum::{Sum, pseudo_header};

const ETHERNET_HEADER: usize = 14;
const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
/// 802.1Q and 802.1ad.
const ETHERTYPE_TAGS: [[u8; 2]; 2] = [[0x81, 0x00], [0x88, 0xa8]];
/// Tags that are looked behind: a service provider's and a customer's.
const MAX_TAGS: usize = 2;
const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;

/// Where the headers of an IPv4 packet lie in its Ethernet frame. All of it is within the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Layout {
    /// The IP header.
    pub ip: usize,
    /// What it carries.
    pub transport: usize,
    /// Where the packet ends; behind it is padding.
    pub end: usize,
    /// What it carries, as a number (RFC 791, 3.1).
    pub protocol: u8,
    /// Whether it is only a part of a packet.
    pub is_fragment: bool,
    /// Whether the transport header is in it: it is no fragment, or the first.
    pub has_transport_header: bool,
}

impl Ipv4Layout {
    /// Looks at the headers of `frame`; `None` if it is not IPv4, ends within its headers, or says
    /// that it is longer than it is.
    #[must_use]
    pub fn parse(frame: &[u8]) -> Option<Self> {
        let ip = Self::start(frame)?;
        let header = frame.get(ip..ip + 20)?;
        let header_len = usize::from(header[0] & 0x0f) * 4;
        let total_len = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let flags = u16::from_be_bytes([header[6], header[7]]);
        let (transport, end) = (ip + header_len, ip + total_len);
        let sound = header[0] >> 4 == 4 && header_len >= 20 && transport <= end;
        (sound && end <= frame.len()).then_some(Self {
            ip,
            transport,
            end,
            protocol: header[9],
            // More fragments, or an offset.
            is_fragment: flags & 0x3fff != 0,
            has_transport_header: flags & 0x1fff == 0,
        })
    }

    /// Where the IP header of `frame` begins; `None` if it does not carry IPv4. It need not be whole.
    #[must_use]
    pub fn start(frame: &[u8]) -> Option<usize> {
        let mut ip = ETHERNET_HEADER;
        for _ in 0..MAX_TAGS {
            let tagged = |tag| frame.get(ip - 2..ip) == Some(tag);
            if ETHERTYPE_TAGS.iter().any(|tag| tagged(&tag[..])) {
                ip += 4;
            }
        }
        (frame.get(ip - 2..ip)? == ETHERTYPE_IPV4).then_some(ip)
    }

    /// Where the transport checksum is, for TCP and UDP in one piece.
    #[must_use]
    pub fn checksum(&self) -> Option<Range<usize>> {
        let at = match self.protocol {
            _ if self.is_fragment => return None,
            PROTOCOL_TCP => self.transport + 16,
            PROTOCOL_UDP => self.transport + 6,
            _ => return None,
        };
        (at + 2 <= self.end).then_some(at..at + 2)
    }

    /// The sum of the pseudo-header: all that a partial checksum holds.
    #[must_use]
    pub fn pseudo_header(&self, frame: &[u8]) -> Sum {
        let address = |at: usize| {
            let octets: Option<&[u8; 4]> = frame.get(at..).and_then(|bytes| bytes.first_chunk());
            Ipv4Addr::from(octets.copied().unwrap_or_default())
        };
        let (source, destination) = (address(self.ip + 12), address(self.ip + 16));
        let len = self.end - self.transport;
        pseudo_header(source, destination, self.protocol, len)
    }

    /// Whether the transport checksum of `frame` is right; `None` where there is none that could
    /// be, or the sender made none (UDP).
    #[must_use]
    pub fn is_intact(&self, frame: &[u8]) -> Option<bool> {
        let field = frame.get(self.checksum()?)?;
        if self.protocol == PROTOCOL_UDP && field == [0, 0] {
            return None;
        }
        let covered = frame.get(self.transport..self.end)?;
        Some((self.pseudo_header(frame) + Sum::of(covered)).is_valid())
    }

    /// Writes the right transport checksum into `frame`, whatever was there.
    pub fn complete(&self, frame: &mut [u8]) {
        let Some(field) = self.checksum() else { return };
        let pseudo_header = self.pseudo_header(frame);
        let Some(place) = frame.get_mut(field.clone()) else {
            return;
        };
        place.copy_from_slice(&[0; 2]);
        let covered = frame.get(self.transport..self.end).unwrap_or_default();
        let sum = (pseudo_header + Sum::of(covered)).finish();
        // Zero says "no checksum" in UDP (RFC 768); elsewhere both zeros mean the same.
        let sum = if sum == 0 { 0xffff } else { sum };
        if let Some(place) = frame.get_mut(field) {
            place.copy_from_slice(&sum.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// A frame with `tags` tags, and a packet of `protocol` with `payload`.
    fn frame(tags: usize, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = alloc::vec![2; 12];
        for _ in 0..tags {
            frame.extend([0x81, 0, 0, 7]);
        }
        frame.extend([8, 0, 0x45, 0]);
        frame.extend(((20 + payload.len()) as u16).to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        frame.extend(payload);
        frame
    }

    #[test]
    fn completes_over_the_packet_and_not_its_padding() {
        for (tags, protocol, len) in [(0, 6, 20), (1, 6, 33), (2, 17, 9)] {
            let mut frame = frame(tags, protocol, &[0xa5; 40][..len]);
            frame.extend([0xff; 11]);
            let layout = Ipv4Layout::parse(&frame).unwrap();
            assert_eq!(layout.end, frame.len() - 11);
            assert_eq!(layout.is_intact(&frame), Some(false));
            layout.complete(&mut frame);
            assert_eq!(layout.is_intact(&frame), Some(true));
        }
    }

    #[test]
    fn has_no_checksum_of_a_fragment_or_another_protocol() {
        let mut fragment = frame(0, 6, &[1; 40]);
        fragment[20] = 0x20;
        let before = fragment.clone();
        let layout = Ipv4Layout::parse(&fragment).unwrap();
        assert!(layout.is_fragment && layout.has_transport_header);
        layout.complete(&mut fragment);
        assert_eq!(fragment, before);
        let ping = frame(0, 1, &[8; 8]);
        assert_eq!(Ipv4Layout::parse(&ping).unwrap().is_intact(&ping), None);
    }

    #[test]
    fn a_packet_longer_than_its_frame_is_none() {
        let whole = frame(0, 6, &[1; 40]);
        for len in 0..whole.len() {
            assert_eq!(Ipv4Layout::parse(&whole[..len]), None, "{len}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_at(mut bytes: Vec<u8>) {
            if let Some(layout) = Ipv4Layout::parse(&bytes) {
                layout.complete(&mut bytes);
                prop_assert_ne!(layout.is_intact(&bytes), Some(false));
            }
        }
    }
}
