//! TCP segments in IPv4 packets, written and read plainly: the tests' own view of the wire, which
//! shares no code with what is tested.

use core::net::Ipv4Addr;

use packet::checksum::{Sum, pseudo_header};

use crate::script::{Damage, Flags, SegmentOption, Value};

/// The host that is tested.
pub(crate) const HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// The host that the script plays; all its peers differ by port.
pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

const TCP: u8 = 6;
const ICMP: u8 = 1;
const IPV4_HEADER: usize = 20;
const TCP_HEADER: usize = 20;

/// A segment with the numbers that are on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WireSegment {
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: Flags,
    pub(crate) window: u16,
    pub(crate) urgent: u16,
    pub(crate) options: Vec<SegmentOption>,
    pub(crate) payload: Vec<u8>,
}

impl WireSegment {
    /// The IPv4 packet that brings this segment from the peer to the host.
    pub(crate) fn to_host(&self, damage: Option<Damage>) -> Vec<u8> {
        self.to_packet([PEER, HOST], damage)
    }

    /// The IPv4 packet that takes this segment from one address to another.
    pub(crate) fn to_packet(&self, path: [Ipv4Addr; 2], damage: Option<Damage>) -> Vec<u8> {
        let [source, destination] = path;
        let mut options: Vec<u8> = self.options.iter().flat_map(option_bytes).collect();
        options.resize(options.len().next_multiple_of(4), 0);
        let words = match damage {
            Some(Damage::DataOffset(words)) => words,
            _ => ((TCP_HEADER + options.len()) / 4) as u8,
        };
        let mut segment = Vec::new();
        segment.extend(self.source_port.to_be_bytes());
        segment.extend(self.destination_port.to_be_bytes());
        segment.extend(self.seq.to_be_bytes());
        segment.extend(self.ack.to_be_bytes());
        segment.extend([words << 4, self.flags.0]);
        segment.extend(self.window.to_be_bytes());
        segment.extend([0, 0]);
        segment.extend(self.urgent.to_be_bytes());
        segment.extend(options);
        segment.extend(&self.payload);
        let sum = pseudo_header(source, destination, TCP, segment.len()) + Sum::of(&segment);
        let mut checksum = sum.finish();
        if damage == Some(Damage::Checksum) {
            checksum = checksum.wrapping_add(1);
        }
        segment[16..18].copy_from_slice(&checksum.to_be_bytes());
        ipv4_packet(source, destination, TCP, &segment)
    }

    /// The segment in an IPv4 packet from the host to the peer; `None` if it holds none.
    ///
    /// # Errors
    /// When the host sent something malformed.
    pub(crate) fn from_packet(packet: &[u8]) -> Result<Option<Self>, String> {
        let header_len = usize::from(packet.first().unwrap_or(&0) & 0xf) * 4;
        let total_len = usize::from(u16_at(packet, 2).ok_or("a short IPv4 packet")?);
        let header = packet.get(..header_len).ok_or("a short IPv4 header")?;
        if header.first().unwrap_or(&0) >> 4 != 4 || !Sum::of(header).is_valid() {
            return Err("a malformed IPv4 header".to_owned());
        }
        if header.get(9) != Some(&TCP) {
            return Ok(None);
        }
        let segment = packet.get(header_len..total_len);
        let segment = segment.ok_or("an IPv4 packet of a wrong length")?;
        let sum = pseudo_header(HOST, PEER, TCP, segment.len()) + Sum::of(segment);
        if !sum.is_valid() {
            return Err("a segment with a wrong checksum".to_owned());
        }
        Self::from_bytes(segment).map(Some)
    }

    /// The segment in an Ethernet frame between any hosts, and their addresses, whatever its checksums
    /// say; `None` if it holds none.
    pub(crate) fn from_frame(frame: &[u8]) -> Option<([Ipv4Addr; 2], Self)> {
        let packet = crate::frame::ipv4_packet(frame)?;
        let header_len = usize::from(packet.first()? & 0xf) * 4;
        let total_len = usize::from(u16_at(packet, 2)?);
        let segment = packet.get(header_len..total_len)?;
        if packet.get(9) != Some(&TCP) {
            return None;
        }
        let address = |at| u32_at(packet, at).map(Ipv4Addr::from_bits);
        let addresses = [address(12)?, address(16)?];
        Some((addresses, Self::from_bytes(segment).ok()?))
    }

    fn from_bytes(segment: &[u8]) -> Result<Self, String> {
        let short = || "a short TCP header".to_owned();
        let word = |at| u16_at(segment, at).ok_or_else(short);
        let long = |at| u32_at(segment, at).ok_or_else(short);
        let header_len = usize::from(word(12)? >> 12) * 4;
        let options = segment.get(TCP_HEADER..header_len).ok_or_else(short)?;
        Ok(Self {
            source_port: word(0)?,
            destination_port: word(2)?,
            seq: long(4)?,
            ack: long(8)?,
            flags: Flags((word(12)? & 0xff) as u8),
            window: word(14)?,
            urgent: word(18)?,
            options: read_options(options)?,
            payload: segment.get(header_len..).unwrap_or_default().to_vec(),
        })
    }
}

/// The IPv4 packet of an ICMP destination-unreachable message about `quoted`, the start of a
/// segment that the host sent.
pub(crate) fn unreachable(code: u8, quoted: &WireSegment) -> Vec<u8> {
    let mut start = Vec::new();
    start.extend(quoted.source_port.to_be_bytes());
    start.extend(quoted.destination_port.to_be_bytes());
    start.extend(quoted.seq.to_be_bytes());
    let mut message = vec![3, code, 0, 0, 0, 0, 0, 0];
    message.extend(ipv4_packet(HOST, PEER, TCP, &start));
    let checksum = Sum::of(&message).finish();
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    ipv4_packet(PEER, HOST, ICMP, &message)
}

fn ipv4_packet(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, body: &[u8]) -> Vec<u8> {
    let total_len = (IPV4_HEADER + body.len()) as u16;
    let mut packet = vec![0x45, 0];
    packet.extend(total_len.to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]); // don't fragment; 64 hops
    packet.extend(source.octets());
    packet.extend(destination.octets());
    let checksum = Sum::of(&packet).finish();
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend(body);
    packet
}

fn option_bytes(option: &SegmentOption) -> Vec<u8> {
    match option {
        SegmentOption::End => vec![0],
        SegmentOption::NoOperation => vec![1],
        SegmentOption::Mss(size) => with_kind(2, &size.0.unwrap_or(0).to_be_bytes()),
        SegmentOption::WindowScale(shift) => with_kind(3, &[shift.0.unwrap_or(0)]),
        SegmentOption::SackPermitted => with_kind(4, &[]),
        SegmentOption::Sack(blocks) => {
            let edges = blocks.iter().flat_map(|(left, right)| [left, right]);
            let data: Vec<u8> = edges.flat_map(|edge| edge.to_be_bytes()).collect();
            with_kind(5, &data)
        }
        SegmentOption::Timestamps(value, echo) => {
            let numbers = [value.0.unwrap_or(0), echo.0.unwrap_or(0)];
            with_kind(8, &numbers.map(u32::to_be_bytes).concat())
        }
        SegmentOption::Other(kind, data) => with_kind(*kind, data),
    }
}

fn with_kind(kind: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, data.len() as u8 + 2];
    bytes.extend(data);
    bytes
}

fn read_options(mut bytes: &[u8]) -> Result<Vec<SegmentOption>, String> {
    let malformed = || "malformed options".to_owned();
    let mut options = Vec::new();
    while let Some((kind, rest)) = bytes.split_first() {
        match kind {
            0 => return Ok(options),
            1 => {
                options.push(SegmentOption::NoOperation);
                bytes = rest;
            }
            kind => {
                let len = usize::from(*rest.first().ok_or_else(malformed)?);
                let data = bytes.get(2..len).ok_or_else(malformed)?;
                options.push(read_option(*kind, data));
                bytes = bytes.get(len..).unwrap_or_default();
            }
        }
    }
    Ok(options)
}

fn read_option(kind: u8, data: &[u8]) -> SegmentOption {
    match (kind, data.len()) {
        (2, 2) => SegmentOption::Mss(Value(u16_at(data, 0))),
        (3, 1) => SegmentOption::WindowScale(Value(data.first().copied())),
        (4, 0) => SegmentOption::SackPermitted,
        (5, _) => {
            let blocks = data.as_chunks::<8>().0.iter();
            let block = |bytes: &[u8; 8]| Some((u32_at(bytes, 0)?, u32_at(bytes, 4)?));
            SegmentOption::Sack(blocks.filter_map(block).collect())
        }
        (8, 8) => SegmentOption::Timestamps(Value(u32_at(data, 0)), Value(u32_at(data, 4))),
        (kind, _) => SegmentOption::Other(kind, data.to_vec()),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    bytes.try_into().ok().map(u16::from_be_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    bytes.try_into().ok().map(u32::from_be_bytes)
}
