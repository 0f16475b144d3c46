//! Packet scripts: what a TCP does, packet by packet, in files that a person reads in a minute.
//!
//! A [`script::Script`] is written in a subset of packetdrill's language. [`run::run`] plays it
//! against a [`host::Host`]: [our own stack](parhelion) in virtual time, where a script takes microseconds, or
//! [Linux itself](linux) in real time, which shows that the script is true. Everything a script
//! sends or expects is one byte pattern, so the content of every segment and every read is
//! compared without being written down.
//!
//! Beyond packetdrill: `#2` before the flags of a segment, or for the address of `accept` and
//! `connect`, names a second peer; `*` stands for any value of an option; `badsum`, `doff 4` and
//! `opt 254 0102` make segments that no honest peer sends.
//!
//! Not here yet: a simulated network with faults.
#![forbid(unsafe_code)]

mod connection;
mod frame;
pub mod host;
pub mod linux;
pub mod parhelion;
pub mod run;
pub mod script;
pub mod suite;
mod wire;
