//! What a record starts with.

/// The type of Ethernet for IPv4 and IPv6.
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// What the device was that a capture was taken from (draft-ietf-opsawg-pcaplinktype).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkType {
    /// Ethernet.
    Ethernet,
    /// Linux "cooked": any device, with a made-up header of 16 bytes.
    Sll,
    /// The same with the interface's number, in 20 bytes.
    Sll2,
    /// IP without anything before it.
    RawIp,
    /// One that is not read.
    Other(u16),
}

impl LinkType {
    /// The type of this number. BSDs number raw IP as 12 and 14.
    #[must_use]
    pub const fn from_number(number: u16) -> Self {
        match number {
            1 => Self::Ethernet,
            113 => Self::Sll,
            276 => Self::Sll2,
            12 | 14 | 101 | 228 | 229 => Self::RawIp,
            other => Self::Other(other),
        }
    }

    /// What a record carries, as a type of Ethernet, and where that begins. For Ethernet itself:
    /// behind the addresses, tags not looked behind.
    #[must_use]
    pub(crate) fn payload(self, record: &[u8]) -> Option<(u16, usize)> {
        let word = |at: usize| {
            let bytes: &[u8; 2] = record.get(at..)?.first_chunk()?;
            Some(u16::from_be_bytes(*bytes))
        };
        let (ether_type, at) = match self {
            Self::Ethernet => (word(12)?, 14),
            Self::Sll => (word(14)?, 16),
            Self::Sll2 => (word(0)?, 20),
            Self::RawIp => match record.first()? >> 4 {
                4 => (IPV4, 0),
                6 => (IPV6, 0),
                _ => return None,
            },
            Self::Other(_) => return None,
        };
        (at <= record.len()).then_some((ether_type, at))
    }
}
