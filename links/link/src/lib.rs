//! The boundary between a stack and a device.
//!
//! A [`Link`] moves Ethernet frames: bursts of [`Frame`](packet::Frame)s in, gathered
//! [`Transmit`]s out with one [`Link::flush`] for all of them. What a device can do beyond that
//! (checksums, segmentation) is said in its [`Caps`]; a stack always emits offloaded super-frames,
//! and a link that cannot take them is wrapped at start in a decorator that does it in software.
//!
//! Waiting is not a link's job: a place asks [`Link::next_event`] and [`Link::arm`], then waits for
//! everything it has.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod boxed;
mod burst;
mod caps;
mod capture;
mod faults;
mod layout;
pub mod pcapng;
mod received;
mod software_offload;
mod super_frame;

pub use burst::{BURST_BYTES, BURST_FRAMES, Burst};
pub use caps::{Caps, LinkState};
pub use capture::{Capture, Direction, Sink};
pub use faults::{
    BadProfile, Chance, FaultControl, Faults, Profile, Profiles, QUEUE, Stats as FaultStats,
};
pub use layout::Ipv4Layout;
pub use received::copy_received;
pub use software_offload::SoftwareOffload;

use packet::{Chunk, Instant};

/// A device, or something that behaves like one.
pub trait Link {
    /// What the device can do. Constant while the epoch of [`Link::state`] is.
    fn caps(&self) -> &Caps;

    /// Whether it is usable now.
    fn state(&self) -> LinkState;

    /// Adds received frames to `burst` until it is full or there are no more; never blocks. Also
    /// reaps finished transmissions. Damaged input is counted and skipped, not an error.
    ///
    /// # Errors
    /// When the device itself fails.
    fn receive(&mut self, now: Instant, burst: &mut Burst) -> Result<(), LinkError>;

    /// Queues one frame. The chunks are cloned if the device needs them after this call.
    ///
    /// # Errors
    /// [`Full`] when there is no room now: the frame stays with the caller.
    fn transmit(&mut self, now: Instant, frame: Transmit<'_>) -> Result<(), Full>;

    /// Tells the device about all that was queued: one doorbell.
    ///
    /// # Errors
    /// When the device itself fails.
    fn flush(&mut self, now: Instant) -> Result<(), LinkError>;

    /// When something will happen by itself: a delayed frame comes out, a recorded one is due.
    fn next_event(&self) -> Option<Instant> {
        None
    }

    /// Asks the device to notify from now on, then looks once more; `true` means that there is work
    /// already and the place must not sleep.
    fn arm(&mut self) -> bool;
}

/// A frame to be sent: the headers, then the payload in pieces.
#[derive(Clone, Copy, Debug)]
pub struct Transmit<'a> {
    /// Ethernet, IP and transport headers: at most 128 bytes. Copied by the link.
    pub head: &'a [u8],
    /// What follows them.
    pub payload: &'a [Chunk],
    /// What is left to the device.
    pub offload: Offload,
}

impl Transmit<'_> {
    /// The bytes of the whole frame.
    #[must_use]
    pub fn len(&self) -> usize {
        self.head.len() + self.payload.iter().map(|chunk| chunk.len()).sum::<usize>()
    }

    /// Whether the frame has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What the sender of a frame leaves to the device. The virtio header of a tap, the extra info of
/// netfront and virtio's descriptors all say just this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offload {
    /// The transport checksum is partial and must be completed.
    pub checksum: Option<PartialChecksum>,
    /// The frame is a super-frame of TCP over IPv4: to be cut into segments of this many payload
    /// bytes.
    pub gso_size: Option<u16>,
}

/// A checksum of which only the pseudo-header's sum is in the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialChecksum {
    /// Where the covered bytes start, from the start of the frame; they go to its end.
    pub start: u16,
    /// Where the field is, from `start`.
    pub offset: u16,
}

/// A link had no room for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// A device failed. What it says is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// The device is gone (a deleted tap, a closed back end).
    Gone,
    /// The device answered with an error number of its operating system.
    Device(i32),
}

impl core::fmt::Display for LinkError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Gone => f.write_str("the device is gone"),
            Self::Device(number) => write!(f, "the device failed with error {number}"),
        }
    }
}

impl core::error::Error for LinkError {}
