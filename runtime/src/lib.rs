//! What an application is written against.
//!
//! An application is `async fn main(env: Env)`. The same source runs on the kernel's sockets, on our
//! own stack and as an operating system: it sees only this crate (and `http`). A place implements
//! [`Network`], [`Console`] and [`Storage`], and calls [`run`].
//!
//! Names are resolved by `dns`, on top of this crate's datagrams.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod channel;
mod clock;
mod config;
mod console;
mod datagrams;
mod either;
mod entropy;
mod env;
mod error;
mod executor;
mod failure;
mod flow;
mod inspect;
mod network;
mod nothing;
mod place;
mod ready;
mod serve;
mod storage;

pub use channel::{Receiver, Sender, channel};
pub use clock::Clock;
pub use config::{Config, ConfigError};
pub use console::{Console, MAX_LINE, Request};
pub use datagrams::Datagrams;
pub use either::{Either, either};
pub use entropy::Entropy;
pub use env::Env;
pub use error::Error;
pub use executor::Executor;
pub use failure::Failure;
pub use flow::{Flow, Listener};
pub use inspect::{Connection, Inspect, Number, show_pool, show_tables};
pub use network::{DatagramId, FlowId, ListenerId, Network, Peer};
pub use nothing::Nothing;
pub use packet::{Chunk, Duration, Instant, Transport};
pub use place::{Driver, Place, run, turn};
pub use serve::serve;
pub use storage::{File, FileId, Metadata, Storage, StorageError};
