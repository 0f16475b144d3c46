//! What a host is told about itself.

use core::net::Ipv4Addr;

use ipv4::Cidr;

/// What a host is told about itself. Its hardware address and MTU are its link's.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Its address, and the network that its neighbours share with it; `None`: a server of DHCP says
    /// it, and all else that a host has to know of its network.
    pub address: Option<Cidr>,
    /// The neighbour that forwards to all other networks; without one there are no others.
    pub gateway: Option<Ipv4Addr>,
    /// Neighbours that are remembered. Full: the one not used for longest is forgotten, and if all
    /// are in use, a new one cannot be reached.
    pub neighbours: usize,
    /// Packets whose fragments are put together at the same time, each in a bay of the pool. Full:
    /// the oldest is dropped.
    pub reassemblies: usize,
    /// Control messages that wait to be sent. Full: new ones are dropped.
    pub outbox: usize,
    /// Frames whose headers are remembered (128 bytes each) for those who want to know what happened.
    /// Full: the oldest is forgotten. The next power of two counts.
    pub recorder: usize,
    /// What TCP is told. Its `mtu` is replaced by the link's.
    pub tcp: tcp::Config,
    /// What UDP is told. Its `mtu` is replaced by the link's.
    pub udp: udp::Config,
}

impl Config {
    /// The defaults of a host at `address`.
    #[must_use]
    pub fn new(address: Cidr) -> Self {
        Self {
            address: Some(address),
            ..Self::dhcp()
        }
    }

    /// The defaults of a host that asks for its address.
    #[must_use]
    pub fn dhcp() -> Self {
        Self {
            address: None,
            gateway: None,
            neighbours: 1024,
            reassemblies: 8,
            outbox: 64,
            recorder: 4096,
            tcp: tcp::Config::default(),
            udp: udp::Config::default(),
        }
    }
}
