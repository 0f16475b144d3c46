//! Names to IPv4 addresses.
//!
//! A [`Resolver`] asks the name servers that an application's place knows, over the application's own
//! [datagrams](runtime::Datagrams): so it works wherever the application does. [`query`] and [`read`]
//! are its messages by themselves, sans-IO.
//!
//! | file | holds |
//! |---|---|
//! | `name` | names, and what may be one |
//! | `reader` | names and records of a message, compression and all |
//! | `message` | the question asked, and what an answer says |
//! | `cache` | what was answered, as long as it holds |
//! | `resolver` | whom to ask, and how long to wait |
//! | `asking` | nothing is asked twice at the same time |
//!
//! RFCs followed: 1035 (messages), 1123 (6.1.3, a stub resolver), 2181 (5.2 and 8, TTLs), 2308 (negative
//! answers), 5452 (forged answers), 6761 (`localhost` and `invalid`), 9520 (failures are remembered).
//!
//! Not here: other records than A and CNAME, TCP (an answer that does not fit into a datagram is an
//! error that says so), EDNS, DNSSEC, search lists (a name is taken as it is), names beyond ASCII in
//! other than their `xn--` form.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod asking;
mod cache;
mod error;
mod message;
mod name;
mod reader;
mod resolver;

pub use error::Error;
pub use message::{Addresses, Answer, MAX_ADDRESSES, MAX_QUERY, NotAnAnswer, query, read};
pub use name::{BadName, Name};
pub use resolver::Resolver;
