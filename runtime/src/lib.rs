//! What an application is written against.
//!
//! The same source runs on the kernel's sockets, on our own stack and as an operating system: it
//! sees only this crate (and `http`). A place implements [`Network`].
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod error;
mod flow;
mod network;

pub use error::Error;
pub use flow::{Flow, Listener};
pub use network::{FlowId, ListenerId, Network, Peer};
pub use packet::{Chunk, Duration, Instant};
