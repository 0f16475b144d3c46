//! One direction of a cable.

use alloc::collections::VecDeque;

use link::{Transmit, copy_received};
use packet::{Frame, Pool, RxChecksum, RxMeta};

/// The frames on their way to one end; the sender bounds their number.
#[derive(Debug)]
pub(crate) struct Lane {
    /// The receiver's.
    pool: Pool,
    frames: VecDeque<Frame>,
    /// How many of them the sender has rung the doorbell for.
    published: usize,
}

impl Lane {
    pub(crate) fn new(pool: Pool) -> Self {
        Self {
            pool,
            frames: VecDeque::new(),
            published: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Copies a frame in; `false` when the receiver has no buffer for it.
    pub(crate) fn push(&mut self, frame: &Transmit<'_>) -> bool {
        let meta = RxMeta {
            checksum: match frame.offload.checksum {
                Some(_) => RxChecksum::Blank,
                None => RxChecksum::Unknown,
            },
            gso_size: gso_size(frame),
        };
        let payload = frame.payload.iter().map(|chunk| &**chunk);
        let pieces = core::iter::once(frame.head).chain(payload);
        let Some(copied) = copy_received(&self.pool, pieces, meta) else {
            return false;
        };
        self.frames.push_back(copied);
        true
    }

    /// Lets the receiver see all that was pushed.
    pub(crate) fn publish(&mut self) {
        self.published = self.frames.len();
    }

    pub(crate) fn has_published(&self) -> bool {
        self.published > 0
    }

    pub(crate) fn pop(&mut self) -> Option<Frame> {
        self.published = self.published.checked_sub(1)?;
        self.frames.pop_front()
    }

    /// Loses all frames; tells how many.
    #[cold]
    pub(crate) fn clear(&mut self) -> usize {
        let count = self.frames.len();
        self.frames.clear();
        self.published = 0;
        count
    }
}

/// As a device says it: 0 unless there is more than one segment in the frame.
fn gso_size(frame: &Transmit<'_>) -> u16 {
    let is_cut = |size: &u16| frame.len() - frame.head.len() > usize::from(*size);
    frame.offload.gso_size.filter(is_cut).unwrap_or(0)
}
