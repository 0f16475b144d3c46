//! Xen's network front end as a link: the driver of the device ("vif") that a domain has by its
//! toolstack, whose other end, the back end, is a driver in another domain, mostly Linux's.
//!
//! Two rings of requests and responses lie in pages that both share (`io/netif.h`). Frames lie in
//! other pages, lent for just one use: on the way out mostly where they are, on the way in pages of
//! the pool, which are frames of ours once they are taken back. So nothing is parsed while somebody
//! else may write it, nothing is copied that is large, and the only hypercall is to notify the other
//! side when it has asked for that.
//!
//! The other side is not trusted. Whatever it writes is copied before it is judged; a packet that is
//! wrong is dropped and counted by its [`Fault`], a ring that is wrong closes the device, and a page
//! that is not given back is lost rather than used ([`Stats::leaked`]).
//!
//! | file | does |
//! |---|---|
//! | `netfront` | the device as a [`link::Link`] |
//! | `dance` | how the two sides find and leave each other |
//! | `device` | a device as the xenstore has it |
//! | `rings` | a back end that is connected |
//! | `tx`, `plan`, `areas` | the way out: the ring, how a frame is laid out, where headers lie |
//! | `rx`, `assembly` | the way in: the ring, frames out of slots |
//! | `lender` | pages lent and taken back; the only `unsafe` |
//! | `wire` | what stands in the rings |
//!
//! Not here: more than one queue or device, the control ring, multicast filters, XDP, IPv6's
//! offloads, suspend and resume.
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;

mod areas;
mod assembly;
mod dance;
mod device;
mod lender;
pub mod model;
mod netfront;
mod plan;
mod rings;
mod rx;
mod stats;
mod tx;
mod wire;

pub use assembly::Fault;
pub use netfront::{Config, Netfront};
pub use stats::Stats;

#[cfg(test)]
extern crate std;
#[cfg(test)]
mod tests;
