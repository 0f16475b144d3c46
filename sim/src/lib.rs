//! A TCP tried in two ways: by packet scripts, and in a whole simulated [`network`] from one seed; and a
//! place for an application's own tests, [`Simulation`].
//!
//! Packet scripts say what a TCP does, packet by packet, in files that a person reads in a minute.
//!
//! A [`script::Script`] is written in a subset of packetdrill's language:
//!
//! ```text
//! // Every second full segment is acknowledged at once. [RFC 5681 4.2]     a sentence, its RFC
//! // Linux differs: why, where a script is not true of Linux
//! +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3                             a call, its result
//! +0...0.2 accept(3, ..., ...) = 4                                         one that blocks
//! +.1 < . 1:1001(1000) ack 1 win 65535                                     a segment comes in
//! +0 > . 1:1(0) ack 1001 <nop,nop,TS val 200 ecr *>                        one is expected
//! +0~+.04 > . 1:1(0) ack 1001                                              within some time
//! ```
//!
//! Our numbers count from our SYN, the peer's are as written; `win` is the field, unscaled; options
//! are compared without order and padding, `<...>` is any, nothing is none. Beyond packetdrill: `#2`
//! before the flags of a segment, or for the address of `accept` and `connect`, names a second peer;
//! `*` stands for any value of an option; `badsum`, `doff 4` and `opt 254 0102` make segments that
//! no honest peer sends.
//!
//! [`run::run`] plays a script against a [`host::Host`]: [our own stack](parhelion) in virtual time,
//! where it takes microseconds, or [Linux itself](linux) in real time, which shows that it is true.
//! Everything that a script sends or expects is one byte pattern, so the content of every segment
//! and every read is compared without being written down.
#![forbid(unsafe_code)]

mod application;
mod connection;
mod frame;
pub mod host;
pub mod linux;
pub mod network;
pub mod parhelion;
pub mod run;
pub mod script;
pub mod suite;
mod wire;

pub use application::{Files, GRACE, Outcome, PATIENCE, Page, Script, Simulation, Visitor};
