//! The Internet Protocol, version 4, as a host speaks it, and ICMP.
//!
//! [`Header`] is the wire; [`Template`] writes the header of packets we send; [`Cidr`] and
//! [`Routes`] tell who is a neighbour and who stands in between; [`Reassembly`] puts fragments
//! together; [`icmp`] reads and writes control messages.
//!
//! Not here: forwarding, multicast groups, sending with options, sending fragments (the stack cuts
//! the one packet that may need it, a large echo reply). RFC 791, 792, 815, 1122, 1191, 1858, 6864.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod bucket;
mod cidr;
mod header;
pub mod icmp;
mod reassembly;
mod routes;

pub use bucket::TokenBucket;
pub use cidr::{Cidr, ParseCidrError};
pub use header::{HEADER_LEN, Header, Malformed, Protocol, Quoted, Template, write};
pub use reassembly::{Expired, Reassembly, Refused, Whole};
pub use routes::{Route, Routes, TooManyRoutes};
