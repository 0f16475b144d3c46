//! `parhelion get`: our HTTP client.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::rc::Rc;

use dns::Resolver;
use http::{BadUrl, Url, client};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use runtime::{Config, Env, Flow, Nothing};
use stack::Tenant;

use crate::capture::Recording;
use crate::cli::{Address, Get, LinkChoice, LinkOptions};
use crate::failure::{Failure, reason};
use crate::machine::{self, Machine};
use crate::partial_file::PartialFile;
use crate::{faults, links, names, sandbox, tenant};

/// How long the server may say nothing at all.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the last acknowledgements may take once everything is here.
const GRACE: Duration = Duration::from_secs(2);

/// Fetches what the command line says.
pub(crate) fn run(options: Get) -> Result<(), Failure> {
    let url = Url::parse(&options.url).map_err(|error: BadUrl| {
        Failure::unusable(format!("cannot fetch {}: {error}", options.url))
    })?;
    let link = options.link();
    link.check()?;
    let is_ours = !matches!(link.link, None | Some(LinkChoice::Sockets));
    link.faults.check(is_ours)?;
    let recording = Recording::open(link.capture.as_deref(), is_ours)?;
    let target = Target::open(options.file.as_deref())?;
    let mut machine = Machine::new(16, true)?;
    machine.recording = recording;
    let pool = machine::pool(options.memory.bytes);
    let mut tenant = None;
    let net = match &link.link {
        None | Some(LinkChoice::Sockets) => {
            let sockets = machine.sockets(&pool, 16);
            sockets as Rc<dyn runtime::Network>
        }
        Some(LinkChoice::Tap(name)) => {
            let net = links::over_tap(&mut machine, name, &link, &pool, 16)?;
            if link.address == Address::Dhcp {
                tenant = Some(Tenant::new(&net, &format!("tap {name}")));
            }
            Rc::new(net)
        }
        Some(LinkChoice::Memory) => {
            return Err(Failure::unusable(
                "--link memory has nobody at its other end: use sockets or tap:NAME",
            ));
        }
    };
    let listed = match is_ours {
        true => vec![],
        false => names::listed(url.host),
    };
    let env = machine.env(net, Rc::new(Nothing), settings(&link)?);
    let (address_line, quiet) = (options.url.clone(), options.output.quiet);
    let fetch = async move {
        let url =
            Url::parse(&address_line).map_err(|error| Failure::unusable(format!("{error}")))?;
        let fetch = async {
            if let Some(tenant) = &mut tenant {
                // Standard output may be the body.
                tenant::settle(tenant, &env, |line| say(line, quiet)).await?;
            }
            fetch(&env, &url, &listed, target, quiet).await
        };
        let interrupted = || Err(Failure::refused("interrupted: nothing was kept"));
        env.until_shutdown(fetch).await.unwrap_or_else(interrupted)
    };
    sandbox::give_up_capabilities()
        .map_err(|error| Failure::refused(format!("cannot give up rights: {}", reason(&error))))?;
    let ended = machine.run(fetch, GRACE);
    let captured = machine.recording.as_ref().map(Recording::finish);
    let ended = ended?;
    if let Some(faults) = machine.faults.filter(|_| !options.output.quiet) {
        // Standard output may be the body.
        eprintln!("sent      {}", faults::line(faults.outward()));
        eprintln!("received  {}", faults::line(faults.inward()));
    }
    ended.unwrap_or_else(|| Err(Failure::refused("interrupted: nothing was kept")))?;
    captured.transpose().map(drop)
}

fn say(line: &str, quiet: bool) {
    if !quiet {
        eprintln!("{line}");
    }
}

fn settings(options: &LinkOptions) -> Result<Config, Failure> {
    let mut config = Config::default();
    if let Some(servers) = options.dns_setting() {
        config
            .set(&format!("dns={servers}"))
            .map_err(|error| Failure::unusable(format!("--dns: {error}")))?;
    }
    Ok(config)
}

async fn fetch(
    env: &Env,
    url: &Url<'_>,
    listed: &[IpAddr],
    mut target: Target,
    quiet: bool,
) -> Result<(), Failure> {
    let host = url.authority;
    let addresses = resolve(env, url, listed).await?;
    let mut flow = connect(env, host, &addresses).await?;
    packet::Transport::deadline(&mut flow, Some(env.clock.now() + PATIENCE));
    let limits = http::Limits {
        body: u64::MAX,
        ..http::Limits::default()
    };
    let mut download = client::get(flow, url, &limits)
        .await
        .map_err(|error| Failure::refused(format!("{host}: {error}")))?;
    let status = download.status();
    if !(200..300).contains(&status.0) {
        let place = download.fields().first("location");
        let hint = place.map(|place| format!(": it is at {}", place.escape_ascii()));
        return Err(Failure::refused(format!(
            "{host} answers {} {}{}",
            status.0,
            status.reason(),
            hint.unwrap_or_default()
        )));
    }
    let progress = progress(download.length(), quiet || target.shows_itself());
    loop {
        download.deadline(Some(env.clock.now() + PATIENCE));
        let received = download.receive().await;
        let Some(chunk) = received.map_err(|error| Failure::refused(format!("{host}: {error}")))?
        else {
            break;
        };
        target.write(&chunk)?;
        progress.inc(chunk.len() as u64);
    }
    progress.finish_and_clear();
    target.keep()
}

/// Tries one address after the other.
async fn connect(env: &Env, host: &str, addresses: &[SocketAddr]) -> Result<Flow, Failure> {
    let mut last = Failure::refused(format!("{host} has no address that this link reaches"));
    for address in addresses {
        match env.timeout(PATIENCE, env.connect(*address)).await {
            Ok(Ok(flow)) => return Ok(flow),
            Ok(Err(error)) | Err(error) => {
                last = Failure::refused(format!("cannot connect to {address}: {error}"));
            }
        }
    }
    Err(last)
}

/// Where the URL's host may be: itself if it is an address, what the machine's own list says, or what
/// name servers say.
async fn resolve(env: &Env, url: &Url<'_>, listed: &[IpAddr]) -> Result<Vec<SocketAddr>, Failure> {
    let at_port = |address: IpAddr| SocketAddr::new(address, url.port);
    if let Ok(address) = url.host.parse() {
        return Ok(vec![at_port(address)]);
    }
    if !listed.is_empty() {
        return Ok(listed.iter().copied().map(at_port).collect());
    }
    let resolver = Resolver::new(env).map_err(|error| Failure::unusable(error.to_string()))?;
    let found = resolver.resolve(url.host).await.map_err(|error| {
        let host = url.host;
        if error == dns::Error::BadName {
            return Failure::unusable(format!("cannot fetch from {host}: {error}"));
        }
        let advice = match error {
            dns::Error::NoServer => ": name one with --dns",
            dns::Error::TimedOut | dns::Error::Network(_) => ": name another with --dns",
            _ => "",
        };
        Failure::refused(format!(
            "cannot find the address of {host}: {error}{advice}"
        ))
    })?;
    Ok(found
        .into_iter()
        .map(|address| at_port(address.into()))
        .collect())
}

/// Where the body goes.
enum Target {
    Output,
    File(PartialFile),
}

impl Target {
    fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            return Ok(Self::Output);
        };
        let file = PartialFile::create(path).map_err(|error| {
            let (path, why) = (path.display(), reason(&error));
            Failure::unusable(format!(
                "cannot write {path}: {why}: choose another with -o"
            ))
        })?;
        Ok(Self::File(file))
    }

    /// Whether progress would be drawn into the body.
    fn shows_itself(&self) -> bool {
        matches!(self, Self::Output) && io::stdout().is_terminal()
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = match self {
            Self::Output => io::stdout().write_all(bytes),
            Self::File(file) => file.write_all(bytes),
        };
        written.map_err(|error| Failure::refused(format!("cannot write: {}", reason(&error))))
    }

    /// Gives the file its name: it is whole.
    fn keep(self) -> Result<(), Failure> {
        let kept = match self {
            Self::Output => io::stdout().flush(),
            Self::File(file) => file.keep(),
        };
        kept.map_err(|error| Failure::refused(format!("cannot write: {}", reason(&error))))
    }
}

fn progress(len: Option<u64>, hidden: bool) -> ProgressBar {
    const WITH_LENGTH: &str =
        "{bar:40.cyan} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left";
    const WITHOUT: &str = "{spinner} {bytes}, {binary_bytes_per_sec}";
    let bar = match hidden {
        true => ProgressBar::with_draw_target(len, ProgressDrawTarget::hidden()),
        // Not drawn either where standard error is no terminal.
        false => ProgressBar::with_draw_target(len, ProgressDrawTarget::stderr()),
    };
    let template = if len.is_some() { WITH_LENGTH } else { WITHOUT };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
