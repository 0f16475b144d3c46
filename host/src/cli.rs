//! The command line.

mod address;
mod memory;
mod project;

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::str::FromStr;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use stack::{Cidr, Mac};

pub(crate) use self::address::Address;
use self::address::parse_host;
pub(crate) use self::memory::Memory;
pub(crate) use self::project::{Alone, Below, Build, Making, New, On, Pack, Placing, Run, Symbols};
use crate::faults::FaultOptions;
use crate::sys;

/// Serve and fetch pages on a TCP/IP of our own.
///
/// A network stack written from scratch answers over a Linux tap; the same applications run on the
/// kernel's sockets.
#[derive(Debug, Parser)]
#[command(name = "parhelion", version, propagate_version = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve a directory, or a page that says what serves it
    ///
    /// Without --link no root and no set-up are needed: it makes a tap in a network namespace of its
    /// own, runs our stack on it, and publishes it on this machine.
    ///
    /// At /_/ it shows its inside: a live page, /_/metrics for Prometheus, /_/trace.pcapng for Wireshark.
    /// By default only clients with a loopback address see it (through the relay, the real client's
    /// counts) that ask for this host by an address or as localhost; --set inside=everyone shows it to all,
    /// --set inside=off to nobody: do that behind a proxy on this machine.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Serve),
    /// Fetch a URL
    ///
    /// Over the kernel's sockets, or with --link over our own stack.
    #[command(after_help = GET_EXAMPLES)]
    Get(Get),
    /// Play recorded clients against an application
    ///
    /// What the clients of a capture (pcap or pcapng) sent to one address goes to an application on our
    /// own stack, in the capture's own time. Their acknowledgements are rewritten to the numbers of our
    /// server, so that a whole conversation follows.
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(Replay),
    /// Begin an application of your own
    ///
    /// Makes a package in a folder of this name: a no_std library that serves a page, and a test.
    New(New),
    /// Build and run the application in this folder
    #[command(after_help = RUN_EXAMPLES)]
    Run(Run),
    /// Build the application in this folder, and print where the program is
    ///
    /// The program takes the options of `parhelion run`. With --on xen it is an operating system that Xen
    /// boots, and a configuration for `xl` is written beside it.
    #[command(after_help = BUILD_EXAMPLES)]
    Build(Build),
    /// Pack a directory into an archive, which `serve` and a guest of Xen (as its ramdisk) take for files
    Pack(Pack),
    /// Name the addresses in what a guest said when it ended
    ///
    /// Each line is printed, and below it the functions, with file and line, that its addresses lie in.
    Symbols(Symbols),
}

const BUILD_EXAMPLES: &str = "\
Examples:
  parhelion build --release
  parhelion build --on xen --release --content site/
  parhelion pack site/ -o site.archive     the same files beside the guest, as a ramdisk for xl";

const RUN_EXAMPLES: &str = "\
Examples:
  parhelion new hello && cd hello
  parhelion run                            our stack, published at http://127.0.0.1:8080/
  parhelion run --on sockets --port 8080
  sudo parhelion run --on tap:tap0 --host-address 10.0.0.1/24 --capture all.pcapng
  parhelion run --on sim:7 --faults loss=5%
  parhelion run --on xen --release         as an operating system, at http://127.0.0.1:8080/

On pcap:FILE of the options for a link only --capture counts, on sim only --faults, and xen takes only
--address, --gateway and --dns.";

const SERVE_EXAMPLES: &str = "\
Examples:
  parhelion serve                          a page at http://127.0.0.1:8080/
  parhelion serve site/ --publish 127.0.0.1:9000
  sudo parhelion serve site/ --link tap:tap0 --host-address 10.0.0.1/24
  parhelion serve site/ --link tap:tap0 --address dhcp
  parhelion serve site/ --link sockets --port 8080

Ends on Ctrl-C once running responses are finished; at once on a second Ctrl-C.
Exit codes: 0 ended as asked, 1 the machine refuses, 2 unusable command line or input.";

const GET_EXAMPLES: &str = "\
Examples:
  parhelion get http://127.0.0.1:8080/
  sudo parhelion get http://10.0.0.1:8000/file -o file --link tap:tap0
  sudo parhelion get http://example.org/ --link tap:tap0 --gateway 10.0.0.1 --dns 9.9.9.9";

const REPLAY_EXAMPLES: &str = "\
Examples:
  parhelion replay clients.pcapng site/
  parhelion replay clients.pcap --address 192.0.2.1 --out conversation.pcapng

Exit codes: 0 replayed, 1 the machine refuses, 2 unusable command line or a capture that goes wrong.";

#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// The directory to serve, or an archive made of one by parhelion-pack
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,

    /// The application: by default site with DIR, hello without
    #[arg(long)]
    pub(crate) app: Option<App>,

    #[command(flatten)]
    pub(crate) carrier: Carrier,

    #[command(flatten)]
    pub(crate) serving: Serving,
}

/// How an application is offered, whichever it is.
#[derive(Args, Debug)]
pub(crate) struct Serving {
    /// The port that the application listens on; 80 on our own stack
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,

    /// Where this machine offers it; 127.0.0.1:8080 unless there is a tap to reach our stack over
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) publish: Option<SocketAddr>,

    #[command(flatten)]
    pub(crate) link: LinkOptions,

    /// The most connections at a time
    #[arg(long, value_name = "N", default_value_t = Self::MAX_CONNECTIONS, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub(crate) max_connections: u32,

    /// Memory for buffers, 256M by default; on Xen all of the guest's, 64M by default
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<Memory>,

    /// A setting of the application; inside=loopback (the default), everyone or off says who may look
    /// inside, at /_/
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,

    /// A file to write once it serves, with the URL in it
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

#[derive(Args, Debug)]
pub(crate) struct Get {
    /// What to fetch, such as http://10.0.0.2/
    pub(crate) url: String,

    /// Where to put it; standard output by default
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) carrier: Carrier,

    #[command(flatten)]
    pub(crate) link: LinkOptions,

    /// Memory for buffers
    #[arg(long, value_name = "SIZE", default_value = "64M")]
    pub(crate) memory: Memory,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

#[derive(Args, Debug)]
pub(crate) struct Replay {
    /// The capture
    #[arg(value_name = "IN.pcap")]
    pub(crate) input: PathBuf,

    /// The directory to serve, or an archive made of one by parhelion-pack
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,

    /// The application: by default site with DIR, hello without
    #[arg(long)]
    pub(crate) app: Option<App>,

    /// The server whose clients are meant; by default the one of the first connection
    #[arg(long, value_name = "ADDR")]
    pub(crate) address: Option<Ipv4Addr>,

    /// A file to write the conversation to (pcapng)
    #[arg(long, value_name = "OUT.pcap")]
    pub(crate) out: Option<PathBuf>,

    /// Say more about what happens; twice says how
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// What is below.
#[derive(Args, Clone, Debug)]
pub(crate) struct Carrier {
    /// What carries the frames: tap:NAME (attached if it exists, made if not), sockets (the kernel's
    /// stack instead of ours) or memory (no device at all)
    #[arg(long, value_name = "LINK")]
    link: Option<LinkChoice>,
}

/// The link, and who we are on it.
#[derive(Args, Clone, Debug)]
pub(crate) struct LinkOptions {
    /// What carries the frames, as the command has it from elsewhere: `--link`, or `run --on`.
    #[arg(skip)]
    pub(crate) link: Option<LinkChoice>,

    /// Our address on the link, with its network; or dhcp: what a server on the tap says
    #[arg(long, value_name = "ADDR/LEN", default_value = "10.0.0.2/24")]
    pub(crate) address: Address,

    /// An address to give to the kernel's side of the tap
    #[arg(long, value_name = "ADDR/LEN", value_parser = parse_host)]
    pub(crate) host_address: Option<Cidr>,

    /// The router to other networks
    #[arg(long, value_name = "ADDR")]
    pub(crate) gateway: Option<Ipv4Addr>,

    /// Whom to ask for the addresses of names (up to three times); by default the machine's servers
    /// where it is the machine's stack
    #[arg(long, value_name = "ADDR")]
    pub(crate) dns: Vec<IpAddr>,

    /// Our hardware address; by default a random one (to each a DHCP server lends an address of its own)
    #[arg(long, value_name = "MAC", value_parser = parse_mac)]
    pub(crate) mac: Option<Mac>,

    /// The most bytes of an IP packet; set on the kernel's side of the tap too
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(576..=65_521))]
    pub(crate) mtu: Option<u16>,

    #[command(flatten)]
    pub(crate) faults: FaultOptions,

    /// A file to write all frames of the link to, for Wireshark (pcapng)
    #[arg(long, value_name = "FILE")]
    pub(crate) capture: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct OutputOptions {
    /// Print no line for each request, and no progress
    #[arg(short, long)]
    pub(crate) quiet: bool,

    /// Say more about what happens; twice says how
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// The applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum App {
    /// A page that says what serves it
    Hello,
    /// The files of a directory
    Site,
    /// Fixed and endless answers, for measuring
    Bench,
}

impl App {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Site => "site",
            Self::Bench => "bench",
        }
    }
}

/// What carries the frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LinkChoice {
    /// A tap of this name in the current network namespace.
    Tap(String),
    /// The kernel's stack.
    Sockets,
    /// Our own client stack, joined to the server's in memory.
    Memory,
}

impl FromStr for LinkChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "sockets" => Ok(Self::Sockets),
            None if text == "memory" => Ok(Self::Memory),
            Some(("tap", name)) if is_interface_name(name) => Ok(Self::Tap(name.to_owned())),
            Some(("tap", _)) => Err("an interface's name has 1 to 15 letters, digits or signs"),
            _ => Err("it is tap:NAME, sockets or memory"),
        }
    }
}

/// What the kernel takes for a name (`dev_valid_name`), less `%`, which asks it to number.
fn is_interface_name(name: &str) -> bool {
    let unusable = |character: char| !character.is_ascii_graphic() || "/:%".contains(character);
    (1..=sys::NAME_LEN).contains(&name.len())
        && !matches!(name, "." | "..")
        && !name.contains(unusable)
}

impl Serve {
    /// Which application, from which directory, how.
    pub(crate) fn parts(self) -> (Option<App>, Option<PathBuf>, Serving) {
        let mut serving = self.serving;
        serving.link.link = self.carrier.link;
        (self.app, self.directory, serving)
    }
}

impl Serving {
    pub(crate) const MAX_CONNECTIONS: u32 = 10_000;

    /// Memory for buffers.
    pub(crate) fn memory(&self) -> Memory {
        self.memory.unwrap_or(Memory { bytes: 256 << 20 })
    }
}

impl Get {
    /// The link with what carries it.
    pub(crate) fn link(&self) -> LinkOptions {
        LinkOptions {
            link: self.carrier.link.clone(),
            ..self.link.clone()
        }
    }
}

impl LinkOptions {
    /// The setting that says whom to ask for names; `None` without the option.
    pub(crate) fn dns_setting(&self) -> Option<String> {
        let servers: Vec<String> = self.dns.iter().map(IpAddr::to_string).collect();
        (!servers.is_empty()).then(|| servers.join(","))
    }
}

fn parse_mac(text: &str) -> Result<Mac, String> {
    let mac: Mac = text.parse().map_err(|error| format!("{error}"))?;
    match mac.is_station() {
        true => Ok(mac),
        false => Err("it is not the address of one station".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_description_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn links_are_told_apart() {
        assert_eq!("sockets".parse(), Ok(LinkChoice::Sockets));
        assert_eq!("memory".parse(), Ok(LinkChoice::Memory));
        assert_eq!("tap:tap0".parse(), Ok(LinkChoice::Tap("tap0".to_owned())));
        for wrong in [
            "",
            "tap",
            "tap:",
            "tap:a b",
            "tap:..",
            "tap:a/b",
            "tap:tap%d",
            "tap:0123456789abcdef",
            "eth0",
            "tun:x",
        ] {
            assert!(wrong.parse::<LinkChoice>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_group_is_nobodys_hardware_address() {
        assert!(parse_mac("02:00:00:00:00:01").is_ok());
        assert!(parse_mac("01:00:5e:00:00:01").is_err());
        assert!(parse_mac("ff:ff:ff:ff:ff:ff").is_err());
        assert!(parse_mac("00:00:00:00:00:00").is_err());
    }
}
