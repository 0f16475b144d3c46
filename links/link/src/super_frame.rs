//! Cutting a super-frame into segments, as a network card with TCP segmentation offload does.

use core::net::Ipv4Addr;
use core::ops::Range;

use alloc::vec::Vec;
use packet::Chunk;
use packet::checksum::{Sum, pseudo_header};

use crate::{Offload, PartialChecksum, Transmit};

/// The most bytes of headers: Ethernet with two tags (22), IPv4 (60), TCP (60) would be 142, but a
/// stack that sends no IP options stays below.
pub(crate) const HEAD: usize = 128;

const ETHERNET_HEADER: usize = 14;
const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
/// 802.1Q and 802.1ad.
const ETHERTYPE_TAGS: [[u8; 2]; 2] = [[0x81, 0x00], [0x88, 0xa8]];
const PROTOCOL_TCP: u8 = 6;
/// RFC 791, 3.1: the bit "Don't Fragment" in the byte with the flags.
const DF: u8 = 0x40;
/// RFC 9293, 3.1 and RFC 3168, 6.1.2: bits of the byte with the flags.
const FIN: u8 = 0x01;
const PSH: u8 = 0x08;
const CWR: u8 = 0x80;

/// A super-frame on its way out in segments. It holds the chunks, so that the rest of it can wait
/// for room without a copy.
#[derive(Debug)]
pub(crate) struct SuperFrame {
    /// The headers of the segment at hand.
    head: [u8; HEAD],
    headers: Headers,
    /// Those fields of the super-frame's own headers that differ from segment to segment.
    identification: u16,
    seq: u32,
    flags: u8,
    payload: Vec<Chunk>,
    /// Payload bytes of a segment.
    gso_size: usize,
    /// Payload bytes that have left, and all of them.
    sent: usize,
    len: usize,
}

/// Where the headers lie.
#[derive(Clone, Copy, Debug)]
struct Headers {
    ip: usize,
    tcp: usize,
    end: usize,
}

impl SuperFrame {
    /// Takes a super-frame apart; `None` if it is not TCP over IPv4 with all its headers, and
    /// nothing but them, in the head, or if a segment would be longer than an IPv4 packet can be.
    pub(crate) fn new(frame: &Transmit<'_>, gso_size: u16) -> Option<Self> {
        let headers = Headers::parse(frame.head)?;
        u16::try_from(headers.end - headers.ip + usize::from(gso_size)).ok()?;
        let mut head = [0; HEAD];
        head.get_mut(..headers.end)?.copy_from_slice(frame.head);
        Some(Self {
            headers,
            identification: u16::from_be_bytes(bytes_at(&head, headers.ip + 4)),
            seq: u32::from_be_bytes(bytes_at(&head, headers.tcp + 4)),
            flags: head[headers.tcp + 13],
            head,
            payload: frame.payload.to_vec(),
            gso_size: usize::from(gso_size).max(1),
            sent: 0,
            len: frame.len() - headers.end,
        })
    }

    /// Makes the next segment: its headers are in [`SuperFrame::head`] then, its payload in `chunks`.
    /// `None` after the last. `device_sums` leaves its checksum to the device.
    pub(crate) fn segment(
        &mut self,
        device_sums: bool,
        chunks: &mut Vec<Chunk>,
    ) -> Option<Offload> {
        if self.sent >= self.len {
            return None;
        }
        let payload = self.here();
        slice(&self.payload, payload.clone(), chunks);
        self.write_ip(payload.len());
        self.write_tcp(&payload);

        let Headers { ip, tcp, end } = self.headers;
        let address = |at| Ipv4Addr::from(bytes_at::<4>(&self.head, at));
        let covered = end - tcp + payload.len();
        let mut sum = pseudo_header(address(ip + 12), address(ip + 16), PROTOCOL_TCP, covered);
        if !device_sums {
            put(&mut self.head, tcp + 16, [0; 2]);
            // A TCP header is whole 32-bit words, so the payload starts at an even offset.
            sum = sum + Sum::of(&self.head[tcp..end]) + sum_of(chunks);
        }
        let field = if device_sums {
            sum.fold()
        } else {
            sum.finish()
        };
        put(&mut self.head, tcp + 16, field.to_be_bytes());
        let partial = PartialChecksum {
            start: tcp as u16,
            offset: 16,
        };
        Some(Offload {
            checksum: device_sums.then_some(partial),
            gso_size: None,
        })
    }

    /// The headers of the segment made last.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head[..self.headers.end]
    }

    /// Goes on behind the segment made last, which has left.
    pub(crate) fn advance(&mut self) {
        self.sent = self.here().end;
    }

    /// Which bytes of the payload are the next segment's.
    fn here(&self) -> Range<usize> {
        self.sent..self.len.min(self.sent + self.gso_size)
    }

    /// Total length, identification, header checksum (RFC 791, 3.1).
    fn write_ip(&mut self, payload: usize) {
        let Headers { ip, tcp, end } = self.headers;
        let (head, id) = (&mut self.head, self.identification);
        put(head, ip + 2, ((end - ip + payload) as u16).to_be_bytes());
        // A datagram that is never fragmented needs no identification (RFC 6864, 4.1): zero stays
        // zero. Everything else counts up, as the kernel's GSO and network cards do.
        if id != 0 || head[ip + 6] & DF == 0 {
            let number = (self.sent / self.gso_size) as u16;
            put(head, ip + 4, id.wrapping_add(number).to_be_bytes());
        }
        put(head, ip + 10, [0; 2]);
        let sum = Sum::of(&head[ip..tcp]).finish();
        put(head, ip + 10, sum.to_be_bytes());
    }

    /// The sequence number advances; FIN and PSH belong to the last segment, CWR to the first
    /// (RFC 3168, 6.1.2: one answer to one congestion event).
    fn write_tcp(&mut self, payload: &Range<usize>) {
        let tcp = self.headers.tcp;
        let seq = self.seq.wrapping_add(payload.start as u32);
        put(&mut self.head, tcp + 4, seq.to_be_bytes());
        let mut flags = self.flags;
        if payload.end < self.len {
            flags &= !(FIN | PSH);
        }
        if payload.start > 0 {
            flags &= !CWR;
        }
        self.head[tcp + 13] = flags;
    }
}

impl Headers {
    fn parse(head: &[u8]) -> Option<Self> {
        if head.len() > HEAD {
            return None;
        }
        let mut ip = ETHERNET_HEADER;
        while ETHERTYPE_TAGS
            .iter()
            .any(|tag| head.get(ip - 2..ip) == Some(tag))
        {
            ip += 4;
        }
        if head.get(ip - 2..ip)? != ETHERTYPE_IPV4 || *head.get(ip + 9)? != PROTOCOL_TCP {
            return None;
        }
        let [version_ihl, ..] = head.get(ip..)? else {
            return None;
        };
        let tcp = ip + usize::from(version_ihl & 0x0f) * 4;
        let end = tcp + usize::from(head.get(tcp + 12)? >> 4) * 4;
        let is_whole = version_ihl >> 4 == 4 && tcp >= ip + 20 && end >= tcp + 20;
        (is_whole && end == head.len()).then_some(Self { ip, tcp, end })
    }
}

/// The bytes of `chunks` in `range`, as chunks: sliced, not copied.
fn slice(chunks: &[Chunk], range: Range<usize>, out: &mut Vec<Chunk>) {
    out.clear();
    let mut start = 0;
    for chunk in chunks {
        let end = start + chunk.len();
        if end > range.start && start < range.end {
            out.push(chunk.slice(range.start.saturating_sub(start)..range.end - start));
        }
        start = end;
    }
}

/// The sum of bytes in pieces of any length.
#[inline]
pub(crate) fn sum_of(chunks: &[Chunk]) -> Sum {
    if let [only] = chunks {
        return Sum::of(only);
    }
    let mut offset = 0;
    let piece = |chunk: &Chunk| {
        let sum = Sum::of(chunk).at(offset);
        offset += chunk.len();
        sum
    };
    chunks.iter().map(piece).sum()
}

/// Only at offsets that [`Headers::parse`] has found inside.
fn bytes_at<const N: usize>(head: &[u8; HEAD], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&head[at..at + N]);
    bytes
}

fn put<const N: usize>(head: &mut [u8; HEAD], at: usize, bytes: [u8; N]) {
    head[at..at + N].copy_from_slice(&bytes);
}
