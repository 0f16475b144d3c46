//! Where we are, and who can be a neighbour there.

use core::net::Ipv4Addr;

/// Where we are on the network.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// Our hardware address.
    pub mac: [u8; 6],
    /// Our address, if we have one: without it nobody is a neighbour.
    pub address: Option<Ipv4Addr>,
    /// How many of its leading bits all neighbours share.
    pub prefix_len: u8,
}

impl Site {
    /// Whether `address` can be a neighbour's: in our network, and a single other host.
    pub(crate) fn is_neighbour(&self, address: Ipv4Addr) -> bool {
        let Some(ours) = self.address else {
            return false;
        };
        let host_bits = u32::MAX.checked_shr(self.prefix_len.into()).unwrap_or(0);
        let host = address.to_bits() & host_bits;
        let same_network = (address.to_bits() ^ ours.to_bits()) & !host_bits == 0;
        // Up to /30, the first and the last address of a network are not a host's (RFC 3021).
        let single = self.prefix_len > 30 || (host != 0 && host != host_bits);
        same_network && single && address != ours
    }
}
