//! Frames in both directions, and where a bit of one may be turned over.

use alloc::vec::Vec;

use packet::{Chunk, Frame, Part, Pool, Random};

use super::lane::Cargo;
use crate::super_frame::HEAD;
use crate::{Offload, Transmit};

const ETHERNET_HEADER: usize = 14;
const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];

/// A frame on its way out. Its payload is not copied until it is changed.
#[derive(Clone)]
pub(super) struct Outgoing {
    head: [u8; HEAD],
    head_len: usize,
    payload: Vec<Chunk>,
    pool: Pool,
}

impl Outgoing {
    /// `None` if the head is longer than any.
    pub(super) fn new(frame: &Transmit<'_>, pool: &Pool) -> Option<Self> {
        let mut head = [0; HEAD];
        head.get_mut(..frame.head.len())?
            .copy_from_slice(frame.head);
        Some(Self {
            head,
            head_len: frame.head.len(),
            payload: frame.payload.to_vec(),
            pool: pool.clone(),
        })
    }

    pub(super) fn transmit(&self) -> Transmit<'_> {
        Transmit {
            head: &self.head[..self.head_len],
            payload: &self.payload,
            offload: Offload::default(),
        }
    }

    /// Turns over a bit of the payload, in a copy of the chunk that it is in.
    fn corrupt_payload(&mut self, mut at: usize, mask: u8) -> Option<()> {
        let holds = |chunk: &&mut Chunk| match at.checked_sub(chunk.len()) {
            Some(beyond) => {
                at = beyond;
                false
            }
            None => true,
        };
        let chunk = self.payload.iter_mut().find(holds)?;
        let mut part = Part::copy_from(&self.pool, chunk)?;
        *part.bytes_mut()?.get_mut(at)? ^= mask;
        *chunk = part.into();
        Some(())
    }
}

impl Cargo for Outgoing {
    fn len(&self) -> usize {
        self.transmit().len()
    }

    fn corrupt(&mut self, random: &mut Random) -> bool {
        let head = &mut self.head[..self.head_len];
        let Some((at, mask)) = bit(head, random) else {
            return false;
        };
        match head.get_mut(at) {
            Some(byte) => {
                *byte ^= mask;
                true
            }
            None => self.corrupt_payload(at - self.head_len, mask).is_some(),
        }
    }
}

impl Cargo for Frame {
    fn len(&self) -> usize {
        self.len()
    }

    /// Only in the first part, which is all of a frame that fits a page; and not while somebody else
    /// holds its memory too.
    fn corrupt(&mut self, random: &mut Random) -> bool {
        let Some((at, mask)) = bit(self.head(), random) else {
            return false;
        };
        match self.head_mut().and_then(|head| head.get_mut(at)) {
            Some(byte) => {
                *byte ^= mask;
                true
            }
            None => false,
        }
    }
}

/// A bit of the IPv4 packet in a frame that starts like this; where it lies, from the start of the
/// frame. One bit always shows in a sum of 16-bit words: in that of the header, or in that of TCP,
/// UDP or ICMP.
fn bit(head: &[u8], random: &mut Random) -> Option<(usize, u8)> {
    let packet = head.get(ETHERNET_HEADER..)?;
    if head.get(ETHERNET_HEADER - 2..ETHERNET_HEADER)? != ETHERTYPE_IPV4 {
        return None;
    }
    let total_len = u16::from_be_bytes(packet.get(2..4)?.try_into().ok()?);
    let at = random.below(total_len.into()) as usize;
    let mask = 1 << random.below(8);
    Some((ETHERNET_HEADER + at, mask))
}
