//! The command as its users meet it: started as a process, asked over sockets, stopped by a signal.
//!
//! Taps are made only in network namespaces of a test's own. What a machine does not allow (user
//! namespaces, mostly in containers) is a skip: printed, and added as a line to the file that
//! `PARHELION_SKIPS` names, so that they can be counted.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bench;
mod capturing;
mod changing;
mod client;
mod faulty;
mod getting;
mod guests;
mod inside;
mod leases;
mod names;
mod projects;
mod refusals;
mod replaying;
mod server;
mod serving;
mod taps;
mod unprivileged;
