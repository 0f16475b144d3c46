//! What an acknowledgement gives, and whether it makes sense.

use core::net::Ipv4Addr;

use heapless::{String, Vec};
use packet::{Duration, Instant};

use crate::{Drop, Message};

/// Longer than it takes to find out whether the address is free (RFC 5227, 1.1: 7 s at most), so that
/// something is left of the lease then.
const MIN_LEASE: u32 = 10;

/// For ever (RFC 2131, 3.3).
const INFINITE: u32 = u32::MAX;

/// RFC 2132, 5.1, allows 68; but 576 is what every host takes (RFC 791, 3.1).
const MIN_MTU: u16 = 576;

/// What a server lends to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Our address.
    pub address: Ipv4Addr,
    /// How many of its bits are the network's.
    pub prefix_len: u8,
    /// The router to other networks: the first that the server names in ours.
    pub gateway: Option<Ipv4Addr>,
    /// Name servers, the preferred one first.
    pub name_servers: Vec<Ipv4Addr, 4>,
    /// How the server calls us; empty if it does not.
    pub host_name: String<64>,
    /// The domain that we are in; empty if there is none.
    pub domain: String<255>,
    /// The most bytes of a packet on this network: 576 at least.
    pub mtu: Option<u16>,
    /// Who lends it.
    pub server: Ipv4Addr,
    /// Until when; `None`: for ever.
    pub times: Option<Times>,
}

/// When a lease is to be extended. T1 is earlier than T2, and T2 earlier than the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// From then on its server is asked.
    pub t1: Instant,
    /// From then on all servers are.
    pub t2: Instant,
    /// From then on the address is not ours.
    pub end: Instant,
}

impl Lease {
    /// What `ack` lends from `start` on: the moment at which it was asked for (RFC 2131, 4.4.1).
    pub(crate) fn new(ack: &Message, start: Instant) -> Result<Self, Drop> {
        let options = &ack.options;
        let address = ack.yiaddr;
        let prefix_len = prefix_len(address, options.mask).ok_or(Drop::Address)?;
        let is_neighbour = |router: &Ipv4Addr| {
            *router != address && is_host(*router, prefix_len) && {
                let differing = router.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= prefix_len.into()
            }
        };
        Ok(Self {
            address,
            prefix_len,
            gateway: options.routers.iter().copied().find(is_neighbour),
            name_servers: options.name_servers.clone(),
            host_name: options.host_name.clone(),
            domain: options.domain.clone(),
            mtu: options.mtu.map(|mtu| mtu.max(MIN_MTU)),
            server: options.server.ok_or(Drop::NoServer)?,
            times: Times::new(ack, start)?,
        })
    }

    /// Whether `other` differs in its times alone.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let times = self.times;
        *self
            == Self {
                times,
                ..other.clone()
            }
    }
}

impl Times {
    fn new(ack: &Message, start: Instant) -> Result<Option<Self>, Drop> {
        let options = &ack.options;
        let time = match options.lease_time {
            Some(INFINITE) => return Ok(None),
            Some(time @ MIN_LEASE..) => time,
            _ => return Err(Drop::LeaseTime),
        };
        let whole = seconds(time);
        // What RFC 2131, 4.4.5, says, and what is taken where the server says nonsense.
        let defaults = (whole / 2, whole * 7 / 8);
        let (t1, t2) = match (options.t1, options.t2) {
            (Some(t1), Some(t2)) => (seconds(t1), seconds(t2)),
            (Some(t1), None) => (seconds(t1), defaults.1),
            (None, Some(t2)) => (defaults.0, seconds(t2)),
            (None, None) => defaults,
        };
        let is_sound = !t1.is_zero() && t1 < t2 && t2 < whole;
        let (t1, t2) = if is_sound { (t1, t2) } else { defaults };
        Ok(Some(Self {
            t1: start + t1,
            t2: start + t2,
            end: start + whole,
        }))
    }
}

/// How many bits of `address` are the network's; `None` if it is not a host's.
fn prefix_len(address: Ipv4Addr, mask: Option<Ipv4Addr>) -> Option<u8> {
    let len = match mask {
        Some(mask) => mask.to_bits().leading_ones(),
        // Of old the address told (RFC 791, 3.2).
        None => match address.octets()[0] {
            0..=127 => 8,
            128..=191 => 16,
            _ => 24,
        },
    };
    let is_mask = mask.is_none_or(|mask| mask.to_bits().count_ones() == len);
    (len > 0 && is_mask && is_host(address, len as u8)).then_some(len as u8)
}

/// Whether one host can have `address` in its network (RFC 1122, 3.2.1.3).
fn is_host(address: Ipv4Addr, prefix_len: u8) -> bool {
    let host_bits = u32::MAX.checked_shr(prefix_len.into()).unwrap_or(0);
    let host = address.to_bits() & host_bits;
    let single = prefix_len > 30 || (host != 0 && host != host_bits);
    single && !matches!(address.octets()[0], 0 | 127 | 224..)
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}

#[cfg(test)]
mod tests;
