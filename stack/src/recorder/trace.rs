//! Reading the flight recorder: frames cut to their headers, remarks as comments.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use core::net::SocketAddrV4;
use core::time::Duration;

use ethernet::EtherType;
use ipv4::Protocol;
use link::{Direction, pcapng};
use tcp::{Note, What};

use super::{About, Recorder, SNAPLEN, Slot};

/// How many frames are looked at for the one that a remark about a connection belongs to: what a turn
/// may send before it.
const REACH: usize = 256;

/// The bytes that are kept of a header of UDP or ICMP.
const SHORT_HEADER: usize = 8;

/// The shortest header of TCP.
const TCP_HEADER: usize = 20;

impl Recorder {
    /// What is remembered, as a capture file, where the clock began at `start` (since 1970-01-01 UTC).
    /// `notes` are marked with the numbers of frames.
    pub(crate) fn trace<'a>(
        &self,
        start: Duration,
        notes: impl Iterator<Item = &'a Note>,
    ) -> Vec<u8> {
        let oldest = self.next.saturating_sub(self.slots.len() as u64);
        let frames: Vec<Seen<'_>> = (oldest..self.next)
            .filter_map(|number| self.slots.get((number % self.slots.len() as u64) as usize))
            .map(Seen::new)
            .collect();
        let remarks = (self.remarks.iter())
            .filter_map(|remark| Some((place(remark.number, oldest)?, Line::Frame(remark.what))));
        let notes =
            notes.filter_map(|note| Some(Line::of(note, place(note.mark, oldest)?, &frames)));
        // Both are in the order in which things happened.
        let (mut notes, mut remarks) = (notes.peekable(), remarks.peekable());

        let mut file = Vec::with_capacity(frames.len() * SNAPLEN);
        pcapng::begin(&mut file, SNAPLEN as u32);
        let mut comment = String::new();
        for (index, frame) in frames.iter().enumerate() {
            comment.clear();
            let next = |(place, _): &(usize, Line<'_>)| *place <= index;
            while let Some((_, line)) = notes.next_if(next).or_else(|| remarks.next_if(next)) {
                let separator = if comment.is_empty() { "" } else { "; " };
                // Writing to a string does not fail.
                let _ = write!(comment, "{separator}{line}");
            }
            let packet = pcapng::Packet {
                time: start + Duration::from_nanos(frame.slot.nanos),
                direction: match frame.slot.was_sent {
                    false => Direction::In,
                    true => Direction::Out,
                },
                bytes: frame.headers,
                wire_len: frame.slot.len as usize,
                comment: &comment,
            };
            // Only a clock beyond the year 2554 has times that cannot be written.
            let _ = pcapng::add(&mut file, &packet);
        }
        file
    }
}

/// Which of the frames from `oldest` on has this number; `None`: it is forgotten.
fn place(number: u64, oldest: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(oldest)?).ok()
}

/// What is said of a frame.
enum Line<'a> {
    Frame(About),
    /// Of the connection that the frame belongs to.
    Own(What),
    /// Of one of which no frame is there.
    Other(&'a Note),
}

impl<'a> Line<'a> {
    /// Which of `frames` a note belongs to: from that at `place` on, the first of its connection.
    fn of(note: &'a Note, place: usize, frames: &[Seen<'_>]) -> (usize, Self) {
        let Note { local, remote, .. } = *note;
        let ends = Some(Ends { local, remote });
        let mut candidates = frames.iter().skip(place).take(REACH);
        match candidates.position(|frame| frame.ends == ends) {
            Some(index) => (place + index, Self::Own(note.what)),
            None => (place, Self::Other(note)),
        }
    }
}

/// A frame as far as it is told: nobody's text.
struct Seen<'a> {
    slot: &'a Slot,
    headers: &'a [u8],
    ends: Option<Ends>,
}

impl<'a> Seen<'a> {
    fn new(slot: &'a Slot) -> Self {
        let bytes = slot.bytes.get(..slot.kept.into()).unwrap_or_default();
        let (len, ends) = headers(bytes, slot).unwrap_or((ethernet::HEADER_LEN, None));
        Self {
            slot,
            headers: bytes.get(..len).unwrap_or(bytes),
            ends,
        }
    }
}

/// Between whom a TCP segment goes.
#[derive(Clone, Copy, PartialEq)]
struct Ends {
    local: SocketAddrV4,
    remote: SocketAddrV4,
}

/// How long the headers of a frame are, and between whom it goes if it is TCP's.
fn headers(bytes: &[u8], slot: &Slot) -> Option<(usize, Option<Ends>)> {
    let (ethernet, start) = ethernet::Header::parse(bytes).ok()?;
    if ethernet.ether_type == EtherType::ARP {
        return Some((bytes.len(), None));
    }
    let room = (slot.len as usize).saturating_sub(start);
    let Ok(ipv4) = ipv4::Header::parse(bytes.get(start..)?, room) else {
        return Some((start + ipv4::HEADER_LEN, None));
    };
    let start = start + usize::from(ipv4.header_len);
    match (ipv4.protocol, ipv4.fragment_offset) {
        (Protocol::TCP, 0) => {}
        (Protocol::UDP | Protocol::ICMP, 0) => return Some((start + SHORT_HEADER, None)),
        _ => return Some((start, None)),
    }
    let Some(&[a, b, c, d, .., words, _, _, _, _, _, _, _]) =
        bytes.get(start..)?.first_chunk::<TCP_HEADER>()
    else {
        return Some((bytes.len(), None));
    };
    let from = SocketAddrV4::new(ipv4.source, u16::from_be_bytes([a, b]));
    let to = SocketAddrV4::new(ipv4.destination, u16::from_be_bytes([c, d]));
    let (local, remote) = match slot.was_sent {
        false => (to, from),
        true => (from, to),
    };
    let len = usize::from(words >> 4) * 4;
    Some((start + len.max(TCP_HEADER), Some(Ends { local, remote })))
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(About::Dropped(reason)) => write!(f, "dropped: {reason}"),
            Self::Frame(About::SentAgain) => f.write_str("sent again"),
            Self::Own(what) => what.fmt(f),
            Self::Other(note) => write!(f, "{}: {}", note.remote, note.what),
        }
    }
}
