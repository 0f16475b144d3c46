//! `parhelion replay`: an application against the clients of a recording.
//!
//! A client of a recording cannot hear us: it acknowledges what another server sent it, then. So what
//! it says of the server's stream is translated to ours (`conversation`), and it says all else as it
//! did: its requests, losses, windows, resets, and when.
//!
//! | file | holds |
//! |---|---|
//! | `plan` | what must be known before: the file is read twice |
//! | `conversation`, `stream`, `segment` | one connection, translated |
//! | `link` | the link that our stack has: recording, translation, and a router |
//! | `place` | the recording's time |
//! | `tally` | what is printed |

mod conversation;
mod link;
mod place;
mod plan;
mod segment;
mod stream;
mod tally;

use core::cell::RefCell;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use std::fs::{self, File};
use std::io::{self, BufReader, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::rc::Rc;

use packet::{Instant, Secrets};
use pcap::{Frames, PcapLink, Reader, Recorder};
use runtime::{Config, Driver, Entropy, Env, Executor};
use stack::Cidr;

use self::link::{Parts, Replay};
use self::place::{CaptureTime, Ending};
use self::plan::{MAX_CONVERSATIONS, Plan};
use self::tally::{Quiet, Tally};
use crate::application::Application;
use crate::capture::create;
use crate::cli;
use crate::failure::{Failure, reason};
use crate::files::Files;
use crate::machine;
use crate::sandbox;
use crate::serve::{application, set};

/// How long, in the recording's time, running responses may take once it is over.
const GRACE: Duration = Duration::from_secs(60);

/// When the first frame arrives: the application listens by then.
const LEAD: Instant = Instant::from_millis(100);

/// Memory for buffers.
const MEMORY: usize = 256 << 20;

/// What our server takes in at once: as much as a recorded one may have.
const RECEIVE_BUFFER: usize = 6 << 20;

/// Our server's hardware address.
const MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

const MTU: u16 = 1500;

/// The same in every run, so that the same recording has the same replay.
const SEED: [u8; 32] = [7; 32];

/// Plays what the command line says.
pub(crate) fn run(options: &cli::Replay) -> Result<(), Failure> {
    let app = application(options.app, options.directory.as_deref())?;
    play(app.into(), Config::default(), options)
}

/// Plays a recording's clients against this application.
pub(crate) fn play(app: Application, config: Config, options: &cli::Replay) -> Result<(), Failure> {
    let input = &options.input;
    let plan = Plan::read(Frames::new(open(input)?), options.address);
    let server = server(&plan, input, options.address)?;
    let pool = machine::pool(MEMORY);
    let files = Files::open(options.directory.as_deref(), app.content, &pool)?;
    let link = PcapLink::new(open(input)?, MAC, MTU, pool.clone()).beginning_at(LEAD);
    let (start, report) = (link.start(), link.report());
    let out = match &options.out {
        None => None,
        Some(path) => Some(Recorder::starting_at(start, create_out(path, input)?)),
    };
    sandbox::enter(files.directory())
        .map_err(|error| Failure::refused(format!("cannot give up rights: {}", reason(&error))))?;

    let tally = Rc::new(RefCell::new(Tally::default()));
    let parts = Parts {
        report: Rc::clone(&report),
        address: *server.ip(),
        plan,
        pool: pool.clone(),
        out: out.clone(),
        tally: Rc::clone(&tally),
    };
    let link = Box::new(Replay::new(link, parts));
    let stage = Stage {
        net: stack::Net::new(link, pool, &Secrets::new(SEED), &host(*server.ip())?),
        files,
        config: placed(config, server.port())?,
        start,
        report: Rc::clone(&report),
    };
    let took = stage.play(app)?;
    let report = report.borrow();
    let text = summary(input, server, &report, took, &tally.borrow());
    text.and_then(|text| io::stdout().write_all(&text))
        .map_err(|error| Failure::refused(format!("cannot write: {}", reason(&error))))?;
    finish(options, out.as_ref())?;
    match &report.error {
        None => Ok(()),
        Some(error) => Err(Failure::unusable(format!(
            "{}: {error}: what is before it was replayed",
            input.display()
        ))),
    }
}

/// All that an application is played on.
struct Stage {
    net: stack::Net,
    files: Files,
    config: Config,
    /// When the clock starts, since 1970-01-01 UTC.
    start: Duration,
    report: Rc<RefCell<pcap::Report>>,
}

impl Stage {
    /// Runs the application until the recording is over; tells how long that took in its time. The
    /// link goes with the stage, and tells what became of its conversations then.
    fn play(self, app: Application) -> Result<Duration, Failure> {
        let executor = Executor::new(MAX_CONVERSATIONS + 16);
        let ending = Rc::new(Ending::new(&self.report, &executor, LEAD));
        let mut drivers: Vec<Rc<dyn Driver>> =
            vec![Rc::new(self.net.clone()), Rc::<Ending>::clone(&ending)];
        drivers.extend(self.files.driver());
        let env = Env {
            net: Rc::new(self.net.clone()),
            clock: executor.clock().clone(),
            console: Rc::new(Quiet),
            inspect: Rc::new(self.net),
            storage: self.files.storage(),
            config: Rc::new(self.config),
            entropy: Entropy::new(&Secrets::new(SEED)),
            tasks: executor.clone(),
        };
        let mut place = CaptureTime::new(self.start);
        let ended = runtime::run(&mut place, &drivers, &executor, app.start(env), GRACE)
            .map_err(|error| Failure::refused(format!("cannot start: {error}")))?;
        match ended {
            Some(Err(failure)) => Err(Failure::refused(format!(
                "the application ended: {failure}"
            ))),
            Some(Ok(())) | None => Ok(ending.took()),
        }
    }
}

/// Makes the file for the conversation, which must not be the recording: that is still being read.
fn create_out(path: &Path, input: &Path) -> Result<File, Failure> {
    let identity = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino()));
    match (identity(path), identity(input)) {
        (Ok(out), Ok(input)) if out == input => Err(Failure::unusable(format!(
            "--out {} is the recording itself: choose another file",
            path.display()
        ))),
        _ => create(path, "--out"),
    }
}

fn open(path: &Path) -> Result<Reader<BufReader<File>>, Failure> {
    let unusable = |why: String| {
        let path = path.display();
        Failure::unusable(format!("cannot replay {path}: {why}: name a capture file"))
    };
    let file = File::open(path).map_err(|error| unusable(reason(&error)))?;
    Reader::new(BufReader::new(file)).map_err(|error| unusable(error.to_string()))
}

/// Whose clients are replayed.
fn server(plan: &Plan, input: &Path, asked: Option<Ipv4Addr>) -> Result<SocketAddrV4, Failure> {
    let input = input.display();
    let Some(server) = plan.server else {
        let to = asked.map_or_else(String::new, |address| format!(" to {address}"));
        return Err(Failure::unusable(format!(
            "{input} has no connection{to} from its start: record one, or name another --address"
        )));
    };
    let address = *server.ip();
    if address.is_loopback() || address.is_unspecified() || address.is_multicast() {
        return Err(Failure::unusable(format!(
            "{input} has connections to {address}, which is on no link: record between two hosts"
        )));
    }
    Ok(server)
}

/// A host at `address`, with everybody else behind one router.
fn host(address: Ipv4Addr) -> Result<stack::Config, Failure> {
    // A large network: the addresses that mean all of one are then no client's.
    let network = Cidr::new(address, 8).filter(|network| !network.is_group(address));
    let network =
        network.ok_or_else(|| Failure::unusable(format!("{address} is no host's address")))?;
    // Any other host in it: it is only asked for.
    let others = [1, 2].map(|bit| Ipv4Addr::from_bits(address.to_bits() ^ bit));
    let router = others.into_iter().find(|other| !network.is_group(*other));
    let mut config = stack::Config::new(network);
    config.gateway = router;
    config.tcp.receive_buffer = RECEIVE_BUFFER;
    Ok(config)
}

/// The settings, with what the recording says.
fn placed(mut config: Config, port: u16) -> Result<Config, Failure> {
    set(&mut config, "port", &port.to_string())?;
    set(&mut config, "place", "a recording")?;
    Ok(config)
}

fn summary(
    input: &Path,
    server: SocketAddrV4,
    report: &pcap::Report,
    took: Duration,
    tally: &Tally,
) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    writeln!(
        text,
        "{}: {} frames in {:.6} s, to {server}",
        input.display(),
        report.frames,
        took.as_secs_f64()
    )?;
    tally.print(&report.anomalies, &mut text)?;
    writeln!(
        text,
        "  acknowledgement numbers and timestamp echoes were rewritten to those of our server"
    )?;
    Ok(text)
}

fn finish(options: &cli::Replay, out: Option<&Recorder>) -> Result<(), Failure> {
    let (Some(path), Some(out)) = (&options.out, out) else {
        return Ok(());
    };
    let line = crate::capture::finish(out, path)?;
    // Standard output that nobody reads does not undo the replay.
    let _ = writeln!(io::stdout(), "  written: {line}");
    Ok(())
}

#[cfg(test)]
mod tests;
