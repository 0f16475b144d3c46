//! One network host: the only crate that knows every protocol.
//!
//! [`Net`] puts Ethernet, ARP, IPv4, ICMP, UDP and TCP on a [`link::Link`] and is what applications see
//! of it: it implements [`runtime::Network`] for them and [`runtime::Driver`] for the loop that
//! runs them.
//!
//! A frame's journey, in the order of the files:
//!
//! | file | does |
//! |---|---|
//! | `net` | the façade: the loop's calls, the only `RefCell` |
//! | `network` | the façade: applications' calls |
//! | `host` | one host: what a turn consists of |
//! | `input` | a burst, frame by frame, down to a segment for `tcp`, a datagram for `udp` or a message for us |
//! | `interface` | the way out: next hop, headers, the link |
//! | `dhcp` | an address from a server, and what changes with it |
//! | `tenant` | what becomes of an address that is lent, a line each |
//! | `outbox` | control messages that wait for the link |
//! | `recorder` | the last frames, for those who ask |
//! | `inspect` | the numbers, for those who ask |
//! | `wakers` | who waits for what, and until when |
//! | `stats` | counters, and why frames were dropped |
//!
//! Input never sends; output never parses; applications never run inside: they are woken.
//!
//! Not here yet: more than one address, multicast, talking to oneself (no loopback),
//! VLANs other than the untagged one. RFC 1122 is followed for a host with one interface that
//! forwards nothing.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod config;
mod dhcp;
mod host;
mod input;
mod inspect;
mod interface;
mod net;
mod network;
mod outbox;
mod recorder;
mod stats;
mod tenant;
mod wakers;

#[cfg(test)]
mod tests;

pub use ::dhcp::{Event as LeaseEvent, Lease, Lost, Times};
pub use config::Config;
pub use ethernet::Mac;
pub use ipv4::{Cidr, ParseCidrError};
pub use net::Net;
pub use stats::{Drop, Stats};
pub use tenant::Tenant;
