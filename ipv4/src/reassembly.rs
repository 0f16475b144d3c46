//! Fragments put together (RFC 791, 3.2; RFC 815).
//!
//! Each packet under way has one buffer in which its fragments are copied to their places, so it
//! costs the same memory whatever an attacker cuts it into. What overlaps and differs throws the
//! packet away, as RFC 5722 asks of IPv6: no honest sender does that, and whoever reads the bytes
//! before us might see others.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use packet::{Buf, Class, Duration, Frame, Instant, Part, Pool, RxMeta};

use crate::header::{HEADER_LEN, Header, Protocol};

/// How long the first fragment that arrived waits for the others (RFC 1122, 3.3.2: 60 to 120 s).
const TIMEOUT: Duration = Duration::from_secs(60);

/// The most pieces between gaps. A packet of the largest size in fragments for the smallest usual
/// network (576 bytes) has 119 of them, so half as many gaps; who needs more is not honest.
const RANGES_LIMIT: usize = 64;

/// The most bytes behind a header.
const MAX_LEN: usize = 65535 - HEADER_LEN;

/// How much of a packet is kept to be quoted when the rest does not come.
const FIRST_LEN: usize = 128;

/// The packets of which fragments have arrived.
#[derive(Debug)]
pub struct Reassembly {
    pool: Pool,
    partials: Vec<Partial>,
    limit: usize,
}

/// A packet that was put together.
#[derive(Clone, Debug)]
pub struct Whole {
    /// Its header: that of the fragment that arrived last, without offset and options.
    pub header: Header,
    /// The packet, beginning with that header. Nobody has verified a checksum of its payload.
    pub packet: Frame,
}

/// A packet of which not all fragments came in time.
#[derive(Clone, Debug)]
pub struct Expired {
    /// The header of its first fragment.
    pub header: Header,
    /// The bytes of that, from its IP header on: to be quoted to the sender.
    pub bytes: heapless::Vec<u8, FIRST_LEN>,
}

/// Why a fragment is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Not the last, and its length is no multiple of 8; or it reaches beyond the longest packet.
    Length,
    /// The first of a TCP segment that cuts the header, so that filters do not see it (RFC 1858).
    Tiny,
    /// It overlaps with, or contradicts, what arrived before: the packet is given up.
    Overlap,
    /// The packet is in more pieces than we keep apart, and is given up.
    TooManyPieces,
    /// No buffer for it.
    NoBuffer,
}

/// What names a packet (RFC 791, 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: Protocol,
    identification: u16,
}

#[derive(Debug)]
struct Partial {
    key: Key,
    expires: Instant,
    /// Where the packet is put together, room for a header in front; `None` once the packet is given up. It is remembered so
    /// that the rest of its fragments does not start a new one.
    buf: Option<Buf>,
    /// What is there, in order, with gaps between.
    ranges: heapless::Vec<(u16, u16), RANGES_LIMIT>,
    /// Where the payload ends, once the last fragment has told.
    end: Option<u16>,
    first: Option<Expired>,
}

impl Reassembly {
    /// Room for `limit` packets, each with a bay of the pool. One more drops the oldest.
    #[must_use]
    pub fn new(pool: Pool, limit: usize) -> Self {
        Self {
            pool,
            partials: Vec::new(),
            limit: limit.max(1),
        }
    }

    /// Takes in a fragment: `packet` begins with its IP header, which is `header`, and ends with
    /// its last byte. Gives the whole packet if this was all that was missing.
    ///
    /// # Errors
    /// As [`Refused`] says.
    pub fn receive(
        &mut self,
        now: Instant,
        header: &Header,
        packet: &Frame,
    ) -> Result<Option<Whole>, Refused> {
        check(header)?;
        let place = self.place(now, header)?;
        let partial = &mut self.partials[place];
        if let Err(reason) = partial.insert(header, packet) {
            partial.give_up();
            return Err(reason);
        }
        let Some(end) = partial.complete() else {
            return Ok(None);
        };
        Ok(self.partials.swap_remove(place).finish(header, end))
    }

    /// Whether no packet is in pieces.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.partials.is_empty()
    }

    /// When [`Reassembly::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.partials.iter().map(|partial| partial.expires).min()
    }

    /// Drops one packet whose time is over, if there is one; gives its first fragment, if that
    /// arrived and the packet was not given up before.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Option<Expired>> {
        let expired = |partial: &Partial| partial.expires <= now;
        let place = self.partials.iter().position(expired)?;
        let partial = self.partials.swap_remove(place);
        Some(partial.first.filter(|_| partial.buf.is_some()))
    }

    /// The packet that a fragment belongs to, a new one if need be.
    fn place(&mut self, now: Instant, header: &Header) -> Result<usize, Refused> {
        let key = Key {
            source: header.source,
            destination: header.destination,
            protocol: header.protocol,
            identification: header.identification,
        };
        if let Some(place) = self.partials.iter().position(|known| known.key == key) {
            return Ok(place);
        }
        if self.partials.len() >= self.limit {
            let places = 0..self.partials.len();
            if let Some(oldest) = places.min_by_key(|at| self.partials[*at].expires) {
                self.partials.swap_remove(oldest);
            }
        }
        // Bays are what links receive with: they come first.
        if self.pool.is_low(Class::Bay) {
            return Err(Refused::NoBuffer);
        }
        self.partials.push(Partial {
            key,
            expires: now + TIMEOUT,
            buf: Some(self.pool.take(Class::Bay).ok_or(Refused::NoBuffer)?),
            ranges: heapless::Vec::new(),
            end: None,
            first: None,
        });
        Ok(self.partials.len() - 1)
    }
}

/// What is wrong with a fragment whatever arrived before.
fn check(header: &Header) -> Result<(), Refused> {
    /// The bytes of a TCP header without options.
    const TCP_HEADER_LEN: usize = 20;
    let (start, len) = (usize::from(header.fragment_offset), header.payload_len());
    let uneven = header.more_fragments && !len.is_multiple_of(8);
    if uneven || len == 0 || start + len > MAX_LEN {
        return Err(Refused::Length);
    }
    let cuts_header = (start == 0 && len < TCP_HEADER_LEN) || start == 8;
    if header.protocol == Protocol::TCP && cuts_header {
        return Err(Refused::Tiny);
    }
    Ok(())
}

impl Partial {
    fn give_up(&mut self) {
        self.buf = None;
        self.ranges.clear();
    }

    /// Puts a fragment to its place.
    fn insert(&mut self, header: &Header, packet: &Frame) -> Result<(), Refused> {
        let buf = self.buf.as_mut().ok_or(Refused::Overlap)?;
        let bytes = buf.bytes_mut().ok_or(Refused::NoBuffer)?;
        let start = header.fragment_offset;
        let end = start + header.payload_len() as u16; // `check` has bounded the sum.
        if self
            .end
            .is_some_and(|known| end > known || !header.more_fragments && end != known)
        {
            return Err(Refused::Overlap);
        }
        if !header.more_fragments {
            if self.ranges.last().is_some_and(|last| last.1 > end) {
                return Err(Refused::Overlap);
            }
            self.end = Some(end);
        }
        if start == 0 && self.first.is_none() {
            self.first = Some(Expired {
                header: *header,
                bytes: packet.head().iter().copied().take(FIRST_LEN).collect(),
            });
        }
        let mut payload = packet.clone();
        payload.advance(header.header_len.into());
        let target = bytes
            .get_mut(HEADER_LEN..)
            .and_then(|payload| payload.get_mut(usize::from(start)..usize::from(end)))
            .ok_or(Refused::Length)?;
        let inside = |range: &(u16, u16)| range.0 <= start && end <= range.1;
        if self.ranges.iter().any(inside) {
            // The network doubles packets; that alone harms nobody.
            return same(&payload, target).then_some(()).ok_or(Refused::Overlap);
        }
        add(&mut self.ranges, start, end)?;
        copy(&payload, target);
        Ok(())
    }

    /// Where the payload ends, if nothing is missing.
    fn complete(&self) -> Option<u16> {
        let end = self.end?;
        (*self.ranges == [(0, end)]).then_some(end)
    }

    /// The packet, of which `end` bytes of payload are there.
    fn finish(self, header: &Header, end: u16) -> Option<Whole> {
        let mut buf = self.buf?;
        let header = Header {
            fragment_offset: 0,
            more_fragments: false,
            header_len: HEADER_LEN as u8,
            total_len: end + HEADER_LEN as u16, // `check` has bounded the sum.
            ..*header
        };
        buf.bytes_mut()?
            .first_chunk_mut()?
            .clone_from(&crate::write(&header));
        let part = Part::new(buf, 0..header.total_len.into());
        let packet = Frame::new(part, RxMeta::default());
        Some(Whole { header, packet })
    }
}

/// Adds `start..end` to ranges in order, joining it with its neighbours.
fn add(
    ranges: &mut heapless::Vec<(u16, u16), RANGES_LIMIT>,
    mut start: u16,
    mut end: u16,
) -> Result<(), Refused> {
    let place = ranges.iter().take_while(|range| range.1 < start).count();
    let touching = |range: &(u16, u16)| range.0 <= end;
    let joined = ranges[place..]
        .iter()
        .take_while(|range| touching(range))
        .count();
    for range in &ranges[place..place + joined] {
        if range.1 != start && range.0 != end {
            return Err(Refused::Overlap);
        }
    }
    if joined == 0 {
        return ranges
            .insert(place, (start, end))
            .map_err(|_| Refused::TooManyPieces);
    }
    start = start.min(ranges[place].0);
    end = end.max(ranges[place + joined - 1].1);
    ranges[place] = (start, end);
    if joined == 2 {
        ranges.remove(place + 1);
    }
    Ok(())
}

/// Copies all of `payload` to `target`, which is as long.
fn copy(payload: &Frame, mut target: &mut [u8]) {
    for part in payload.parts() {
        let len = part.len().min(target.len());
        let (here, rest) = target.split_at_mut(len);
        here.copy_from_slice(&part[..len]);
        target = rest;
    }
}

/// Whether `payload` is the same bytes as `target`, which is as long.
fn same(payload: &Frame, target: &[u8]) -> bool {
    payload.parts().flat_map(|part| part.iter()).eq(target)
}

#[cfg(test)]
mod tests;
