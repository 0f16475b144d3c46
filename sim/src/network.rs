//! Some hosts with their applications, the switch between them, and all that may go wrong: a world
//! from one seed, in virtual time.
//!
//! | file | holds |
//! |---|---|
//! | `plan` | what a seed stands for |
//! | `host` | a host: our stack, its link with faults, its tasks |
//! | `switch` | what joins the hosts |
//! | `talk` `tasks` | what the applications do, and what they check |
//! | `datagrams` | the same in datagrams |
//! | `check` | what must hold after every step |
//! | `world` | time, and the phases of a run |
//! | `record` | every frame: a hash, or the frames themselves |
//! | `report` | a failure for people: a trace in the words of a packet script, and a capture |
//!
//! For a while everything goes wrong; then the network heals. Every transfer must come to its end
//! with every byte in place, then silence must fall, and in the end every buffer must have come
//! back.

mod check;
mod datagrams;
mod host;
mod plan;
mod record;
mod report;
mod switch;
mod talk;
mod tasks;
mod world;

use core::net::SocketAddrV4;
use core::time::Duration;

use packet::{Instant, Pool};

pub use record::Kept;
pub use report::Report;

/// The most hosts in a world.
const HOSTS: usize = 4;

/// What can be used from one world to the next: memory.
pub struct Memory {
    roomy: [Pool; HOSTS],
    /// Too little for all that the applications would have under way.
    tight: [Pool; HOSTS],
    switch: [Pool; HOSTS],
}

/// How a world fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// A hash over every frame that any host sent or received, and when.
    pub hash: u64,
    /// How many they were.
    pub frames: u64,
    /// How much time passed in the world.
    pub time: Duration,
    /// Bytes that applications have read and found right.
    pub bytes: u64,
}

/// What did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// When, in the world's time.
    pub at: Instant,
    /// At which host, where it was at one.
    pub host: usize,
    /// What, in words.
    pub what: String,
    /// Between which addresses, where it was a connection: the host's own, the peer's.
    pub connection: Option<(SocketAddrV4, SocketAddrV4)>,
}

impl Memory {
    /// Memory for one world at a time.
    #[must_use]
    pub fn new() -> Self {
        let pools = |cells, pages, bays| {
            let limits = packet::Limits { cells, pages, bays };
            core::array::from_fn(|_| Pool::new(limits))
        };
        Self {
            roomy: pools(4096, 2048, 16),
            tight: pools(512, 192, 0),
            switch: pools(2048, 1024, 16),
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// Lives through the world of this seed.
///
/// # Errors
/// The first thing that did not hold.
pub fn simulate(seed: u64, memory: &Memory) -> Result<Outcome, Failure> {
    world::run(&plan::Plan::new(seed), memory, record::Record::hash()).0
}

/// Lives through it once more and keeps every frame, to show what came before the failure.
#[must_use]
pub fn explain(seed: u64, memory: &Memory, failure: &Failure) -> Report {
    let plan = plan::Plan::new(seed);
    let (_, kept) = world::run(&plan, memory, record::Record::keep());
    Report::new(&plan, failure, kept)
}

#[cfg(test)]
mod tests;
