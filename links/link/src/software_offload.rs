//! Checksums and segmentation in software, for a link that has neither.

use alloc::vec::Vec;

use packet::checksum::Sum;
use packet::{Chunk, Instant};

use crate::super_frame::{HEAD, SuperFrame, sum_of};
use crate::{Burst, Caps, Full, Link, LinkError, LinkState, Offload, PartialChecksum, Transmit};

/// The largest super-frame: an Ethernet header and the largest IPv4 packet.
const MAX_SUPER_FRAME: usize = 14 + 65_535;

/// Lets any link serve a stack that always emits offloaded super-frames. What the link can do itself
/// passes through; the rest is done here: partial checksums are completed, and super-frames of TCP
/// over IPv4 are cut into segments. Payload is sliced, never copied.
///
/// When the link has no room for all segments of a super-frame, the rest of it waits here, one at
/// most, and everything after it is [`Full`]. So no super-frame is ever lost in half, and nothing
/// overtakes it; but what waits when the link goes down, or is attached anew, is lost with the rest.
#[derive(Debug)]
pub struct SoftwareOffload<L> {
    link: L,
    caps: Caps,
    /// What the link was when `caps` and the two that follow were found.
    offered_for: LinkState,
    /// Checksums are completed here, super-frames cut here.
    sums: bool,
    cuts: bool,
    waiting: Option<SuperFrame>,
    /// What the link was when that frame came.
    state: LinkState,
    /// The pieces of the segment at hand; kept for its memory.
    pieces: Vec<Chunk>,
    malformed: u64,
}

impl<L: Link> SoftwareOffload<L> {
    /// Wraps `link`.
    #[must_use]
    pub fn new(link: L) -> Self {
        let state = link.state();
        let mut offload = Self {
            caps: *link.caps(),
            offered_for: state,
            sums: false,
            cuts: false,
            link,
            waiting: None,
            state: LinkState::Down,
            pieces: Vec::new(),
            malformed: 0,
        };
        offload.look(state);
        offload
    }

    /// Looks at what the link can do in `state`.
    #[cold]
    fn look(&mut self, state: LinkState) {
        let caps = self.link.caps();
        self.offered_for = state;
        self.sums = !caps.checksum_offload;
        self.cuts = caps.max_super_frame.is_none();
        self.caps = offered(caps);
    }

    /// The link inside.
    #[must_use]
    pub fn inner(&self) -> &L {
        &self.link
    }

    /// The link inside, for changing what is not a link's (a fault's rate).
    pub fn inner_mut(&mut self) -> &mut L {
        &mut self.link
    }

    /// Frames dropped because their headers were not what their offload said: a bug of the stack.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.malformed
    }

    /// Sends what waits, as far as there is room.
    #[inline(never)]
    fn resume(&mut self, now: Instant) -> Result<(), Full> {
        if self.link.state() != self.state {
            self.waiting = None;
        }
        let Some(waiting) = &mut self.waiting else {
            return Ok(());
        };
        let device_sums = self.link.caps().checksum_offload;
        while let Some(offload) = waiting.segment(device_sums, &mut self.pieces) {
            let frame = Transmit {
                head: waiting.head(),
                payload: &self.pieces,
                offload,
            };
            let sent = self.link.transmit(now, frame);
            // The buffers are free when the device is done with them, not at our next frame.
            self.pieces.clear();
            sent?;
            waiting.advance();
        }
        self.waiting = None;
        Ok(())
    }

    #[inline(never)]
    fn transmit_segments(
        &mut self,
        now: Instant,
        frame: &Transmit<'_>,
        gso_size: u16,
    ) -> Result<(), Full> {
        let Some(super_frame) = SuperFrame::new(frame, gso_size) else {
            self.malformed += 1;
            return Ok(());
        };
        self.waiting = Some(super_frame);
        self.state = self.link.state();
        // What finds no room now is ours: the caller sees Full at its next frame.
        let _ = self.resume(now);
        Ok(())
    }

    /// As [`Link::transmit`] for a stack that made `head` for this frame alone: a checksum is completed
    /// where it stands.
    ///
    /// # Errors
    /// [`Full`] when there is no room now.
    pub fn send(
        &mut self,
        now: Instant,
        head: &mut [u8],
        payload: &[Chunk],
        mut offload: Offload,
    ) -> Result<(), Full> {
        if self.waiting.is_some() {
            self.resume(now)?;
        }
        let len = payload.iter().map(|chunk| chunk.len()).sum::<usize>();
        // As the kernel does: what fits in one segment is no super-frame.
        offload.gso_size = offload.gso_size.filter(|size| len > usize::from(*size));
        match offload {
            Offload {
                gso_size: Some(size),
                ..
            } if self.cuts => {
                let frame = Transmit {
                    head,
                    payload,
                    offload,
                };
                return self.transmit_segments(now, &frame, size);
            }
            Offload {
                gso_size: None,
                checksum: Some(partial),
            } if self.sums => {
                if complete(head, payload, partial).is_none() {
                    self.malformed += 1;
                    return Ok(());
                }
                offload.checksum = None;
            }
            _ => {}
        }
        let frame = Transmit {
            head,
            payload,
            offload,
        };
        self.link.transmit(now, frame)
    }
}

impl<L: Link> Link for SoftwareOffload<L> {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn state(&self) -> LinkState {
        self.link.state()
    }

    fn receive(&mut self, now: Instant, burst: &mut Burst) -> Result<(), LinkError> {
        let result = self.link.receive(now, burst);
        // A new epoch of the link may have brought other abilities.
        let state = self.link.state();
        if self.offered_for != state {
            self.look(state);
        }
        // Finished transmissions made room, and a stack that has nothing more to send may not call.
        if self.waiting.is_some() {
            self.flush(now)?;
        }
        result
    }

    fn transmit(&mut self, now: Instant, frame: Transmit<'_>) -> Result<(), Full> {
        // The caller's head is not ours to change.
        let mut head = [0; HEAD];
        let Some(head) = head.get_mut(..frame.head.len()) else {
            self.malformed += 1;
            return Ok(());
        };
        head.copy_from_slice(frame.head);
        self.send(now, head, frame.payload, frame.offload)
    }

    fn flush(&mut self, now: Instant) -> Result<(), LinkError> {
        if self.waiting.is_some() {
            // Full is no failure: the rest goes with the next call.
            let _ = self.resume(now);
        }
        self.link.flush(now)
    }

    fn next_event(&self) -> Option<Instant> {
        self.link.next_event()
    }

    fn arm(&mut self) -> bool {
        self.link.arm()
    }
}

fn offered(caps: &Caps) -> Caps {
    Caps {
        checksum_offload: true,
        max_super_frame: caps.max_super_frame.or(Some(MAX_SUPER_FRAME)),
        ..*caps
    }
}

/// Completes a checksum over the head and the payload; `None` if the head has no place for it.
fn complete(head: &mut [u8], payload: &[Chunk], partial: PartialChecksum) -> Option<()> {
    let covered = head.get_mut(usize::from(partial.start)..)?;
    let sum = (Sum::of(covered) + sum_of(payload).at(covered.len())).finish();
    let field = covered
        .get_mut(usize::from(partial.offset)..)?
        .first_chunk_mut()?;
    // Zero says "no checksum" in UDP (RFC 768); elsewhere both zeros mean the same.
    *field = if sum == 0 { 0xffff } else { sum }.to_be_bytes();
    Some(())
}

#[cfg(test)]
mod tests;
