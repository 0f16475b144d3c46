//! The Address Resolution Protocol: which hardware address an IPv4 neighbour has.
//!
//! [`Packet`] is the wire; [`Neighbours`] is the cache around it, sans-IO: received packets and
//! `now` go in, packets to send, deadlines and [`Event`]s come out.
//!
//! An address is announced and defended (RFC 5227, 2.3 and 2.4); whether one is free is found out
//! when asked (2.1): it takes seconds.
//!
//! Not here: other hardware than Ethernet, other protocols than IPv4, proxy and reverse ARP. RFC 826, RFC 5227, RFC 1122 section 2.3.2.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod entry;
mod neighbours;
mod probe;
mod site;
mod wire;

pub use neighbours::{Event, Lookup, Neighbours, Outgoing};
pub use site::Site;
pub use wire::{Malformed, Operation, PACKET_LEN, Packet};
