//! The other end, as far as it must be known to speak to us and to judge what we say.

use core::net::{Ipv4Addr, SocketAddrV4};

use packet::{Frame, Instant, Part, Pool, RxChecksum, RxMeta};
use tcp::{Flags, HEADER_LEN, Header, Options, Outgoing, Packet};
use zerocopy::{FromBytes, IntoBytes};

use super::user::User;
use super::world::{PORT, US};
use crate::input::Input;

/// The byte at a place of either stream.
pub(super) const fn byte_at(place: u64) -> u8 {
    (place % 251) as u8
}

/// Where the streams of a connection begin among these bytes: each elsewhere, so that none is taken
/// for another's.
pub(super) const fn origin(number: usize) -> u64 {
    number as u64 * 31
}

/// Places in a stream count from its SYN, which stands at 0.
pub(super) struct Peer {
    pub(super) address: SocketAddrV4,
    origin: u64,
    initial: u32,
    /// What it offers in its SYN.
    options: Offer,
    ours: Ours,
    /// The place behind all that it sent in order.
    next: u64,
    /// The highest place it ever sent, plus one.
    sent: u64,
    pub(super) has_finished: bool,
    /// Where the SYN stands that the present connection began with.
    pub(super) start: u64,
    /// The furthest place of ours up to which it ever allowed us to send.
    allowed: u64,
    /// Segments of ours.
    pub(super) heard: usize,
}

/// What it knows of our side.
struct Ours {
    port: u16,
    initial: Option<u32>,
    /// The highest place that we sent, plus one.
    sent: u64,
    /// What we acknowledged last, and the right edge of the window that we offered.
    acknowledged: u64,
    edge: u64,
    scale: Option<u8>,
    timestamp: Option<u32>,
}

impl Default for Ours {
    fn default() -> Self {
        Self {
            port: PORT,
            initial: None,
            sent: 0,
            acknowledged: 0,
            edge: 0,
            scale: None,
            timestamp: None,
        }
    }
}

struct Offer {
    mss: u16,
    scale: Option<u8>,
    sack_permitted: bool,
    timestamps: bool,
}

/// A segment that it sends.
pub(super) struct Segment {
    seq: u64,
    ack: u64,
    flags: Flags,
    window: u16,
    len: usize,
    timestamp: Option<u32>,
    /// Whether the text lies in a part of its own, and how long the segments of a super-frame are.
    apart: bool,
    gso_size: u16,
}

impl Peer {
    /// Two hosts have them all.
    pub(super) fn new(number: usize, input: &mut Input<'_>) -> Self {
        let what = input.byte();
        let host = Ipv4Addr::new(10, 0, 0, 1 + 2 * (number as u8 % 2));
        Self {
            address: SocketAddrV4::new(host, 40_000 + number as u16),
            origin: origin(number),
            // Near the end of the numbers, so that they wrap around.
            initial: u32::MAX - u32::from(input.byte()) * 64,
            options: Offer {
                mss: [1460, 536, 1, 88, 0, 9000, 1460, 1460][usize::from(what & 7)],
                scale: (what & 8 != 0).then_some(what >> 5 << 1),
                sack_permitted: what & 16 != 0,
                timestamps: what & 32 != 0,
            },
            ours: Ours::default(),
            next: 0,
            sent: 0,
            has_finished: false,
            start: 0,
            allowed: 0,
            heard: 0,
        }
    }

    /// Where the text ends that it may have sent.
    pub(super) const fn sent(&self) -> u64 {
        self.sent
    }

    /// Another connection, whose SYN stands behind all that it sent in the last one.
    pub(super) fn begin_again(&mut self) {
        self.start = self.sent + 1;
        self.next = self.start;
        self.has_finished = false;
        self.allowed = 0;
        self.ours = Ours::default();
    }

    /// It goes back to what we acknowledged.
    pub(super) fn forget_what_was_sent(&mut self) {
        self.next = self.ours.acknowledged;
    }

    /// The segment that an honest peer sends next.
    pub(super) fn plain(&self, now: Instant, flags: Flags) -> Segment {
        Segment {
            seq: self.next,
            ack: self.ours.sent,
            flags,
            window: 10_000,
            len: 0,
            timestamp: self.clock(now),
            apart: false,
            gso_size: 0,
        }
    }

    fn clock(&self, now: Instant) -> Option<u32> {
        self.options.timestamps.then(|| now.as_millis() as u32)
    }

    /// A segment as the input says: one that an honest peer would send, changed in some ways.
    pub(super) fn segment(&self, now: Instant, input: &mut Input<'_>) -> Segment {
        let shape = input.byte();
        let wide = if shape & 32 == 0 { 1 } else { 1000 };
        let mut segment = self.plain(now, Flags(input.byte() ^ Flags::ACK.0));
        if shape & 1 != 0 {
            segment.seq = self.ours.acknowledged;
        }
        if shape & 2 != 0 {
            segment.seq = moved(segment.seq, input.byte(), wide);
        }
        if segment.flags.has(Flags::SYN) && self.ours.acknowledged == 0 {
            // The first SYN is where the connection begins.
            segment.seq = self.start;
        }
        if shape & 4 != 0 {
            segment.ack = moved(segment.ack, input.byte(), wide);
        }
        if shape & 8 != 0 {
            let off = input.byte() as i8;
            let on_time = segment
                .timestamp
                .map(|at| at.wrapping_add_signed(off.into()));
            segment.timestamp = on_time.filter(|_| off != 0);
        }
        segment.window = input.word();
        segment.len = usize::from(input.byte()) * if shape & 16 == 0 { 1 } else { 16 };
        segment.apart = shape & 64 != 0;
        segment.gso_size = if shape & 128 == 0 { 0 } else { 100 };
        segment
    }

    /// The frame of a segment; none if the pool has no room for it.
    pub(super) fn frame(&mut self, pool: &Pool, segment: &Segment) -> Option<(Packet, Frame)> {
        let options = self.option_bytes(segment);
        let header = Header {
            source: self.address.port().into(),
            destination: self.ours.port.into(),
            seq: self.initial.wrapping_add(segment.seq as u32).into(),
            ack: (self.ours.initial.unwrap_or(0))
                .wrapping_add(segment.ack as u32)
                .into(),
            data_offset: ((HEADER_LEN + options.len()) * 4) as u8,
            flags: segment.flags.0,
            window: segment.window.into(),
            checksum: 0.into(),
            urgent: 7.into(),
        };
        // Text begins behind the SYN.
        let first = segment.seq + u64::from(segment.flags.has(Flags::SYN));
        let text = (0..segment.len as u64).map(|at| self.byte_at(first + at));
        let mut head = [header.as_bytes(), &options].concat();
        let text: Vec<u8> = text.collect();
        if !segment.apart {
            head.extend_from_slice(&text);
        }
        let meta = RxMeta {
            checksum: RxChecksum::Valid,
            gso_size: segment.gso_size,
        };
        let mut frame = Frame::new(Part::copy_from(pool, &head)?, meta);
        if segment.apart && !text.is_empty() {
            frame.push(Part::copy_from(pool, &text)?).ok()?;
        }
        self.has_sent(segment, first);
        let packet = Packet {
            source: *self.address.ip(),
            destination: US,
            start: 0,
            len: frame.len(),
        };
        Some((packet, frame))
    }

    fn option_bytes(&self, segment: &Segment) -> Vec<u8> {
        let mut bytes = Vec::new();
        if segment.flags.has(Flags::SYN) {
            let [high, low] = self.options.mss.to_be_bytes();
            bytes.extend([2, 4, high, low]);
            if let Some(scale) = self.options.scale {
                bytes.extend([1, 3, 3, scale]);
            }
            if self.options.sack_permitted {
                bytes.extend([1, 1, 4, 2]);
            }
        }
        if let Some(value) = segment.timestamp {
            bytes.extend([1, 1, 8, 10]);
            bytes.extend(value.to_be_bytes());
            bytes.extend(self.ours.timestamp.unwrap_or(0).to_be_bytes());
        }
        bytes
    }

    fn has_sent(&mut self, segment: &Segment, first: u64) {
        let is_fin = segment.flags.has(Flags::FIN);
        let end = first + segment.len as u64 + u64::from(is_fin);
        if segment.seq <= self.next {
            self.next = self.next.max(end);
        }
        self.sent = self.sent.max(end);
        self.has_finished |= is_fin;
        if segment.flags.has(Flags::ACK) {
            let window = u64::from(segment.window);
            // A SYN's window is not shifted, but no bound is lost by thinking so.
            let window = window << self.options.scale.unwrap_or(0).min(14);
            let from = segment.ack.min(self.ours.sent);
            self.allowed = self.allowed.max(from + window);
        } else if segment.flags.has(Flags::SYN) {
            self.allowed = self.allowed.max(u64::from(segment.window) + 1);
        }
    }

    /// The byte of either stream at a place of it; text begins behind the SYN.
    fn byte_at(&self, place: u64) -> u8 {
        byte_at((self.origin + place).wrapping_sub(1))
    }

    /// Whether it is the one that a segment of ours goes to.
    pub(super) fn is_meant_by(&self, segment: &Outgoing<'_>) -> bool {
        let header = Header::ref_from_prefix(segment.head);
        let port = header.map(|(header, _)| header.destination.get());
        *self.address.ip() == segment.remote && port == Ok(self.address.port())
    }

    /// Judges a segment of ours.
    pub(super) fn hear(&mut self, segment: &Outgoing<'_>, user: &User) {
        self.heard += 1;
        let Ok((header, options)) = Header::read_from_prefix(segment.head) else {
            panic!("less than a header");
        };
        assert_eq!(header.len(), segment.head.len());
        let flags = Flags(header.flags);
        let options = Options::parse(options);
        if header.source.get() != user.port {
            // It is about the connection before.
            return;
        }
        self.ours.port = user.port;
        if let Some(timestamps) = options.timestamps {
            self.ours.timestamp = Some(timestamps.value);
        }
        if flags.has(Flags::RST) {
            return;
        }
        let seq = header.seq.get();
        if flags.has(Flags::SYN) {
            self.hear_syn(&header, flags, user);
            self.ours.scale = options.window_scale;
        }
        if !user.is_connected && !flags.has(Flags::SYN) {
            // It may be about a handshake whose SYN-ACK waits for its turn behind it.
            return;
        }
        self.hear_text(segment, seq, flags, user.written);
        if flags.has(Flags::ACK) {
            self.hear_acknowledgement(&header, flags);
        }
    }

    /// It may begin another connection between the same ports.
    fn hear_syn(&mut self, header: &Header, flags: Flags, user: &User) {
        let start = match flags.has(Flags::ACK) {
            true => u64::from(header.ack.get().wrapping_sub(self.initial)) - 1,
            false => self.start,
        };
        let initial = Some(header.seq.get());
        if !user.is_connected || (self.ours.initial, self.start) != (initial, start) {
            self.ours.sent = 0;
            self.ours.acknowledged = 0;
            self.ours.edge = 0;
        }
        self.ours.initial = initial;
        self.start = start;
    }

    fn hear_text(&mut self, segment: &Outgoing<'_>, seq: u32, flags: Flags, written: u64) {
        let Some(initial) = self.ours.initial else {
            panic!("a segment before the SYN");
        };
        let text: Vec<u8> = segment
            .payload
            .iter()
            .flat_map(|chunk| chunk.to_vec())
            .collect();
        let start = u64::from(seq.wrapping_sub(initial));
        let first = start + u64::from(flags.has(Flags::SYN));
        let end = first + text.len() as u64;
        // Behind our FIN stand acknowledgements only.
        let last = written + 1 + u64::from(text.is_empty());
        assert!(
            end <= last,
            "{flags:?} up to {end}, but written is {written}"
        );
        let right = (first..).map(|place| self.byte_at(place));
        assert!(
            text.iter()
                .copied()
                .zip(right)
                .all(|(is, right)| is == right),
            "other bytes than were written"
        );
        if !text.is_empty() {
            // A probe may have one byte more.
            assert!(end <= self.allowed + 1, "{end} beyond {}", self.allowed);
        }
        if flags.has(Flags::FIN) {
            assert_eq!(end, written + 1, "a FIN before the end");
        }
        let largest = usize::from(segment.gso_size.unwrap_or(0).max(self.largest()));
        assert!(
            segment.gso_size.is_some() || text.len() <= largest,
            "{} bytes",
            text.len()
        );
        self.ours.sent = self.ours.sent.max(end + u64::from(flags.has(Flags::FIN)));
    }

    /// The most text that it takes in a segment.
    fn largest(&self) -> u16 {
        self.options.mss.clamp(536, 1460)
    }

    fn hear_acknowledgement(&mut self, header: &Header, flags: Flags) {
        let ack = u64::from(header.ack.get().wrapping_sub(self.initial));
        assert!(ack <= self.sent, "an acknowledgement of what was not sent");
        assert!(ack >= self.ours.acknowledged, "one that goes back");
        self.ours.acknowledged = ack;
        let both_scale = self.ours.scale.is_some() && self.options.scale.is_some();
        let scale = match self.ours.scale {
            Some(scale) if both_scale && !flags.has(Flags::SYN) => scale,
            _ => 0,
        };
        let edge = ack + (u64::from(header.window.get()) << scale);
        // A window is told in steps of its scale, and a SYN cannot tell a large one; behind a FIN
        // nobody needs one.
        let may_shrink = self.has_finished || flags.has(Flags::SYN);
        assert!(
            may_shrink || edge + (1 << scale) > self.ours.edge,
            "the window shrinks from {} to {edge}",
            self.ours.edge
        );
        self.ours.edge = self.ours.edge.max(edge);
    }

    /// What a router quotes of a segment of ours that is in flight, or nearly.
    pub(super) fn quoted(&self, what: u8) -> [u8; 8] {
        let near = self.ours.sent.wrapping_sub(u64::from(what >> 4));
        let seq = self.ours.initial.unwrap_or(0).wrapping_add(near as u32);
        let [a, b] = self.ours.port.to_be_bytes();
        let [c, d] = self.address.port().to_be_bytes();
        let [e, f, g, h] = seq.to_be_bytes();
        [a, b, c, d, e, f, g, h]
    }
}

/// A place some steps to the left or right, but not before the stream's start.
fn moved(place: u64, by: u8, wide: i64) -> u64 {
    place.saturating_add_signed(i64::from(by as i8) * wide)
}
