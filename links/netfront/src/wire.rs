//! What stands in the rings: the public ABI of Xen's network devices (`io/netif.h`).
//!
//! All are little-endian, as x86 is. The flags for "left blank" and "validated" are swapped between the
//! two directions: hence two sets of names.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The most slots of a ring: as many of 12 or 8 bytes as a power of two lets fit behind the 64 bytes
/// of its header.
pub(crate) const SLOTS: usize = 256;

/// The most slots with data in one packet; Linux drops what has more (`XEN_NETIF_NR_SLOTS_MIN`).
pub(crate) const MAX_DATA_SLOTS: usize = 18;

/// The most slots with extra information in one packet: there are five kinds, one of each is enough.
pub(crate) const MAX_EXTRAS: usize = 4;

/// A piece of a packet that we send.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TxRequest {
    /// What the page is lent as.
    pub grant: u32,
    /// Where the piece begins in its page.
    pub offset: u16,
    /// `TX_…`.
    pub flags: u16,
    /// What the response brings back.
    pub id: u16,
    /// Of the piece; in the first of a packet, of the whole packet.
    pub size: u16,
}

/// What became of a piece that we sent.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TxResponse {
    /// The piece's.
    pub id: u16,
    /// `STATUS_…`, or an error below zero.
    pub status: i16,
}

/// A page for what comes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RxRequest {
    /// What the response brings back: the number of the slot.
    pub id: u16,
    /// Nothing.
    pub padding: u16,
    /// What the page is lent as.
    pub grant: u32,
}

/// A piece of a packet that came.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RxResponse {
    /// The request's.
    pub id: u16,
    /// Where the piece begins in its page.
    pub offset: u16,
    /// `RX_…`.
    pub flags: u16,
    /// The bytes of the piece, or an error below zero.
    pub status: i16,
}

/// More about a packet, in the slot behind its first.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct Extra {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    /// With [`EXTRA_GSO`]: the payload bytes of a segment.
    pub(crate) gso_size: u16,
    /// With [`EXTRA_GSO`]: what kind of packet it is.
    pub(crate) gso_type: u8,
    pub(crate) padding: u8,
    pub(crate) features: u16,
}

/// An extra in the place of a request, which is longer.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct ExtraSlot {
    pub(crate) extra: Extra,
    pub(crate) padding: u32,
}

impl ExtraSlot {
    /// A super-frame of TCP over IPv4, to be cut into segments of this many payload bytes.
    pub(crate) const fn gso(size: u16) -> Self {
        let extra = Extra {
            kind: EXTRA_GSO,
            flags: 0,
            gso_size: size,
            gso_type: GSO_TCPV4,
            padding: 0,
            features: 0,
        };
        Self { extra, padding: 0 }
    }
}

/// Only the pseudo-header's sum is in the checksum's field.
pub(crate) const TX_CSUM_BLANK: u16 = 1;
/// The data are intact: goes with the above.
pub(crate) const TX_DATA_VALIDATED: u16 = 2;
/// The packet goes on in the next slot.
pub(crate) const TX_MORE_DATA: u16 = 4;
/// The next slot is an [`Extra`].
pub(crate) const TX_EXTRA_INFO: u16 = 8;

/// The device verified the checksum.
pub(crate) const RX_DATA_VALIDATED: u16 = 1;
/// Only the pseudo-header's sum is in the checksum's field.
pub(crate) const RX_CSUM_BLANK: u16 = 2;
/// The packet goes on in the next slot.
pub(crate) const RX_MORE_DATA: u16 = 4;
/// The next slot is an [`Extra`].
pub(crate) const RX_EXTRA_INFO: u16 = 8;

/// Another extra follows this one.
pub(crate) const EXTRA_MORE: u8 = 1;
pub(crate) const EXTRA_GSO: u8 = 1;
/// Kinds from here on do not exist; nor does kind 0.
pub(crate) const EXTRA_KINDS: u8 = 6;
pub(crate) const GSO_TCPV4: u8 = 1;

/// A response to a slot that had an [`Extra`]: it names no piece.
pub(crate) const STATUS_NULL: i16 = 1;
/// The piece was sent.
pub(crate) const STATUS_OKAY: i16 = 0;
