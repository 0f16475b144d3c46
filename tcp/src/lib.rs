//! TCP as a sans-IO state machine: segments and user calls in, segments and deadlines out.
//!
//! [`Tcp`] holds every connection of one host. It knows no clock, no device and no task: `now` is an
//! argument of each call, and the same calls with the same secrets give the same bytes.
//!
//! Where to read on, in the order of a segment's way:
//!
//! | file | holds |
//! |---|---|
//! | `header options segment seq` | the wire |
//! | `demux` | from addresses and ports to what is there |
//! | `listener time_wait` | the small shapes before and after a connection |
//! | `state` | RFC 9293, figure 5 |
//! | `tcb` | the control block |
//! | `input` `acknowledge` `handshake` | RFC 9293, 3.10.7: what a segment does |
//! | `recv send` | the two queues |
//! | `rtt congestion recovery` | when to resend, how much to send, what was lost |
//! | `output` | what may be sent now |
//! | `timers` | the deadlines of a connection |
//! | `tcp` `passive` `settle` | the front, the wire's side |
//! | `calls` | the front, the user's side |
//! | `address` | what ends when our address does |
//!
//! RFCs followed: 9293 (TCP), 7323 (timestamps, window scale), 6298 (RTO), 5681 and 6582 (NewReno),
//! 3042 (limited transmit), 6928 (initial window), 6528 (initial sequence numbers), 6056 (ports),
//! 5961 (blind attacks), 5927 (ICMP attacks), 1337 and 6191 (TIME-WAIT).
//!
//! Not yet: SACK, RACK-TLP, PRR, CUBIC, SYN cookies, path MTU discovery, ECN, keep-alive, pacing.
//! Urgent data is delivered as ordinary data.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod acknowledge;
mod address;
mod calls;
mod challenge;
mod config;
mod congestion;
mod demux;
mod error;
mod handshake;
mod header;
mod ids;
mod input;
mod inspect;
mod isn;
mod listener;
mod notes;
mod options;
mod outbox;
mod output;
mod passive;
mod recovery;
mod recv;
mod rtt;
mod segment;
mod send;
mod seq;
mod settle;
mod state;
mod stats;
mod tcb;
mod tcp;
mod time_wait;
mod timers;
mod timestamps;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use error::Error;
pub use header::{CHECKSUM_AT, Flags, HEADER_LEN, Header, PROTOCOL};
pub use ids::{ConnectionId, ListenerId};
pub use inspect::{Fill, Tables};
pub use notes::{Note, What};
pub use options::{Options, Timestamps};
pub use output::{Blocked, Outgoing, Output};
pub use segment::Packet;
pub use seq::Seq;
pub use state::State;
pub use stats::{Drop, Info, Positions, Stats};
pub use tcp::{Event, IcmpError, Tcp};
