//! Records as the frames that a receiver would have seen.
//!
//! A capture is often taken at the sender, before its network card has completed checksums and cut
//! super-frames, and often keeps only the start of each frame. Both are made up for here, and
//! counted, so that whoever uses the frames can say so.

use core::time::Duration;
use std::io::Read;

use ::link::Ipv4Layout;
use packet::checksum::{Sum, pseudo_header};

use crate::{Error, LinkType, Reader, Record};

/// The addresses of the Ethernet header that a frame gets whose capture has none: to, and from.
const MADE_UP: [u8; 12] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];

/// The longest packet of plain Ethernet.
const ETHERNET_MTU: usize = 1500;

/// What a capture has that no receiver would have seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anomalies {
    /// Frames of which the capture kept only the start: the packet ends there now.
    pub cut: u64,
    /// Checksums that the sender left to its network card: completed.
    pub partial_checksums: u64,
    /// Packets longer than 1,500 bytes: super-frames of a sender, or large frames.
    pub super_frames: u64,
    /// Packets whose length was left to the network card: filled in.
    pub no_length: u64,
    /// Records that carry nothing that is read here.
    pub other_links: u64,
}

/// A frame of a capture.
#[derive(Debug)]
pub struct Recorded<'a> {
    /// When, since 1970-01-01 UTC.
    pub time: Duration,
    /// The frame, with an Ethernet header.
    pub frame: &'a [u8],
}

/// Makes frames of records.
pub struct Frames<R> {
    reader: Reader<R>,
    /// The frame at hand; kept for its memory.
    frame: Vec<u8>,
    anomalies: Anomalies,
}

impl<R: Read> Frames<R> {
    /// The frames of `reader`.
    #[must_use]
    pub fn new(reader: Reader<R>) -> Self {
        Self {
            reader,
            frame: Vec::new(),
            anomalies: Anomalies::default(),
        }
    }

    /// What had to be made up for until now.
    #[must_use]
    pub fn anomalies(&self) -> Anomalies {
        self.anomalies
    }

    /// The next frame; `None` at the end.
    ///
    /// # Errors
    /// Where the file goes wrong; after that there is no more.
    pub fn next_frame(&mut self) -> Result<Option<Recorded<'_>>, Error> {
        loop {
            let Some(record) = self.reader.next_record()? else {
                return Ok(None);
            };
            if !wrap(&record, &mut self.frame) {
                self.anomalies.other_links += 1;
                continue;
            }
            let (time, missing) = (
                record.time,
                record.wire_len.saturating_sub(record.bytes.len()),
            );
            self.anomalies.make_up_for(&mut self.frame, missing);
            let frame = &self.frame;
            return Ok(Some(Recorded { time, frame }));
        }
    }
}

/// Makes a frame of a record; `false` if it has no payload that we know of.
fn wrap(record: &Record<'_>, frame: &mut Vec<u8>) -> bool {
    frame.clear();
    let Some((ether_type, at)) = record.link_type.payload(record.bytes) else {
        return false;
    };
    if record.link_type == LinkType::Ethernet {
        frame.extend_from_slice(record.bytes);
        return true;
    }
    frame.extend_from_slice(&MADE_UP);
    frame.extend_from_slice(&ether_type.to_be_bytes());
    frame.extend_from_slice(record.bytes.get(at..).unwrap_or_default());
    true
}

impl Anomalies {
    /// Whether the capture was as a receiver sees it.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Makes `frame`, of which `missing` bytes were not captured, what a receiver would have seen,
    /// as far as it is known. What was damaged stays so.
    fn make_up_for(&mut self, frame: &mut [u8], missing: usize) {
        let Some(ip) = Ipv4Layout::start(frame) else {
            return;
        };
        let Some(is_cut) = self.mend_header(frame, ip, missing) else {
            return;
        };
        let Some(layout) = Ipv4Layout::parse(frame) else {
            return;
        };
        if layout.end - ip > ETHERNET_MTU {
            self.super_frames += 1;
        }
        if is_cut {
            layout.complete(frame);
        } else if layout.is_intact(frame) == Some(false) && is_partial(frame, &layout) {
            self.partial_checksums += 1;
            layout.complete(frame);
        }
    }

    /// Mends length and checksum of the IP header at `ip`; tells whether the packet was cut. `None`
    /// if the header is not whole or damaged.
    fn mend_header(&mut self, frame: &mut [u8], ip: usize, missing: usize) -> Option<bool> {
        let room = frame.len().checked_sub(ip)?;
        let header_len = usize::from(frame.get(ip)? & 0x0f) * 4;
        let header = frame.get_mut(ip..)?.get_mut(..header_len.max(20))?;
        let blank = header[10..12] == [0; 2];
        if !blank && !Sum::of(header).is_valid() {
            return None;
        }
        let claimed = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let mut total_len = claimed;
        if claimed == 0 {
            self.no_length += 1;
            total_len = room + missing;
        }
        let is_cut = missing > 0 && total_len > room;
        if is_cut {
            self.cut += 1;
            total_len = room;
        }
        if blank && claimed != 0 && !is_cut && Sum::of(header).is_valid() {
            return Some(false);
        }
        if blank {
            self.partial_checksums += 1;
        }
        if blank || total_len != claimed {
            let total_len = u16::try_from(total_len).unwrap_or(u16::MAX);
            header[2..4].copy_from_slice(&total_len.to_be_bytes());
            header[10..12].copy_from_slice(&[0; 2]);
            let sum = Sum::of(header).finish();
            header[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        Some(is_cut)
    }
}

/// Whether a checksum that is not right was left to the network card: zero, or the sum of the
/// pseudo-header, with the packet's length in it or (for cards that fill it in) without.
fn is_partial(frame: &[u8], layout: &Ipv4Layout) -> bool {
    let Some(field) = layout.checksum().and_then(|at| frame.get(at)) else {
        return false;
    };
    let field = u16::from_be_bytes([field[0], field[1]]);
    let len = layout.end - layout.transport;
    // A sum without the length is the sum with it, less the length.
    let with = layout.pseudo_header(frame);
    let zero = core::net::Ipv4Addr::UNSPECIFIED;
    let without = with + Sum::word(!pseudo_header(zero, zero, 0, len).fold());
    field == 0 || field == with.fold() || field == without.fold()
}

#[cfg(test)]
mod tests;
