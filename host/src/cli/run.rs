//! What is said of an application of one's own, to the command and to the program made of it.

use core::str::FromStr;
use std::path::PathBuf;

use clap::{Args, Parser};

use super::{LinkChoice, Serving};

#[derive(Args, Debug)]
pub(crate) struct New {
    /// What it is called: a folder and a package of this name are made
    pub(crate) name: String,
}

#[derive(Args, Debug)]
pub(crate) struct Build {
    /// Take time to make it fast
    #[arg(long)]
    pub(crate) release: bool,

    /// Put the files of this directory into the program, as its storage
    #[arg(long, value_name = "DIR")]
    pub(crate) content: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) build: Build,

    #[command(flatten)]
    pub(crate) placing: Placing,
}

/// The command line of a program that `build` has made.
#[derive(Debug, Parser)]
pub(crate) struct Alone {
    #[command(flatten)]
    pub(crate) placing: Placing,

    /// Taken from `parhelion run`, and without effect here
    #[arg(long, hide = true)]
    release: bool,

    /// The same
    #[arg(long, hide = true)]
    content: Option<PathBuf>,
}

/// Where an application runs, and how it is offered there.
#[derive(Args, Debug)]
pub(crate) struct Placing {
    /// Where it runs: tap (our stack on a tap in a network namespace of its own, published on this
    /// machine), tap:NAME (on this tap), memory (no device at all), sockets (the kernel's stack),
    /// pcap:FILE (against the clients of a capture), sim or sim:SEED (a simulated network, in which
    /// one client asks for / and what comes is printed)
    #[arg(
        long,
        value_name = "PLACE",
        default_value = "tap",
        verbatim_doc_comment
    )]
    pub(crate) on: On,

    /// The application's files: a directory, or an archive; instead of those in the program, if any
    #[arg(long, value_name = "PATH")]
    pub(crate) storage: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) serving: Serving,
}

/// Where an application runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// On this machine; without a choice on a tap in a namespace of our own.
    Machine(Option<LinkChoice>),
    /// Against the clients of this capture.
    Capture(PathBuf),
    /// In a network from this seed.
    Simulation(u64),
}

impl FromStr for On {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "it is sockets, tap, tap:NAME, memory, pcap:FILE, sim or sim:SEED";
        match text.split_once(':').unwrap_or((text, "")) {
            ("tap", "") => Ok(Self::Machine(None)),
            ("sim", "") => Ok(Self::Simulation(1)),
            ("sim", seed) => seed.parse().map(Self::Simulation).map_err(|_| WRONG),
            ("pcap", file) if !file.is_empty() => Ok(Self::Capture(file.into())),
            ("tap", _) => text.parse().map(|link| Self::Machine(Some(link))),
            _ => text
                .parse()
                .map(|link| Self::Machine(Some(link)))
                .map_err(|_| WRONG),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart() {
        let machine = |link| Ok(On::Machine(link));
        assert_eq!("tap".parse(), machine(None));
        assert_eq!("sockets".parse(), machine(Some(LinkChoice::Sockets)));
        assert_eq!("memory".parse(), machine(Some(LinkChoice::Memory)));
        let tap = LinkChoice::Tap("tap0".to_owned());
        assert_eq!("tap:tap0".parse(), machine(Some(tap)));
        assert_eq!("pcap:a:b".parse(), Ok(On::Capture("a:b".into())));
        assert_eq!("sim".parse(), Ok(On::Simulation(1)));
        assert_eq!("sim:7".parse(), Ok(On::Simulation(7)));
        for wrong in ["", "pcap", "pcap:", "sim:x", "tap:a/b", "moon"] {
            assert!(wrong.parse::<On>().is_err(), "{wrong}");
        }
    }
}
