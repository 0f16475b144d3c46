//! A host between a wire that the test holds and an application that the test plays.

mod connections;
mod datagrams;
mod hostile;
mod lease;
mod memory;
mod packets;
mod patience;
mod recorder;
mod world;
