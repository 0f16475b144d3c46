//! The numbers by which Xen knows things, each with a type of its own.

use core::fmt;

/// The bytes of a page: the unit in which domains share memory.
pub const PAGE_SIZE: usize = 4096;

/// A domain: 0 is the one that has the drivers, usually.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DomainId(pub u16);

impl DomainId {
    /// "This domain", where a hypercall takes a domain (`DOMID_SELF`).
    pub const SELF: Self = Self(0x7ff0);
}

/// This domain's end of an event channel.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port(pub u32);

/// The name by which another domain asks for a page that was granted to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantRef(pub u32);

/// The address of a page, as the guest and its processor know it: in the guest every address is
/// mapped to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageAddress(u64);

impl PageAddress {
    /// The page that begins at `address`; `None` if none does.
    #[must_use]
    pub const fn new(address: u64) -> Option<Self> {
        if address.is_multiple_of(PAGE_SIZE as u64) {
            Some(Self(address))
        } else {
            None
        }
    }

    /// The page that a byte lies in.
    #[must_use]
    pub fn containing(byte: *const u8) -> Self {
        let address = byte.expose_provenance() as u64;
        Self(address & !(PAGE_SIZE as u64 - 1))
    }

    /// The page with this number.
    #[must_use]
    pub const fn of_frame(frame: u32) -> Self {
        Self(frame as u64 * PAGE_SIZE as u64)
    }

    /// The page's number.
    #[must_use]
    pub const fn frame(self) -> u64 {
        self.0 / PAGE_SIZE as u64
    }

    /// The address of its first byte.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

// As they are written in the xenstore, where the two sides tell each other.
impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for GrantRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DomainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
