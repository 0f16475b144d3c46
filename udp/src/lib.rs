//! UDP as a sans-IO table of bound ports: datagrams and user calls in, datagrams out.
//!
//! [`Udp`] holds every bound port of one host. It knows no clock, no device and no task; the same
//! calls with the same secrets give the same bytes. [`Datagram::parse`] and [`header`] read and write
//! the wire by themselves, for who speaks before the host has an address.
//!
//! | file | holds |
//! |---|---|
//! | `header` | the wire |
//! | `port` | what waits at one port |
//! | `table` | from ports to what is there, and ids that know when they are stale |
//! | `udp` | the front: the wire's side and the user's |
//!
//! RFCs followed: 768, 1122 (4.1), 6056 (3.3.1, ephemeral ports).
//!
//! A datagram fits into one packet of the link: none is sent in fragments. Received ones may have come
//! in any number of them. Path MTUs are not learned: who hears that a datagram was too large on its way
//! ([`Udp::take_error`]) sends less. Not here: multicast, options of IP, UDP-Lite.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod config;
mod error;
mod header;
mod port;
mod stats;
mod table;
mod udp;

pub use config::Config;
pub use error::Error;
pub use header::{
    CHECKSUM_AT, Datagram, HEADER_LEN, MAX_PAYLOAD_LEN, Malformed, PROTOCOL, Packet, blank_header,
    header,
};
pub use stats::{Drop, Stats};
pub use table::PortId;
pub use udp::{Blocked, Outgoing, Output, Udp};
