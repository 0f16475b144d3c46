//! Counters, and why frames were dropped.

/// Why a received frame, or what was in it, was thrown away below TCP and UDP, which have
/// reasons of their own: [`tcp::Drop`], [`udp::Drop`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// Not an Ethernet II frame, or with more tags than two.
    Ethernet,
    /// Sent from an address that no station has.
    EthernetSource,
    /// For another station, or for a group.
    OtherStation,
    /// Tagged for a VLAN.
    Vlan,
    /// Neither IPv4 nor ARP.
    EtherType,
    /// Not an ARP packet of IPv4 over Ethernet.
    Arp,
    /// More ARP requests than we answer.
    ArpLimit,
    /// A header of IPv4 that is cut short, contradicts itself or is of another version.
    Ipv4,
    /// A damaged header of IPv4.
    Ipv4Checksum,
    /// A packet that wants to choose its way.
    SourceRoute,
    /// A source that no other host can have.
    Martian,
    /// A packet for another host, or for many.
    OtherHost,
    /// A fragment that cannot be right, or contradicts another one.
    Fragment,
    /// Fragments whose packet did not become whole in time.
    ReassemblyTimeout,
    /// A protocol that we do not speak.
    Protocol,
    /// A control message that is cut short or damaged.
    Icmp,
    /// A control message that does not concern us.
    IcmpOther,
    /// More echo requests, or causes to complain, than we answer.
    IcmpLimit,
    /// For the client of DHCP, who has no use for it: [`dhcp::Drop`] says why.
    Dhcp,
    /// A reply for which there was no room or no memory.
    NoMemory,
    /// A reply whose next hop is not known or did not answer.
    Unreachable,
}

impl Drop {
    /// How many reasons there are.
    pub const COUNT: usize = Self::Unreachable as usize + 1;

    /// Every reason, in the order in which they are counted.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Ethernet,
        Self::EthernetSource,
        Self::OtherStation,
        Self::Vlan,
        Self::EtherType,
        Self::Arp,
        Self::ArpLimit,
        Self::Ipv4,
        Self::Ipv4Checksum,
        Self::SourceRoute,
        Self::Martian,
        Self::OtherHost,
        Self::Fragment,
        Self::ReassemblyTimeout,
        Self::Protocol,
        Self::Icmp,
        Self::IcmpOther,
        Self::IcmpLimit,
        Self::Dhcp,
        Self::NoMemory,
        Self::Unreachable,
    ];
    /// Its name among counters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ethernet => "ethernet",
            Self::EthernetSource => "ethernet_source",
            Self::OtherStation => "other_station",
            Self::Vlan => "vlan",
            Self::EtherType => "ether_type",
            Self::Arp => "arp",
            Self::ArpLimit => "arp_limit",
            Self::Ipv4 => "ipv4",
            Self::Ipv4Checksum => "ipv4_checksum",
            Self::SourceRoute => "source_route",
            Self::Martian => "martian",
            Self::OtherHost => "other_host",
            Self::Fragment => "fragment",
            Self::ReassemblyTimeout => "reassembly_timeout",
            Self::Protocol => "protocol",
            Self::Icmp => "icmp",
            Self::IcmpOther => "icmp_other",
            Self::IcmpLimit => "icmp_limit",
            Self::Dhcp => "dhcp",
            Self::NoMemory => "no_memory",
            Self::Unreachable => "unreachable",
        }
    }
}

impl From<ethernet::Malformed> for Drop {
    fn from(_: ethernet::Malformed) -> Self {
        Self::Ethernet
    }
}

impl From<arp::Malformed> for Drop {
    fn from(_: arp::Malformed) -> Self {
        Self::Arp
    }
}

impl From<ipv4::Malformed> for Drop {
    fn from(reason: ipv4::Malformed) -> Self {
        match reason {
            ipv4::Malformed::Checksum => Self::Ipv4Checksum,
            ipv4::Malformed::SourceRoute => Self::SourceRoute,
            _ => Self::Ipv4,
        }
    }
}

impl From<ipv4::icmp::Malformed> for Drop {
    fn from(_: ipv4::icmp::Malformed) -> Self {
        Self::Icmp
    }
}

impl From<ipv4::Refused> for Drop {
    fn from(reason: ipv4::Refused) -> Self {
        match reason {
            ipv4::Refused::NoBuffer => Self::NoMemory,
            _ => Self::Fragment,
        }
    }
}

/// What a host has done so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Frames received, good or bad; a super-frame counts once.
    pub frames_received: u64,
    /// The bytes in them.
    pub bytes_received: u64,
    /// Frames handed to the link; a super-frame counts once.
    pub frames_sent: u64,
    /// The bytes in them.
    pub bytes_sent: u64,
    /// How often the link had no room.
    pub link_full: u64,
    /// How often the link failed.
    pub link_errors: u64,
    /// How often the link came up.
    pub link_ups: u64,
    /// Echo requests answered.
    pub echoes: u64,
    /// How often another host claimed our address.
    pub conflicts: u64,
    /// Frames thrown away, by [`Drop`].
    pub drops: [u64; Drop::COUNT],
    /// What TCP has done.
    pub tcp: tcp::Stats,
    /// What UDP has done.
    pub udp: udp::Stats,
    /// What the client of DHCP has done, where there is one.
    pub dhcp: dhcp::Stats,
}

impl Stats {
    /// How many frames were thrown away for `reason`.
    #[must_use]
    pub const fn dropped(&self, reason: Drop) -> u64 {
        self.drops[reason as usize]
    }

    pub(crate) const fn drop(&mut self, reason: Drop) {
        self.drops[reason as usize] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_stand_in_the_order_in_which_they_are_counted() {
        for (index, reason) in Drop::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index, "{}", reason.name());
        }
    }
}
