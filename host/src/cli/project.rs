//! What is said of an application of one's own, to the command and to the program made of it.

use core::str::FromStr;
use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};

use super::{LinkChoice, Serving};

#[derive(Args, Debug)]
pub(crate) struct New {
    /// What it is called: a folder and a package of this name are made
    pub(crate) name: String,
}

#[derive(Args, Debug)]
pub(crate) struct Build {
    /// What it is to run on
    #[arg(long, value_name = "PLACE", default_value = "linux")]
    pub(crate) on: Below,

    #[command(flatten)]
    pub(crate) making: Making,
}

/// What a program runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Below {
    /// A program of Linux, which takes the options of `parhelion run`
    Linux,
    /// An operating system of its own, which Xen boots; beside it stands how, for `xl`
    Xen,
}

/// How a program is made of an application.
#[derive(Args, Debug)]
pub(crate) struct Making {
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
    pub(crate) making: Making,

    #[command(flatten)]
    pub(crate) placing: Placing,
}

#[derive(Args, Debug)]
pub(crate) struct Pack {
    /// The directory
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,

    /// Where to put the archive
    #[arg(short, long, value_name = "FILE", default_value = "site.archive")]
    pub(crate) output: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Symbols {
    /// The guest's program, as `parhelion build --on xen` has made it (it looks for the names in the
    /// file NAME.symbols.elf beside it)
    #[arg(value_name = "ELF")]
    pub(crate) program: PathBuf,

    /// What it said; standard input by default
    #[arg(value_name = "LOG")]
    pub(crate) log: Option<PathBuf>,
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
    /// one client asks for / and what comes is printed), xen (as an operating system of its own, on a
    /// real Xen that is emulated here, published on this machine)
    #[arg(long, value_name = "PLACE", default_value = "tap")]
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
    /// As an operating system, in the Xen lab.
    Xen,
}

impl FromStr for On {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "it is sockets, tap, tap:NAME, memory, pcap:FILE, sim, sim:SEED or xen";
        match text.split_once(':').unwrap_or((text, "")) {
            ("tap", "") => Ok(Self::Machine(None)),
            ("xen", "") if text == "xen" => Ok(Self::Xen),
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
        assert_eq!("xen".parse(), Ok(On::Xen));
        for wrong in ["", "pcap", "pcap:", "sim:x", "tap:a/b", "xen:1", "moon"] {
            assert!(wrong.parse::<On>().is_err(), "{wrong}");
        }
    }
}
