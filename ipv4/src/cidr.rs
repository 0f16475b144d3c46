//! An address with the network it is in.

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;

/// An address and how many of its leading bits are its network's (RFC 4632), like `10.0.0.2/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    address: Ipv4Addr,
    prefix_len: u8,
}

impl Cidr {
    /// `address` in a network of `prefix_len` bits; `None` for more than 32.
    #[must_use]
    pub const fn new(address: Ipv4Addr, prefix_len: u8) -> Option<Self> {
        if prefix_len > 32 {
            return None;
        }
        Some(Self {
            address,
            prefix_len,
        })
    }

    /// The address.
    #[must_use]
    pub const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// How many bits are the network's.
    #[must_use]
    pub const fn prefix_len(&self) -> u8 {
        self.prefix_len
    }

    /// The mask of the network's bits.
    const fn mask(self) -> u32 {
        match u32::MAX.checked_shl(32 - self.prefix_len as u32) {
            Some(mask) => mask,
            None => 0,
        }
    }

    /// Whether the address may be that of one host on a link, with others beside it.
    #[must_use]
    pub fn is_host(&self) -> bool {
        let has_room = (1..=30).contains(&self.prefix_len);
        let is_zero = has_room && self.address.to_bits() << self.prefix_len == 0;
        has_room && !is_zero && !self.is_group(self.address) && !self.address.is_loopback()
    }

    /// Whether `address` is in this network.
    #[must_use]
    pub const fn contains(&self, address: Ipv4Addr) -> bool {
        (address.to_bits() ^ self.address.to_bits()) & self.mask() == 0
    }

    /// The address of every host of this network. There is none in a network of one or two hosts
    /// (RFC 3021).
    #[must_use]
    pub const fn broadcast(&self) -> Option<Ipv4Addr> {
        if self.prefix_len > 30 {
            return None;
        }
        Some(Ipv4Addr::from_bits(self.address.to_bits() | !self.mask()))
    }

    /// Whether `address` means many hosts, seen from this network: its broadcast address or the
    /// limited one, or a multicast group.
    #[must_use]
    pub fn is_group(&self, address: Ipv4Addr) -> bool {
        address.is_multicast() || address.is_broadcast() || self.broadcast() == Some(address)
    }

    /// Whether no other host can have sent from `address` (RFC 1122, 3.2.1.3): an address of
    /// "this" network, loopback, a group, reserved, or our own.
    #[must_use]
    pub fn is_martian_source(&self, address: Ipv4Addr) -> bool {
        let first = address.octets()[0];
        first == 0
            || first == 127
            || first >= 240
            || self.is_group(address)
            || address == self.address
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}

/// A text is not an address with a prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseCidrError;

impl fmt::Display for ParseCidrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address is written with the bits of its network, like 10.0.0.2/24")
    }
}

impl core::error::Error for ParseCidrError {}

impl FromStr for Cidr {
    type Err = ParseCidrError;

    fn from_str(text: &str) -> Result<Self, ParseCidrError> {
        let (address, prefix_len) = text.split_once('/').ok_or(ParseCidrError)?;
        let address = address.parse().map_err(|_| ParseCidrError)?;
        let prefix_len = prefix_len.parse().map_err(|_| ParseCidrError)?;
        Self::new(address, prefix_len).ok_or(ParseCidrError)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn networks() {
        let net = cidr("10.0.0.2/24");
        assert!(net.contains(Ipv4Addr::new(10, 0, 0, 255)));
        assert!(!net.contains(Ipv4Addr::new(10, 0, 1, 2)));
        assert_eq!(net.broadcast(), Some(Ipv4Addr::new(10, 0, 0, 255)));
        assert_eq!(cidr("10.0.0.2/31").broadcast(), None);
        assert!(cidr("0.0.0.0/0").contains(Ipv4Addr::new(203, 0, 113, 1)));
        assert!(!cidr("10.0.0.2/32").contains(Ipv4Addr::new(10, 0, 0, 3)));
    }

    #[test]
    fn martians() {
        let net = cidr("10.0.0.2/24");
        for martian in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "10.0.0.255",
            "10.0.0.2",
        ] {
            assert!(net.is_martian_source(martian.parse().unwrap()), "{martian}");
        }
        for host in ["10.0.0.1", "192.168.1.255", "8.8.8.8", "223.255.255.255"] {
            assert!(!net.is_martian_source(host.parse().unwrap()), "{host}");
        }
    }

    #[test]
    fn refuses_what_is_no_address_with_a_length() {
        for text in [
            "10.0.0.2",
            "10.0.0.2/33",
            "10.0.0/24",
            "10.0.0.2/",
            "/24",
            "10.0.0.2/-1",
        ] {
            assert_eq!(text.parse::<Cidr>(), Err(ParseCidrError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_back(address: [u8; 4], prefix_len in 0u8..=32) {
            let cidr = Cidr::new(address.into(), prefix_len).unwrap();
            prop_assert_eq!(cidr.to_string().parse(), Ok(cidr));
        }
    }
}
