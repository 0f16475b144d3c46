//! The words every layer shares.
//!
//! A [`Pool`] owns memory; a [`Buf`] is a counted handle to a piece of it; a [`Part`] is a range of
//! one. A [`Frame`] is what a link received, a [`Chunk`] is what somebody wants sent, a [`Head`] the
//! headers in front of it. Around them:
//! the Internet [`checksum`], the clock's [`Instant`] and [`Deadlines`], the keyed hash of
//! [`Secrets`], and [`Transport`], the byte stream that HTTP asks for.
//!
//! Not here: any protocol, any device, any clock. RFC 1071 (checksum) is the only RFC followed.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod checksum;
mod chunk;
mod deadlines;
mod frame;
mod head;
mod part;
mod pool;
mod secrets;
mod slab;
mod sorted;
mod time;
mod transport;

pub use core::time::Duration;

pub use chunk::Chunk;
pub use deadlines::Deadlines;
pub use frame::{Frame, MAX_SPILL, RxChecksum, RxMeta};
pub use head::Head;
pub use part::Part;
pub use pool::{Buf, Class, Limits, Pool, Usage};
pub use secrets::{Key, Random, Secrets};
pub use slab::Slab;
pub use sorted::SortedMap;
pub use time::Instant;
pub use transport::{Surroundings, Transport};
