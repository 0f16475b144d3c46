//! What a device is and can do.

/// What a device is and can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Its hardware address.
    pub mac: [u8; 6],
    /// The most bytes of an IP packet that it carries.
    pub mtu: u16,
    /// It completes partial checksums of frames that it sends.
    pub checksum_offload: bool,
    /// The most bytes of a super-frame that it cuts into segments, headers included; `None` if it
    /// cannot segment.
    pub max_super_frame: Option<usize>,
    /// The most pieces (pages crossed) of payload in one frame.
    pub max_parts: usize,
    /// From this many payload bytes on, gathering pieces is cheaper than one copy into a contiguous
    /// buffer: 16 KiB for a tap, 0 for netfront.
    pub gather_from: usize,
}

/// Whether a device is usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It carries nothing.
    Down,
    /// It carries frames. A new epoch means that it was re-attached: its caps may be others, header
    /// templates are rebuilt, and our addresses are announced again.
    Up {
        /// Counts attachments.
        epoch: u32,
    },
}
