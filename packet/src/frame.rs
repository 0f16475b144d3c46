//! What a link received.

use alloc::boxed::Box;

use crate::Part;
use crate::checksum::Sum;

/// The most parts a frame has beside its first: 64 KiB of payload in 4 KiB pages that need not
/// start at a page's start.
pub const MAX_SPILL: usize = 17;

/// Whether the transport checksum of a received frame is to be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RxChecksum {
    /// Nobody looked: it must be verified.
    #[default]
    Unknown,
    /// The device verified it.
    Valid,
    /// The sender left it to us: only the pseudo-header's sum is in the field. The bytes never
    /// crossed a wire, so they are accepted unverified; the field is completed before the frame
    /// goes to a capture or on to somebody else.
    Blank,
}

/// What a link knows of a frame beside its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RxMeta {
    /// Whether the transport checksum was verified.
    pub checksum: RxChecksum,
    /// For a super-frame, the payload bytes of each segment in it; 0 for an ordinary frame.
    pub gso_size: u16,
}

/// A received frame or, once headers are cut off its front, what is left of one.
///
/// All headers lie in the head; only payload may go on in the spill.
#[derive(Clone, Debug)]
pub struct Frame {
    head: Part,
    spill: Option<Box<heapless::Vec<Part, MAX_SPILL>>>,
    /// What the link knows of it.
    pub meta: RxMeta,
}

impl Frame {
    /// A frame in one part.
    #[must_use]
    pub fn new(head: Part, meta: RxMeta) -> Self {
        Self {
            head,
            spill: None,
            meta,
        }
    }

    /// Adds payload behind what is there; gives the part back when the frame is full.
    pub fn push(&mut self, part: Part) -> Result<(), Part> {
        self.spill.get_or_insert_default().push(part)
    }

    /// The bytes of the first part, where all headers are.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The bytes of the first part for writing, while nobody else holds them.
    #[must_use]
    pub fn head_mut(&mut self) -> Option<&mut [u8]> {
        self.head.bytes_mut()
    }

    /// The bytes in all parts.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.spill {
            None => self.head.len(),
            Some(spill) => self.head.len() + spill.iter().map(Part::len).sum::<usize>(),
        }
    }

    /// Whether no bytes are left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The parts in order.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        core::iter::once(&self.head).chain(self.spill.iter().flat_map(|spill| spill.iter()))
    }

    /// Takes the parts out, in order.
    pub fn into_parts(self) -> impl Iterator<Item = Part> {
        core::iter::once(self.head).chain(self.spill.into_iter().flat_map(|spill| *spill))
    }

    /// The only part, where there is just one, as in nearly every frame.
    pub fn into_part(self) -> Result<Part, Self> {
        match self.spill {
            None => Ok(self.head),
            Some(_) => Err(self),
        }
    }

    /// Drops the first `count` bytes: a header that was read, payload that was there already.
    pub fn advance(&mut self, mut count: usize) {
        let here = count.min(self.head.len());
        self.head.advance(here);
        let Some(spill) = &mut self.spill else { return };
        count -= here;
        while count > 0 && !spill.is_empty() {
            let here = count.min(spill[0].len());
            spill[0].advance(here);
            count -= here;
            if spill[0].is_empty() {
                spill.remove(0);
            }
        }
    }

    /// Keeps the first `len` bytes: cuts padding, or what lies outside a window.
    pub fn truncate(&mut self, mut len: usize) {
        self.head.truncate(len);
        len -= self.head.len();
        let Some(spill) = &mut self.spill else { return };
        for part in spill.iter_mut() {
            part.truncate(len);
            len -= part.len();
        }
        spill.retain(|part| !part.is_empty());
        if spill.is_empty() {
            self.spill = None;
        }
    }

    /// The one's complement sum of `len` bytes from `start` on; `None` if there are fewer.
    #[must_use]
    pub fn sum(&self, start: usize, len: usize) -> Option<Sum> {
        if self.spill.is_none() {
            return Some(Sum::of(self.head.get(start..)?.get(..len)?));
        }
        self.sum_of_parts(start, len)
    }

    #[inline(never)]
    fn sum_of_parts(&self, mut start: usize, len: usize) -> Option<Sum> {
        let (mut sum, mut left) = (Sum::default(), len);
        for part in self.parts() {
            let here = part.get(start..).unwrap_or_default();
            let here = here.get(..left).unwrap_or(here);
            // What precedes it was in the parts before.
            sum = sum + Sum::of(here).at(len - left);
            start = start.saturating_sub(part.len());
            left -= here.len();
        }
        (left == 0).then_some(sum)
    }

    /// The pool's memory that this frame keeps from others.
    #[must_use]
    pub fn memory_held(&self) -> usize {
        self.parts().map(Part::memory_held).sum()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::{Limits, Pool};

    fn frame(parts: &[&[u8]]) -> Frame {
        let pool = Pool::new(Limits {
            cells: 16,
            pages: 8,
            bays: 0,
        });
        let mut parts = parts
            .iter()
            .map(|bytes| Part::copy_from(&pool, bytes).unwrap());
        let mut frame = Frame::new(parts.next().unwrap(), RxMeta::default());
        parts.for_each(|part| frame.push(part).unwrap());
        frame
    }

    fn bytes(frame: &Frame) -> Vec<u8> {
        frame.parts().flat_map(|part| part.to_vec()).collect()
    }

    #[test]
    fn advance_and_truncate_cross_parts() {
        for front in 0..=9 {
            for keep in 0..=9 {
                let mut frame = frame(&[b"abc", b"def", b"ghi"]);
                frame.advance(front);
                frame.truncate(keep);
                let expected: Vec<u8> = b"abcdefghi"[front..].iter().copied().take(keep).collect();
                assert_eq!(bytes(&frame), expected, "{front} {keep}");
                assert_eq!(frame.len(), expected.len());
            }
        }
    }

    #[test]
    fn a_sum_is_that_of_the_range_in_whichever_parts_it_lies() {
        let bytes = b"abcdefghi";
        for parts in [&[&bytes[..]][..], &[b"abc", b"de", b"fghi"]] {
            let frame = frame(parts);
            for start in 0..=9 {
                for len in 0..=10 {
                    let expected = bytes
                        .get(start..start + len)
                        .map(|range| Sum::of(range).fold());
                    let sum = frame.sum(start, len).map(Sum::fold);
                    assert_eq!(sum, expected, "{len} bytes from {start} on");
                }
            }
        }
    }

    #[test]
    fn a_frame_is_small() {
        assert!(size_of::<Frame>() <= 48, "{}", size_of::<Frame>());
        assert_eq!(size_of::<Part>(), 16);
        assert!(size_of::<crate::Chunk>() <= 24);
    }
}
