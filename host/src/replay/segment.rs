//! A TCP segment in its frame, to be looked at and changed in place.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::ops::Range;

use link::Ipv4Layout;
use packet::checksum;

pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const ACK: u8 = 0x10;

/// Kinds of options.
pub(crate) const WINDOW_SCALE: u8 = 3;
pub(crate) const SACK_PERMITTED: u8 = 4;
pub(crate) const SACK: u8 = 5;
pub(crate) const TIMESTAMPS: u8 = 8;
const NO_OPERATION: u8 = 1;

const PROTOCOL_TCP: u8 = 6;
const HEADER_LEN: usize = 20;
const CHECKSUM: usize = 16;

/// A segment whose whole header is in the frame. Every change is carried into the checksum
/// (RFC 1624), so a damaged segment stays damaged, and the first fragment of one can be changed
/// without the others.
pub(crate) struct Segment<'a> {
    frame: &'a mut [u8],
    layout: Ipv4Layout,
    /// Where its text begins.
    text: usize,
}

impl<'a> Segment<'a> {
    /// The segment in an Ethernet frame; `None` if there is none, or not with its whole header.
    pub(crate) fn parse(frame: &'a mut [u8]) -> Option<Self> {
        let layout = Ipv4Layout::parse(frame)?;
        if layout.protocol != PROTOCOL_TCP || !layout.has_transport_header {
            return None;
        }
        let words = frame.get(layout.transport + 12)? >> 4;
        let text = layout.transport + usize::from(words) * 4;
        let is_whole = text >= layout.transport + HEADER_LEN && text <= layout.end;
        is_whole.then_some(Self {
            frame,
            layout,
            text,
        })
    }

    pub(crate) fn source(&self) -> SocketAddrV4 {
        self.end_point(12, 0)
    }

    pub(crate) fn destination(&self) -> SocketAddrV4 {
        self.end_point(16, 2)
    }

    pub(crate) fn seq(&self) -> u32 {
        self.u32(self.layout.transport + 4)
    }

    pub(crate) fn ack(&self) -> u32 {
        self.u32(self.layout.transport + 8)
    }

    pub(crate) fn flags(&self) -> u8 {
        self.frame[self.layout.transport + 13]
    }

    pub(crate) fn has(&self, flags: u8) -> bool {
        self.flags() & flags == flags
    }

    pub(crate) fn window(&self) -> u16 {
        u16::from_be_bytes(self.bytes(self.layout.transport + 14))
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.frame[self.text..self.layout.end]
    }

    /// The numbers that it takes, with those of SYN and FIN.
    pub(crate) fn len(&self) -> u64 {
        let ends = u64::from(self.has(SYN)) + u64::from(self.has(FIN));
        self.text().len() as u64 + ends
    }

    /// Whether only the first part of its text is here.
    pub(crate) fn is_fragment(&self) -> bool {
        self.layout.is_fragment
    }

    /// Whether it would be dropped for its checksum.
    pub(crate) fn is_damaged(&self) -> bool {
        self.layout.is_intact(self.frame) == Some(false)
    }

    /// The headers, as far as the text.
    pub(crate) fn headers(&self) -> &[u8] {
        &self.frame[..self.text]
    }

    pub(crate) fn options(&self) -> &[u8] {
        &self.frame[self.layout.transport + HEADER_LEN..self.text]
    }

    /// Where the option of this kind lies in the frame.
    pub(crate) fn option(&self, kind: u8) -> Option<Range<usize>> {
        let mut at = self.layout.transport + HEADER_LEN;
        while at < self.text {
            match self.frame[at] {
                0 => return None,
                NO_OPERATION => at += 1,
                found => {
                    let len = usize::from(*self.frame.get(at + 1)?);
                    let range = at..at + len;
                    if len < 2 || range.end > self.text {
                        return None;
                    }
                    if found == kind {
                        return Some(range);
                    }
                    at = range.end;
                }
            }
        }
        None
    }

    /// Value and echo of its timestamps.
    pub(crate) fn timestamps(&self) -> Option<(u32, u32)> {
        let at = self.option(TIMESTAMPS).filter(|at| at.len() == 10)?.start;
        Some((self.u32(at + 2), self.u32(at + 6)))
    }

    /// The shift of its windows, on a SYN.
    pub(crate) fn window_scale(&self) -> Option<u8> {
        let at = self.option(WINDOW_SCALE).filter(|at| at.len() == 3)?.start;
        Some(self.frame[at + 2])
    }

    pub(crate) fn set_seq(&mut self, seq: u32) {
        self.put(self.layout.transport + 4, &seq.to_be_bytes());
    }

    pub(crate) fn set_ack(&mut self, ack: u32) {
        self.put(self.layout.transport + 8, &ack.to_be_bytes());
    }

    pub(crate) fn set_window(&mut self, window: u16) {
        self.put(self.layout.transport + 14, &window.to_be_bytes());
    }

    /// Changes the echo of its timestamps, if it has any.
    pub(crate) fn set_echo(&mut self, echo: u32) {
        let option = self.option(TIMESTAMPS).filter(|at| at.len() == 10);
        if let Some(option) = option {
            self.put(option.start + 6, &echo.to_be_bytes());
        }
    }

    /// Makes options of this kind into nothing.
    pub(crate) fn remove(&mut self, kind: u8) {
        while let Some(option) = self.option(kind) {
            self.put(option.start, &[NO_OPERATION; 40][..option.len().min(40)]);
        }
    }

    /// Writes `bytes` at `at`, word by word of those that the checksum adds up.
    fn put(&mut self, at: usize, bytes: &[u8]) {
        let start = at - (at - self.layout.transport) % 2;
        let end = (at + bytes.len()).min(self.text);
        let field = self.layout.transport + CHECKSUM;
        let mut sum = u16::from_be_bytes(self.bytes(field));
        for word in (start..end).step_by(2) {
            let old = self.bytes(word);
            let part = word.max(at)..(word + 2).min(end);
            self.frame[part.clone()].copy_from_slice(&bytes[part.start - at..part.end - at]);
            let new = self.bytes(word);
            sum = checksum::update(sum, u16::from_be_bytes(old), u16::from_be_bytes(new));
        }
        self.frame[field..field + 2].copy_from_slice(&sum.to_be_bytes());
    }

    fn end_point(&self, address: usize, port: usize) -> SocketAddrV4 {
        let address = Ipv4Addr::from(self.bytes(self.layout.ip + address));
        let port = u16::from_be_bytes(self.bytes(self.layout.transport + port));
        SocketAddrV4::new(address, port)
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.bytes(at))
    }

    /// Only within the headers, which [`Segment::parse`] has found to be there; they are whole words.
    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.frame[at..at + N]);
        bytes
    }
}

/// Makes of a segment's headers a frame of its own with `options` and no text, and all lengths and
/// checksums right. `flags` replace its own.
pub(crate) fn rebuilt(segment: &Segment<'_>, flags: u8, options: &[u8]) -> Vec<u8> {
    let Ipv4Layout { ip, transport, .. } = segment.layout;
    let mut frame = segment.frame[..transport + HEADER_LEN].to_vec();
    frame.extend_from_slice(options);
    let header_len = (frame.len() - transport).next_multiple_of(4);
    frame.resize(transport + header_len, 0);
    let (total_len, words) = (frame.len() - ip, header_len / 4);
    frame[transport + 12] = (words as u8) << 4;
    frame[transport + 13] = flags;
    frame[ip + 2..ip + 4].copy_from_slice(&(total_len as u16).to_be_bytes());
    // In one piece, and not to be cut.
    frame[ip + 6..ip + 8].copy_from_slice(&[0x40, 0]);
    frame[ip + 10..ip + 12].copy_from_slice(&[0; 2]);
    let sum = checksum::Sum::of(&frame[ip..transport]).finish();
    frame[ip + 10..ip + 12].copy_from_slice(&sum.to_be_bytes());
    if let Some(layout) = Ipv4Layout::parse(&frame) {
        layout.complete(&mut frame);
    }
    frame
}

/// Positions in a stream of which the SYN has offset 0. They do not wrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    initial: u32,
}

impl Numbers {
    pub(crate) fn new(initial: u32) -> Self {
        Self { initial }
    }

    pub(crate) fn wrap(self, offset: u64) -> u32 {
        self.initial.wrapping_add(offset as u32)
    }

    /// The offset of `seq` that is nearest to `near`; 0 for what lies before the SYN.
    pub(crate) fn unwrap(self, near: u64, seq: u32) -> u64 {
        let distance = seq.wrapping_sub(self.wrap(near)) as i32;
        near.saturating_add_signed(distance.into())
    }
}

#[cfg(test)]
pub(crate) mod tests;
