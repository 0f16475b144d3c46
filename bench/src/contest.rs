//! What is measured, and of whom.

use core::time::Duration;

use clap::ValueEnum;

/// Whose stack is at both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Contestant {
    /// Ours
    Parhelion,
    /// smoltcp under the same tasks and the same loop
    Smoltcp,
    /// smoltcp without tasks: a loop written for this one purpose
    ByHand,
}

impl Contestant {
    /// As the command line and the tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Parhelion => "parhelion",
            Self::Smoltcp => "smoltcp",
            Self::ByHand => "by-hand",
        }
    }
}

/// What both ends do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// 13 bytes each way on one connection
    Exchange1,
    /// on 1,000 connections in random order, 64 exchanges under way
    Exchange1k,
    /// on 1,000 connections, an exchange under way on every one
    Exchange1kAll,
    /// on 100,000 connections in random order, 64 exchanges under way
    Exchange100k,
    /// one connection opened and closed after the other
    Connect,
    /// connections opened and closed, 64 at a time
    Connect64,
    /// one connection, as many bytes as go through, MTU 1500
    Bulk,
    /// the memory of 10,000 connections that do nothing
    Idle,
}

/// What a case consists of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// Requests and responses over connections that stay.
    Exchange {
        connections: usize,
        in_flight: usize,
    },
    /// Connections made and closed.
    Connect { at_once: usize },
    /// Bytes in one direction.
    Bulk,
    /// Connections that only exist.
    Idle { connections: usize },
}

impl Case {
    pub(crate) fn work(self) -> Work {
        let exchange = |connections, in_flight| Work::Exchange {
            connections,
            in_flight,
        };
        match self {
            Self::Exchange1 => exchange(1, 1),
            Self::Exchange1k => exchange(1_000, 64),
            Self::Exchange1kAll => exchange(1_000, 1_000),
            Self::Exchange100k => exchange(100_000, 64),
            Self::Connect => Work::Connect { at_once: 1 },
            Self::Connect64 => Work::Connect { at_once: 64 },
            Self::Bulk => Work::Bulk,
            Self::Idle => Work::Idle {
                connections: 10_000,
            },
        }
    }

    /// As the command line calls it.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// As the table calls it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Exchange1 => "exchanges, 1 connection",
            Self::Exchange1k => "exchanges, 1,000 connections, 64 under way",
            Self::Exchange1kAll => "exchanges, 1,000 connections, all under way",
            Self::Exchange100k => "exchanges, 100,000 connections, 64 under way",
            Self::Connect => "connections opened and closed, one at a time",
            Self::Connect64 => "connections opened and closed, 64 at a time",
            Self::Bulk => "bulk, one connection, MTU 1500",
            Self::Idle => "memory of an idle connection, both ends",
        }
    }

    /// What a figure of it counts, and how many operations make one of it.
    pub(crate) fn unit(self) -> (&'static str, f64) {
        match self.work() {
            Work::Exchange { .. } | Work::Connect { .. } => ("million/s", 1e6),
            // An operation is a byte.
            Work::Bulk => ("Gbit/s", 1e9 / 8.0),
            Work::Idle { .. } => ("bytes", 1.0),
        }
    }

    /// Who takes part. smoltcp looks at every socket for every packet: 100,000 connections would
    /// take minutes to be made, and show nothing that 1,000 do not.
    pub(crate) fn contestants(self) -> &'static [Contestant] {
        use Contestant::{ByHand, Parhelion, Smoltcp};
        match self {
            Self::Exchange1 | Self::Exchange1k | Self::Exchange1kAll => {
                &[Parhelion, Smoltcp, ByHand]
            }
            Self::Exchange100k => &[Parhelion],
            Self::Connect | Self::Connect64 | Self::Bulk | Self::Idle => &[Parhelion, Smoltcp],
        }
    }
}

/// When a run has done enough.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// After so many operations, in a time that advances by itself: the same work every time.
    Operations(u64),
    /// After so long, in real time.
    Time(Duration),
}

/// What a run found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measured {
    pub(crate) operations: u64,
    pub(crate) elapsed: Duration,
    /// What the connections added to the memory of the process.
    pub(crate) resident: u64,
}
