//! The fixed part of the header (RFC 9293, 3.1).

use core::fmt;

use zerocopy::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// TCP's number in the IP header.
pub const PROTOCOL: u8 = 6;

/// The bytes of a header without options.
pub const HEADER_LEN: usize = 20;

/// Where the checksum is, from the start of the header.
pub const CHECKSUM_AT: usize = 16;

/// The fixed part of the header, as it lies in a segment.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// The sender's port.
    pub source: U16,
    /// The receiver's port.
    pub destination: U16,
    /// The number of the first byte (of the SYN, if there is one).
    pub seq: U32,
    /// The next number that the sender expects; means something with ACK only.
    pub ack: U32,
    /// Length of the header in words in the upper half, reserved bits in the lower.
    pub data_offset: u8,
    /// The control bits.
    pub flags: u8,
    /// How many bytes from `ack` on the sender takes, not scaled yet.
    pub window: U16,
    /// Over pseudo-header, header and text.
    pub checksum: U16,
    /// Where urgent data ends.
    pub urgent: U16,
}

impl Header {
    /// The bytes of the whole header, options included. May be less than [`HEADER_LEN`] in a
    /// malformed one.
    #[must_use]
    pub const fn len(&self) -> usize {
        (self.data_offset >> 4) as usize * 4
    }

    /// Whether the header says that it has no bytes at all, which is malformed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The control bits of a segment.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// No more data from the sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Throw the connection away.
    pub const RST: Self = Self(0x04);
    /// Hand the data to the user at once.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgement field means something.
    pub const ACK: Self = Self(0x10);
    /// The urgent field means something.
    pub const URG: Self = Self(0x20);
    /// ECN echo (RFC 3168).
    pub const ECE: Self = Self(0x40);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: Self = Self(0x80);

    /// Whether all of `flags` are set.
    #[must_use]
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Both.
    #[must_use]
    pub const fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }

    /// `flags` added if `condition` holds.
    #[must_use]
    pub const fn with_if(self, condition: bool, flags: Self) -> Self {
        if condition { self.with(flags) } else { self }
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (bit, letter) in "FSRP.UEW".chars().enumerate() {
            if self.0 & 1 << bit != 0 {
                write!(f, "{letter}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn flags_are_added_and_named() {
        let both = Flags::SYN.with(Flags::ACK);
        assert_eq!(both.with(Flags::ACK), both);
        for (flags, letters) in [
            (Flags::default(), ""),
            (both, "S."),
            (Flags::FIN.with(Flags::RST), "FR"),
            (Flags::URG, "U"),
        ] {
            assert_eq!(format!("{flags:?}"), letters);
        }
    }

    #[test]
    fn a_header_is_as_long_as_it_says() {
        let header = |data_offset| Header {
            data_offset,
            ..zerocopy::FromZeros::new_zeroed()
        };
        assert!(header(0x0f).is_empty());
        assert!(!header(0x10).is_empty());
        assert_eq!(header(0xff).len(), 60);
    }
}
