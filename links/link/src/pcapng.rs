//! Blocks of a capture file (draft-ietf-opsawg-pcapng), as bytes. They stand here because both sides of
//! it, the crate for capture files and a stack that remembers its last frames, know only this crate.

use alloc::vec::Vec;
use core::time::Duration;

use crate::Direction;

/// A frame to be written down.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// When it passed, since 1970-01-01 UTC.
    pub time: Duration,
    /// Which way.
    pub direction: Direction,
    /// Its bytes, as many as were kept.
    pub bytes: &'a [u8],
    /// How many it had.
    pub wire_len: usize,
    /// What is to be said of it; nothing where empty.
    pub comment: &'a str,
}

/// Section header of version 1.0 and unknown length, in little-endian order.
const SECTION: [u32; 7] = [0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28];

/// A block with a packet.
const PACKET: u32 = 6;
/// The length of one without bytes and options: the block's header and trailer, the packet's header.
const PACKET_LEN: usize = 12 + 20;

/// Options: what somebody has to say, and the direction (4 bytes).
const COMMENT: u32 = 1;
const FLAGS: u32 = 4 << 16 | 2;
/// With the option that ends the options.
const FLAGS_LEN: usize = 8 + 4;

/// Begins a section with one interface: Ethernet, cut at `snaplen` bytes (0: not at all), and (option 9)
/// nanoseconds.
pub fn begin(file: &mut Vec<u8>, snaplen: u32) {
    words(file, &SECTION);
    words(file, &[1, 32, 1, snaplen, 1 << 16 | 9, 9, 0, 32]);
}

/// Adds a frame. `None`: its time or a length is more than the format can say, and nothing was added.
pub fn add(file: &mut Vec<u8>, packet: &Packet<'_>) -> Option<()> {
    let Packet { bytes, comment, .. } = *packet;
    let comment_len = match comment.len() {
        0 => 0,
        len => 4 + len.next_multiple_of(4),
    };
    let len = bytes.len().next_multiple_of(4) + comment_len + PACKET_LEN + FLAGS_LEN;
    let block = u32::try_from(len).ok()?;
    let captured = u32::try_from(bytes.len()).ok()?;
    let wire_len = u32::try_from(packet.wire_len).ok()?;
    let comment_option = u32::from(u16::try_from(comment.len()).ok()?) << 16 | COMMENT;
    let nanos = u64::try_from(packet.time.as_nanos()).ok()?;
    let (high, low) = ((nanos >> 32) as u32, nanos as u32);
    words(file, &[PACKET, block, 0, high, low, captured, wire_len]);
    padded(file, bytes);
    if !comment.is_empty() {
        words(file, &[comment_option]);
        padded(file, comment.as_bytes());
    }
    let flags = match packet.direction {
        Direction::In => 1,
        Direction::Out => 2,
    };
    words(file, &[FLAGS, flags, 0, block]);
    Some(())
}

fn words(file: &mut Vec<u8>, words: &[u32]) {
    file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

/// Blocks and options go on at multiples of four.
fn padded(file: &mut Vec<u8>, bytes: &[u8]) {
    file.extend_from_slice(bytes);
    file.resize(file.len().next_multiple_of(4), 0);
}
