//! A client of the Dynamic Host Configuration Protocol, sans-IO: messages, news of the link and `now` in;
//! messages, deadlines and [`Event`]s out.
//!
//! [`Client`] is RFC 2131's Figure 5. What it cannot do itself it asks for: whether an address that
//! it was given is free is found out by ARP, and told by [`Client::probed`]. [`Message`] is the wire.
//!
//! | file | holds |
//! |---|---|
//! | `options` | the options that we speak (RFC 2132) |
//! | `message` | a message, its fixed fields and its options |
//! | `lease` | what an acknowledgement gives, and whether it makes sense |
//! | `client` | the states, a function for each edge between them |
//! | `exchange` | one question to servers: its number, and when it is asked again |
//! | `event` | what others are told; why messages are dropped |
//!
//! RFCs followed: 2131, 2132, 6842 (a server that sends our identifier back), 5227 (rate of conflicts).
//!
//! Not here: DHCPINFORM and DHCPRELEASE (a lease that is not needed runs out), a choice among offers (the
//! first usable one is taken), authentication (RFC 3118), static routes (options 33 and 121), leases kept
//! over a restart of the program, giving up an address that somebody else claims later (it is defended: RFC
//! 5227, 2.4). Two SHOULDs of RFC 2131, 4.4.1 and 4.4.5, are not followed: there
//! is no random wait of up to ten seconds before the first message, as a server is to be up at once, and
//! T1 and T2 are not varied, as the times at which hosts got their leases differ already.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod client;
mod event;
mod exchange;
mod lease;
mod message;
mod options;

pub use client::Client;
pub use event::{Drop, Event, Lost, Stats};
pub use exchange::Outgoing;
pub use lease::{Lease, Times};
pub use message::{Kind, MAX_LEN, Malformed, Message};
pub use options::Options;

/// Where servers listen.
pub const SERVER_PORT: u16 = 67;
/// Where clients do.
pub const CLIENT_PORT: u16 = 68;
