//! A segment, parsed once and checked.

use core::net::{Ipv4Addr, SocketAddrV4};

use packet::checksum::{self, Sum};
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
}

/// A segment whose checksum and lengths are right: the SEG of RFC 9293.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) local: SocketAddrV4,
    pub(crate) remote: SocketAddrV4,
    pub(crate) seq: Seq,
    pub(crate) ack: Seq,
    pub(crate) flags: Flags,
    /// Not scaled yet.
    pub(crate) window: u16,
    pub(crate) options: Options,
    pub(crate) text: Frame,
    /// The bytes of `text`, counted once.
    pub(crate) text_len: u32,
}

impl Segment {
    /// Reads a frame that starts at the TCP header and ends with the IP packet.
    pub(crate) fn parse(packet: &Packet, mut frame: Frame) -> Result<Self, Drop> {
        let len = frame.len();
        let (header, _) = Header::read_from_prefix(frame.head()).map_err(|_| Drop::Malformed)?;
        if header.len() < HEADER_LEN {
            return Err(Drop::Malformed);
        }
        let options = frame
            .head()
            .get(HEADER_LEN..header.len())
            .ok_or(Drop::Malformed)?;
        let options = Options::parse(options);
        if frame.meta.checksum == RxChecksum::Unknown && !is_intact(packet, &frame, len) {
            return Err(Drop::Checksum);
        }
        frame.advance(header.len());
        Ok(Self {
            local: SocketAddrV4::new(packet.destination, header.destination.get()),
            remote: SocketAddrV4::new(packet.source, header.source.get()),
            seq: Seq(header.seq.get()),
            ack: Seq(header.ack.get()),
            flags: Flags(header.flags),
            window: header.window.get(),
            options,
            text: frame,
            // A frame is at most 64 KiB.
            text_len: (len - header.len()) as u32,
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
        match self.text.meta.gso_size {
            0 => 1,
            size => self.text_len.div_ceil(u32::from(size)).max(1),
        }
    }
}

fn is_intact(packet: &Packet, frame: &Frame, len: usize) -> bool {
    let mut at = 0;
    let bytes: Sum = frame
        .parts()
        .map(|part| {
            let sum = Sum::of(part).at(at);
            at += part.len();
            sum
        })
        .sum();
    (checksum::pseudo_header(packet.source, packet.destination, PROTOCOL, len) + bytes).is_valid()
}
