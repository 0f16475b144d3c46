//! Frames received together.

use alloc::vec::Vec;

use packet::Frame;

/// The most frames of a burst.
pub const BURST_FRAMES: usize = 64;

/// The bytes after which a burst takes no more: they should still be in the cache when the
/// application reads them.
pub const BURST_BYTES: usize = 256 * 1024;

/// Frames received together. Full at [`BURST_FRAMES`] or [`BURST_BYTES`], whichever comes first.
#[derive(Debug)]
pub struct Burst {
    frames: Vec<Frame>,
    bytes: usize,
}

impl Burst {
    /// An empty burst; the only allocation it ever makes.
    #[must_use]
    pub fn new() -> Self {
        Self {
            frames: Vec::with_capacity(BURST_FRAMES),
            bytes: 0,
        }
    }

    /// Whether a link must stop.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.frames.len() >= BURST_FRAMES || self.bytes >= BURST_BYTES
    }

    /// Adds a frame. A link asks [`Burst::is_full`] first.
    pub fn push(&mut self, frame: Frame) {
        self.bytes += frame.len();
        self.frames.push(frame);
    }

    /// Whether nothing was received.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// How many frames were received.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// The frames in order of arrival.
    #[must_use]
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Takes all frames out, in order; the burst is empty again.
    pub fn drain(&mut self) -> impl Iterator<Item = Frame> {
        self.bytes = 0;
        self.frames.drain(..)
    }
}

impl Default for Burst {
    fn default() -> Self {
        Self::new()
    }
}
