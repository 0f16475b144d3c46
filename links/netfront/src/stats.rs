//! What happened at a device.

use crate::Fault;

/// What happened at a device, over all its attachments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Frames received.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Those of them that are super-frames.
    pub received_super_frames: u64,
    /// Received packets that were dropped, by [`Fault`].
    pub dropped: [u64; Fault::COUNT],
    /// Frames sent.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Those of them that are super-frames.
    pub sent_super_frames: u64,
    /// Pieces of frames that the back end did not send on, by its own account.
    pub unsent_pieces: u64,
    /// Frames not sent because the device was not up.
    pub down: u64,
    /// Frames not sent because they are longer than the device takes or ask for an offload that it
    /// does not have: a bug of the sender.
    pub refused: u64,
    /// Times that a frame found no room.
    pub full: u64,
    /// Times that the back end was notified: each is a hypercall.
    pub notified: u64,
    /// Pages that are lost for good, as the back end did not let go of them.
    pub leaked: u64,
    /// Devices given up because of what their back ends wrote.
    pub broken: u64,
}

impl Stats {
    /// How many received packets were dropped for this reason.
    #[must_use]
    pub fn dropped_for(&self, fault: Fault) -> u64 {
        self.dropped[fault as usize]
    }

    pub(crate) fn drop(&mut self, fault: Fault) {
        self.dropped[fault as usize] += 1;
    }
}
