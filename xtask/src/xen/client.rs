//! What clients do: curl and ping at the wire's other end, busybox's wget in dom0.

use core::time::Duration;
use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Instant;

use super::files::io;
use super::machine::Machine;

/// Until a guest answers for the first time.
const PATIENCE: Duration = Duration::from_secs(60);

/// For each connection: what came, how much, and on how many new connections.
const TOLD: &str = "%{http_code} %{size_download} %{num_connects}\n";

/// Waits until this address serves a page, and tells how long that took.
pub(crate) fn first_page(machine: &Machine, address: &str) -> Result<Duration, String> {
    let (start, url) = (Instant::now(), format!("http://{address}/"));
    loop {
        // It sends again so soon that it does not matter when the guest began to listen.
        let fetched = curl(machine, &["--connect-timeout", "0.2", &url]);
        match fetched {
            Ok(_) => return Ok(start.elapsed()),
            Err(why) if start.elapsed() > PATIENCE => return Err(why),
            Err(_) => {}
        }
    }
}

/// A page, as text.
pub(crate) fn page(machine: &Machine, address: &str, path: &str) -> Result<String, String> {
    curl(machine, &[&format!("http://{address}{path}")])
}

/// A connection for each of `count` requests, one after the other.
pub(crate) fn sequential(machine: &Machine, address: &str, count: u32) -> Result<Duration, String> {
    let url = format!("http://{address}/?[1-{count}]");
    many(machine, count, &[&url])
}

/// Fetches all that a URL names.
pub(crate) fn bytes(machine: &Machine, url: &str) -> Result<Duration, String> {
    let start = Instant::now();
    curl(machine, &["--output", "/dev/null", url])?;
    Ok(start.elapsed())
}

/// A client that asks again at once until it is answered: it ends then.
pub(crate) fn impatient(machine: &Machine, address: &str) -> Result<Child, String> {
    const ASK: &str = "until curl -s -f -o /dev/null --connect-timeout 0.02 -m 2 $0; do :; done";
    machine.begin_outside(&["sh", "-c", ASK, &format!("http://{address}/")])
}

/// As many requests, one after the other, on one connection.
pub(crate) fn on_one(machine: &Machine, address: &str, count: u32) -> Result<Duration, String> {
    let start = Instant::now();
    let url = format!("http://{address}/?[1-{count}]");
    let said = curl(
        machine,
        &["--output", "/dev/null", "--write-out", TOLD, &url],
    )?;
    let connections: u32 = said
        .lines()
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u32>().ok())
        .sum();
    match (said.lines().count(), connections) {
        (lines, 1) if lines == count as usize => Ok(start.elapsed()),
        (lines, _) => Err(format!("{lines} responses on {connections} connections")),
    }
}

/// `count` connections at the same time, each for the same.
pub(crate) fn parallel(machine: &Machine, url: &str, count: u32) -> Result<Duration, String> {
    let url = format!("{url}?[1-{count}]");
    let at_once = count.to_string();
    let arguments = ["--parallel", "--parallel-immediate", "--parallel-max"];
    many(
        machine,
        count,
        &[&arguments[..], &[&at_once, &url]].concat(),
    )
}

/// Requests that curl makes of one URL with a range in it, each on a connection of its own.
fn many(machine: &Machine, count: u32, arguments: &[&str]) -> Result<Duration, String> {
    let start = Instant::now();
    let quietly = [
        "--header",
        "Connection: close",
        "--output",
        "/dev/null",
        "--write-out",
        TOLD,
    ];
    let said = curl(machine, &[&quietly, arguments].concat())?;
    let good = |line: &&str| line.starts_with("200 ") && line.ends_with(" 1");
    let good = said.lines().filter(good).count();
    match good == count as usize {
        true => Ok(start.elapsed()),
        false => Err(format!(
            "{good} of {count} requests were answered well:\n{said}"
        )),
    }
}

/// Fetches a file; it must be `original`, byte for byte. `scratch` is overwritten.
pub(crate) fn same_file(
    machine: &Machine,
    url: &str,
    original: &Path,
    scratch: &Path,
) -> Result<Duration, String> {
    let start = Instant::now();
    curl(machine, &["--output", &scratch.display().to_string(), url])?;
    let took = start.elapsed();
    let (sent, got) = (digest(original)?, digest(scratch)?);
    match sent == got {
        true => Ok(took),
        false => Err(format!("SHA-256 of {url} is {got}, not {sent}")),
    }
}

/// The same by dom0's wget, without a wire between.
pub(crate) fn same_file_in_dom0(
    machine: &mut Machine,
    url: &str,
    original: &Path,
) -> Result<String, String> {
    let said = machine.ask(&format!("fetch {url}"))?;
    let sent = digest(original)?;
    match said.contains(&sent) {
        true => Ok(format!("SHA-256 {sent}")),
        false => Err(format!("in dom0, SHA-256 of {url} is {said}, not {sent}")),
    }
}

/// Sends a file to an application that answers with its length.
pub(crate) fn upload(machine: &Machine, url: &str, file: &Path) -> Result<Duration, String> {
    let start = Instant::now();
    let data = format!("@{}", file.display());
    let said = curl(
        machine,
        &["--header", "Expect:", "--data-binary", &data, url],
    )?;
    let len = fs::metadata(file).map_err(io(file))?.len();
    match said.trim() == len.to_string() {
        true => Ok(start.elapsed()),
        false => Err(format!("it says that it got {said:?}, not {len}")),
    }
}

/// Five of them; the last line tells how long they took.
pub(crate) fn ping(machine: &Machine, address: &str) -> Result<String, String> {
    let ping = ["ping", "-q", "-c", "5", "-i", "0.2", "-W", "5", address];
    let said = machine.outside(&ping)?;
    Ok(said.lines().last().unwrap_or_default().to_owned())
}

fn curl(machine: &Machine, arguments: &[&str]) -> Result<String, String> {
    let curl = [
        "curl",
        "--silent",
        "--show-error",
        "--fail",
        "--max-time",
        "120",
    ];
    machine.outside(&[&curl, arguments].concat())
}

/// A file's SHA-256, as the program of that name has it.
fn digest(file: &Path) -> Result<String, String> {
    let done = Command::new("sha256sum").arg(file).output();
    let said = done
        .map_err(|error| format!("cannot run sha256sum: {error}"))?
        .stdout;
    let said = String::from_utf8_lossy(&said);
    let digest = said.split(' ').next().unwrap_or_default();
    match digest.len() {
        64 => Ok(digest.to_owned()),
        _ => Err(format!("sha256sum says nothing of {}", file.display())),
    }
}
