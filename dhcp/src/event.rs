//! What others are told, and why messages are dropped.

use core::net::Ipv4Addr;

/// Something that others have to do, or may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Find out by ARP whether somebody has this address, and tell by
    /// [`Client::probed`](crate::Client::probed).
    Probe(Ipv4Addr),
    /// [`Client::lease`](crate::Client::lease) has an address, which is to be used from now on.
    Acquired,
    /// Something other than the lease's times has changed.
    Changed,
    /// The address must not be used from this moment on.
    Lost(Lost),
    /// Somebody has the address that we were given.
    Declined(Ipv4Addr),
    /// The server took back what it had offered.
    Refused,
    /// Nobody answers, after several tries. We go on trying.
    Unanswered,
    /// The lease's server does not answer; all servers are asked now.
    Rebinding,
}

/// Why a lease ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Nobody extended it in time.
    Expired,
    /// A server says that the address is not ours: DHCPNAK.
    Refused,
    /// The link has another hardware address now, and the lease was given to the former.
    OtherHardware,
}

/// Why a received message was thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// Not a message: [`Malformed`](crate::Malformed) has the reasons.
    Malformed,
    /// Of another exchange than the last.
    OtherExchange,
    /// For another client.
    OtherClient,
    /// What is not expected now: a second offer, a request.
    Unexpected,
    /// It does not say which server it is from.
    NoServer,
    /// From another server than was asked.
    OtherServer,
    /// For another address than was asked for.
    OtherAddress,
    /// An address that no host can have, or a mask that is none.
    Address,
    /// Without a lease time, or for less time than it takes to find out whether the address is free.
    LeaseTime,
}

impl Drop {
    /// How many reasons there are.
    pub const COUNT: usize = Self::LeaseTime as usize + 1;
}

/// What a client has done so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Messages received, good or bad.
    pub received: u64,
    /// Messages to be sent.
    pub sent: u64,
    /// Messages thrown away, by [`Drop`].
    pub drops: [u64; Drop::COUNT],
}

impl Stats {
    /// How many messages were thrown away for `reason`.
    #[must_use]
    pub const fn dropped(&self, reason: Drop) -> u64 {
        self.drops[reason as usize]
    }

    pub(crate) const fn drop(&mut self, reason: Drop) {
        self.drops[reason as usize] += 1;
    }
}
