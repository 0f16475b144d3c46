//! Checksums and segmentation in software, for a link that has neither.

use alloc::vec::Vec;

use packet::Instant;
use packet::checksum::Sum;

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
    waiting: Option<SuperFrame>,
    /// What the link was when that frame came.
    state: LinkState,
    /// The pieces of the segment at hand; kept for its memory.
    pieces: Vec<packet::Chunk>,
    malformed: u64,
}

impl<L: Link> SoftwareOffload<L> {
    /// Wraps `link`.
    #[must_use]
    pub fn new(link: L) -> Self {
        let caps = offered(link.caps());
        Self {
            link,
            caps,
            waiting: None,
            state: LinkState::Down,
            pieces: Vec::new(),
            malformed: 0,
        }
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
    fn resume(&mut self, now: Instant) -> Result<(), Full> {
        if self.link.state() != self.state {
            self.waiting = None;
        }
        let Some(waiting) = &mut self.waiting else {
            return Ok(());
        };
        let device_sums = self.link.caps().checksum_offload;
        while let Some(segment) = waiting.segment(device_sums, &mut self.pieces) {
            let offload = segment.offload;
            let frame = Transmit {
                head: segment.head(),
                payload: &self.pieces,
                offload,
            };
            let sent = self.link.transmit(now, frame);
            // The buffers are free when the device is done with them, not at our next frame.
            self.pieces.clear();
            sent?;
            waiting.advance(&segment);
        }
        self.waiting = None;
        Ok(())
    }

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

    fn transmit_summed(
        &mut self,
        now: Instant,
        frame: &Transmit<'_>,
        partial: PartialChecksum,
    ) -> Result<(), Full> {
        let mut head = [0; HEAD];
        let Some(head) = completed(frame, partial, &mut head) else {
            self.malformed += 1;
            return Ok(());
        };
        let payload = frame.payload;
        self.link.transmit(
            now,
            Transmit {
                head,
                payload,
                offload: Offload::default(),
            },
        )
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
        self.caps = offered(self.link.caps());
        // Finished transmissions made room, and a stack that has nothing more to send may not call.
        if self.waiting.is_some() {
            self.flush(now)?;
        }
        result
    }

    fn transmit(&mut self, now: Instant, frame: Transmit<'_>) -> Result<(), Full> {
        if self.waiting.is_some() {
            self.resume(now)?;
        }
        let caps = self.link.caps();
        let Offload { checksum, gso_size } = frame.offload;
        // As the kernel does: what fits in one segment is no super-frame.
        let payload = frame.len() - frame.head.len();
        let gso_size = gso_size.filter(|size| payload > usize::from(*size));
        let sums = caps.checksum_offload;
        match (gso_size, checksum) {
            (Some(size), _) if caps.max_super_frame.is_none() => {
                self.transmit_segments(now, &frame, size)
            }
            (None, Some(partial)) if !sums => self.transmit_summed(now, &frame, partial),
            _ => self.link.transmit(
                now,
                Transmit {
                    offload: Offload { checksum, gso_size },
                    ..frame
                },
            ),
        }
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

/// The head with its checksum completed over itself and the payload, in `room`.
fn completed<'a>(
    frame: &Transmit<'_>,
    partial: PartialChecksum,
    room: &'a mut [u8; HEAD],
) -> Option<&'a [u8]> {
    let head = room.get_mut(..frame.head.len())?;
    head.copy_from_slice(frame.head);
    let covered = head.get_mut(usize::from(partial.start)..)?;
    let sum = (Sum::of(covered) + sum_of(frame.payload).at(covered.len())).finish();
    let field = covered
        .get_mut(usize::from(partial.offset)..)?
        .get_mut(..2)?;
    // Zero says "no checksum" in UDP (RFC 768); elsewhere both zeros mean the same.
    field.copy_from_slice(&if sum == 0 { 0xffff } else { sum }.to_be_bytes());
    Some(head)
}

#[cfg(test)]
mod tests;
