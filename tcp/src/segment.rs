//! A segment, parsed once and checked.

use core::net::{Ipv4Addr, SocketAddrV4};

use packet::checksum;
use packet::{Frame, RxChecksum};
use zerocopy::FromBytes;

use crate::header::{HEADER_LEN, Header, PROTOCOL};
use crate::{Drop, Flags, Options, Seq};

/// What IP says of the packet that a segment came in.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    /// Who sent it.
    pub source: Ipv4Addr,
    /// The address of ours that it was sent to.
    pub destination: Ipv4Addr,
    /// The bytes of its frame in front of the TCP header.
    pub start: usize,
    /// The bytes of the segment; what its frame has behind them is padding.
    pub len: usize,
}

/// A segment whose checksum and lengths are right: the SEG of RFC 9293. Its text stays in the frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) local: SocketAddrV4,
    pub(crate) remote: SocketAddrV4,
    pub(crate) seq: Seq,
    pub(crate) ack: Seq,
    pub(crate) flags: Flags,
    /// Not scaled yet.
    pub(crate) window: u16,
    pub(crate) options: Options,
    /// The bytes of the frame in front of the text.
    pub(crate) text_start: usize,
    pub(crate) text_len: u32,
    /// For a super-frame, the text bytes of each segment in it; 0 otherwise.
    pub(crate) gso_size: u16,
}

impl Segment {
    /// Reads a segment where `packet` says that it lies in `frame`.
    pub(crate) fn parse(packet: &Packet, frame: &Frame) -> Result<Self, Drop> {
        let Packet { start, len, .. } = *packet;
        let bytes = frame.head().get(start..).ok_or(Drop::Malformed)?;
        let (header, rest) = Header::ref_from_prefix(bytes).map_err(|_| Drop::Malformed)?;
        let options_len = header.len().checked_sub(HEADER_LEN);
        let options = options_len.and_then(|len| rest.get(..len));
        let options = options.ok_or(Drop::Malformed)?;
        let text_len = len.checked_sub(header.len()).ok_or(Drop::Malformed)?;
        if frame.len() < start.saturating_add(len) {
            return Err(Drop::Malformed);
        }
        if frame.meta.checksum == RxChecksum::Unknown && !is_intact(packet, frame) {
            return Err(Drop::Checksum);
        }
        Ok(Self {
            local: SocketAddrV4::new(packet.destination, header.destination.get()),
            remote: SocketAddrV4::new(packet.source, header.source.get()),
            seq: Seq(header.seq.get()),
            ack: Seq(header.ack.get()),
            flags: Flags(header.flags),
            window: header.window.get(),
            options: Options::parse(options),
            text_start: start + header.len(),
            // A frame is at most 64 KiB.
            text_len: text_len as u32,
            gso_size: frame.meta.gso_size,
        })
    }

    /// SEG.LEN: the sequence numbers that it takes, with those of SYN and FIN.
    pub(crate) fn len(&self) -> u32 {
        self.text_len
            + u32::from(self.flags.has(Flags::SYN))
            + u32::from(self.flags.has(Flags::FIN))
    }

    /// How many segments of the sender are in it: a super-frame counts as the segments it was made
    /// of.
    pub(crate) fn count(&self) -> u32 {
        match self.gso_size {
            0 => 1,
            size => self.text_len.div_ceil(u32::from(size)).max(1),
        }
    }
}

/// Whether a segment's checksum is right.
fn is_intact(packet: &Packet, frame: &Frame) -> bool {
    let header = checksum::pseudo_header(packet.source, packet.destination, PROTOCOL, packet.len);
    let sum = frame.sum(packet.start, packet.len);
    sum.is_some_and(|sum| (header + sum).is_valid())
}

#[cfg(test)]
mod tests {
    use packet::{Limits, Part, Pool, RxMeta};

    use super::*;

    /// Whatever a device says of its checksum, a segment lies in its frame, and its header in itself.
    #[test]
    fn a_segment_is_no_longer_than_its_frame() {
        let pool = Pool::new(Limits {
            cells: 8,
            pages: 0,
            bays: 0,
        });
        let mut bytes = [0; 64];
        bytes[14 + 12] = 6 << 4;
        let meta = RxMeta {
            checksum: RxChecksum::Valid,
            gso_size: 0,
        };
        let frame = Frame::new(Part::copy_from(&pool, &bytes).unwrap(), meta);
        let text_len = |start, len| {
            let (source, destination) = (Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST);
            let packet = Packet {
                source,
                destination,
                start,
                len,
            };
            Segment::parse(&packet, &frame).map(|segment| (segment.text_start, segment.text_len))
        };
        assert_eq!(text_len(14, 50), Ok((38, 26)));
        assert_eq!(text_len(14, 24), Ok((38, 0)));
        for (start, len) in [
            (14, 51),
            (14, 23),
            (14, 0),
            (50, 14),
            (65, 0),
            (14, usize::MAX),
        ] {
            let parsed = text_len(start, len);
            assert_eq!(parsed, Err(Drop::Malformed), "{len} bytes from {start} on");
        }
    }
}
