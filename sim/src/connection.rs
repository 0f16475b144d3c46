//! One of a script's connections: how its numbers and those on the wire belong together.

use crate::script::{Flags, Options, Segment, SegmentOption, Value, pattern};
use crate::wire::WireSegment;

/// The port that a script's sockets are bound to.
pub(crate) const HOST_PORT: u16 = 8080;
/// The first peer's port is one more than this.
const PEER_PORT_BASE: u16 = 40_000;

/// What RFC 9293 3.7.1 takes where no MSS option says otherwise.
const DEFAULT_MSS: u16 = 536;
/// What an Ethernet frame carries (1500 bytes) without the IPv4 and TCP headers.
const ETHERNET_MSS: u16 = 1460;

pub(crate) const fn peer_port(peer: u16) -> u16 {
    PEER_PORT_BASE.saturating_add(peer)
}

pub(crate) const fn peer_of_port(port: u16) -> Option<u16> {
    port.checked_sub(PEER_PORT_BASE)
}

/// A connection with one of the peers, or several one after the other.
pub(crate) struct Connection {
    pub(crate) peer: u16,
    host_port: u16,
    /// Our first sequence number on the wire; 0 in the script.
    host_isn: Option<u32>,
    /// What is added to the peer's numbers in the script to get those on the wire.
    peer_offset: u32,
    /// The peer's first sequence number in the script.
    peer_isn: u32,
    /// The number of a SYN that came in and was not acknowledged yet, and its bytes of data.
    offered_syn: Option<(u32, u32)>,
    /// What is added to our timestamps in the script to get those on the wire.
    timestamp_offset: Option<u32>,
    peer_mss: u16,
}

impl Connection {
    pub(crate) fn new(peer: u16, peer_offset: u32) -> Self {
        Self {
            peer,
            host_port: HOST_PORT,
            host_isn: None,
            peer_offset,
            peer_isn: 0,
            offered_syn: None,
            timestamp_offset: None,
            peer_mss: DEFAULT_MSS,
        }
    }

    /// The segment on the wire for one that the script injects.
    pub(crate) fn inject(&mut self, segment: &Segment) -> WireSegment {
        if segment.flags.has(Flags::SYN) {
            self.offered_syn = Some((segment.seq, segment.len));
            self.peer_mss = segment.options.mss().unwrap_or(DEFAULT_MSS);
        }
        // The data of a SYN comes after it.
        let first = segment
            .seq
            .wrapping_add(u32::from(segment.flags.has(Flags::SYN)));
        let isn = match self.offered_syn {
            Some((seq, _)) if segment.flags.has(Flags::SYN) => seq,
            _ => self.peer_isn,
        };
        let offset = first.wrapping_sub(isn).wrapping_sub(1);
        let payload = (0..segment.len).map(|i| pattern(offset.wrapping_add(i)));
        WireSegment {
            source_port: peer_port(self.peer),
            destination_port: self.host_port,
            seq: segment.seq.wrapping_add(self.peer_offset),
            ack: segment.ack.map_or(0, |ack| self.host_number(ack)),
            flags: segment.flags,
            window: segment.window.unwrap_or(0),
            urgent: segment.urgent,
            options: segment
                .options
                .iter()
                .map(|o| self.inject_option(o))
                .collect(),
            payload: payload.collect(),
        }
    }

    /// The first bytes of a segment that the host sent at `seq`.
    pub(crate) fn quote(&self, seq: u32) -> WireSegment {
        WireSegment {
            source_port: self.host_port,
            destination_port: peer_port(self.peer),
            seq: self.host_number(seq),
            ..WireSegment::default()
        }
    }

    /// The segment in the script's terms for one that the host sent. `timestamp` is the value that
    /// the script expects; the first one seen is taken to be it.
    pub(crate) fn emit(&mut self, wire: &WireSegment, timestamp: Option<u32>) -> Segment {
        let has_ack = wire.flags.has(Flags::ACK);
        if wire.flags.has(Flags::SYN) && self.host_isn != Some(wire.seq) {
            self.host_isn = Some(wire.seq);
            self.host_port = wire.source_port;
            self.timestamp_offset = None;
        }
        let ack = wire.ack.wrapping_sub(self.peer_offset);
        if let (Some((seq, len)), true) = (self.offered_syn, has_ack) {
            let beyond = ack.wrapping_sub(seq);
            if beyond >= 1 && beyond <= len.saturating_add(1) {
                self.peer_isn = seq;
                self.offered_syn = None;
            }
        }
        let options: Vec<SegmentOption> = wire
            .options
            .iter()
            .map(|option| self.emit_option(option, timestamp))
            .collect();
        Segment {
            peer: self.peer,
            flags: wire.flags,
            seq: wire.seq.wrapping_sub(self.host_isn.unwrap_or(0)),
            len: wire.payload.len() as u32,
            ack: has_ack.then_some(ack),
            window: Some(wire.window),
            urgent: wire.urgent,
            options: if options.is_empty() {
                Options::None
            } else {
                Options::List(options)
            },
            damage: None,
        }
    }

    /// The most payload of a segment to this peer (RFC 6691: options are taken off the MSS).
    pub(crate) fn full_size(&self, options: &[SegmentOption]) -> u32 {
        let timestamps = |option: &SegmentOption| matches!(option, SegmentOption::Timestamps(..));
        let options_len = if options.iter().any(timestamps) {
            12
        } else {
            0
        };
        u32::from(self.peer_mss.min(ETHERNET_MSS)).saturating_sub(options_len)
    }

    fn host_number(&self, number: u32) -> u32 {
        number.wrapping_add(self.host_isn.unwrap_or(0))
    }

    fn inject_option(&self, option: &SegmentOption) -> SegmentOption {
        match option {
            SegmentOption::Timestamps(value, Value(Some(echo))) => {
                let offset = self.timestamp_offset.unwrap_or(0);
                SegmentOption::Timestamps(*value, Value(Some(echo.wrapping_add(offset))))
            }
            SegmentOption::Sack(blocks) => {
                let edges = blocks.iter();
                let edges = edges.map(|(l, r)| (self.host_number(*l), self.host_number(*r)));
                SegmentOption::Sack(edges.collect())
            }
            other => other.clone(),
        }
    }

    fn emit_option(&mut self, option: &SegmentOption, expected: Option<u32>) -> SegmentOption {
        match option {
            SegmentOption::Timestamps(Value(Some(value)), echo) => {
                let first = value.wrapping_sub(expected.unwrap_or(0));
                let offset = *self.timestamp_offset.get_or_insert(first);
                SegmentOption::Timestamps(Value(Some(value.wrapping_sub(offset))), *echo)
            }
            SegmentOption::Sack(blocks) => {
                let number = |edge: u32| edge.wrapping_sub(self.peer_offset);
                let edges = blocks.iter().map(|(l, r)| (number(*l), number(*r)));
                SegmentOption::Sack(edges.collect())
            }
            other => other.clone(),
        }
    }
}
