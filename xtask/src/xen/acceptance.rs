//! What must hold of our guests on a real Xen, in the order in which it is looked at: while a lease runs,
//! the others have their turn.

use core::time::Duration;
use std::collections::BTreeSet;
use std::thread;

use super::client;
use super::guest::REBOOT;
use super::lab::{Lab, seconds};
use crate::outcome::Outcome;

/// Looks at one thing of a guest, and tells what it saw.
type Check = fn(&mut Lab, &str) -> Result<String, String>;

/// A guest, what is looked at, and how.
const CHECKS: [(&str, &str, Check); 24] = [
    ("lease", "is lent an address", lent),
    ("hello", "boots", boots),
    ("hello", "serves dom0", in_dom0),
    ("hello", "answers pings", pinged),
    ("hello", "1,000 connections one by one", sequential),
    ("hello", "64 connections at once", parallel),
    ("file", "boots", boots),
    ("file", "16 MiB are what they were", same),
    ("lease", "is extended by its server", renewed),
    ("file", "16 MiB in dom0 too", same_in_dom0),
    ("file", "sends super-frames", sends_super_frames),
    ("module", "boots", boots),
    ("module", "16 MiB are what they were", same),
    ("module", "16 MiB in dom0 too", same_in_dom0),
    ("small", "boots", boots),
    ("small", "1 MiB to 64 clients at once", parallel_files),
    ("bench", "boots", boots),
    ("bench", "takes 16 MiB", uploaded),
    ("bench", "receives super-frames", receives_super_frames),
    ("hello", "sleeps when it has nothing to do", idles),
    ("lease", "is extended by another server", rebound),
    ("lease", "is refused and asks anew", refused),
    ("hello", "gets another network card", attached),
    ("hello", "is rebooted", rebooted),
];

/// Checks all of it, then sees every guest shut down.
pub(super) fn run(lab: &mut Lab) -> Outcome {
    let mut total = Outcome::default();
    let mut told = BTreeSet::new();
    for (name, what, check) in CHECKS {
        let result = check(lab, name);
        if result.is_err() && told.insert(name) {
            println!("{name} has said:\n{}", lab.said(name));
        }
        total += tell(name, what, result);
    }
    let lives = core::mem::take(&mut lab.lives);
    for (name, life) in lives {
        let result = life.shut_down(&mut lab.machine);
        total += tell(&name, "shuts down", result.map(seconds));
    }
    total
}

fn tell(name: &str, what: &str, result: Result<String, String>) -> Outcome {
    match &result {
        Ok(detail) => println!("{name:<8}{what:<36}{detail}"),
        Err(why) => println!("{name:<8}{what:<36}FAILED: {why}"),
    }
    Outcome::of(result.is_ok())
}

fn boots(lab: &mut Lab, name: &str) -> Result<String, String> {
    lab.create(name, "")?;
    let took = client::first_page(&lab.machine, &lab.guest(name)?.address())?;
    let memory = lab.guest(name)?.memory;
    Ok(format!("{memory} MiB, a page after {}", seconds(took)))
}

fn in_dom0(lab: &mut Lab, name: &str) -> Result<String, String> {
    let address = lab.guest(name)?.address();
    let page = lab
        .machine
        .ask(&format!("wget -q -O - http://{address}/"))?;
    // It says who asked.
    match page.contains("10.0.0.3:") && page.contains("</html>") {
        true => Ok(format!("{} bytes", page.len())),
        false => Err(format!("the page is {page:?}")),
    }
}

fn pinged(lab: &mut Lab, name: &str) -> Result<String, String> {
    let address = lab.guest(name)?.address();
    client::ping(&lab.machine, &address)
}

fn sequential(lab: &mut Lab, name: &str) -> Result<String, String> {
    let address = lab.guest(name)?.address();
    client::sequential(&lab.machine, &address, 1000).map(seconds)
}

fn parallel(lab: &mut Lab, name: &str) -> Result<String, String> {
    let url = format!("http://{}/", lab.guest(name)?.address());
    client::parallel(&lab.machine, &url, 64).map(seconds)
}

fn parallel_files(lab: &mut Lab, name: &str) -> Result<String, String> {
    let url = format!("http://{}/file", lab.guest(name)?.address());
    client::parallel(&lab.machine, &url, 64).map(seconds)
}

fn same(lab: &mut Lab, name: &str) -> Result<String, String> {
    let url = format!("http://{}/file", lab.guest(name)?.address());
    let original = lab.content.join("file");
    let scratch = lab.folder.path.join("fetched");
    client::same_file(&lab.machine, &url, &original, &scratch).map(seconds)
}

fn same_in_dom0(lab: &mut Lab, name: &str) -> Result<String, String> {
    let url = format!("http://{}/file", lab.guest(name)?.address());
    let original = lab.content.join("file");
    client::same_file_in_dom0(&mut lab.machine, &url, &original)
}

fn uploaded(lab: &mut Lab, name: &str) -> Result<String, String> {
    let url = format!("http://{}/upload", lab.guest(name)?.address());
    let file = lab.content.join("file");
    client::upload(&lab.machine, &url, &file).map(seconds)
}

fn sends_super_frames(lab: &mut Lab, name: &str) -> Result<String, String> {
    some(lab, name, "parhelion_netfront_sent_super_frames_total")
}

fn receives_super_frames(lab: &mut Lab, name: &str) -> Result<String, String> {
    some(lab, name, "parhelion_netfront_received_super_frames_total")
}

fn some(lab: &mut Lab, name: &str, number: &str) -> Result<String, String> {
    match metric(lab, name, number)? {
        0 => Err(format!("{number} is 0")),
        count => Ok(count.to_string()),
    }
}

/// How often it waits in ten seconds of nothing but two requests for this number.
fn idles(lab: &mut Lab, name: &str) -> Result<String, String> {
    const POLLS: &str = "parhelion_xen_polls_total";
    /// What two requests may cost: each a connection's packets and the timers after it.
    const REQUESTS: u64 = 40;
    let before = metric(lab, name, POLLS)?;
    thread::sleep(Duration::from_secs(10));
    let polls = metric(lab, name, POLLS)?.saturating_sub(before);
    match polls <= 3 * 10 + REQUESTS {
        true => Ok(format!("{polls} polls in 10 s, with two requests")),
        false => Err(format!("it polled {polls} times in 10 s")),
    }
}

fn metric(lab: &mut Lab, name: &str, number: &str) -> Result<u64, String> {
    let address = lab.guest(name)?.address();
    let metrics = client::page(&lab.machine, &address, "/_/metrics")?;
    let mut lines = metrics.lines();
    let value = lines.find_map(|line| line.strip_prefix(number)?.trim().parse().ok());
    value.ok_or_else(|| format!("no number {number} in:\n{metrics}"))
}

/// The address that each of the servers lends: of two, the same.
const LENT: [&str; 2] = ["10.0.0.50", "10.0.0.70"];

fn lent(lab: &mut Lab, name: &str) -> Result<String, String> {
    let [lent, _] = LENT;
    lab.machine
        .in_dom0(&format!("lend 10.0.0.4 {lent} {lent}"))?;
    lab.create(name, "")?;
    let took = client::first_page(&lab.machine, lent)?;
    let ack = lab.lender_says(&format!("sending ACK to {lent}"))?;
    Ok(format!("{lent}, a page after {}; {ack}", seconds(took)))
}

fn renewed(lab: &mut Lab, name: &str) -> Result<String, String> {
    let [lent, _] = LENT;
    let mac = lab.guest(name)?.mac();
    let ack = lab.lender_says(&format!("sending ACK to {lent}"))?;
    // From now on somebody else lends it.
    let other = format!("lend 10.0.0.5 10.0.0.60 10.0.0.60 {mac} {lent}");
    lab.machine.in_dom0(&other)?;
    Ok(ack)
}

fn rebound(lab: &mut Lab, _: &str) -> Result<String, String> {
    let [lent, _] = LENT;
    let ack = lab.lender_says(&format!("sending ACK to {lent}"))?;
    client::first_page(&lab.machine, lent)?;
    Ok(ack)
}

/// While its network card is away, a third server takes over, which does not know it.
fn refused(lab: &mut Lab, name: &str) -> Result<String, String> {
    let [lent, other] = LENT;
    let mac = lab.guest(name)?.mac();
    lab.machine
        .in_dom0(&format!("xl network-detach {name} 0"))?;
    lab.machine
        .in_dom0(&format!("lend 10.0.0.6 {other} {other}"))?;
    lab.machine
        .in_dom0(&format!("xl network-attach {name} bridge=xenbr0 mac={mac}"))?;
    let (life, machine) = lab.living(name)?;
    life.says(machine, &format!("{lent} is not ours"))?;
    let took = client::first_page(&lab.machine, other)?;
    Ok(format!("{other} after {}", seconds(took)))
}

fn attached(lab: &mut Lab, name: &str) -> Result<String, String> {
    let address = lab.guest(name)?.address();
    lab.machine
        .in_dom0(&format!("xl network-detach {name} 0"))?;
    let attach = "bridge=xenbr0 mac=00:16:3e:00:00:99";
    lab.machine
        .in_dom0(&format!("xl network-attach {name} {attach}"))?;
    let took = client::first_page(&lab.machine, &address)?;
    let neighbours = lab
        .machine
        .outside(&["ip", "neighbour", "show", &address])?;
    match neighbours.contains("00:16:3e:00:00:99") {
        true => Ok(format!("a page after {}", seconds(took))),
        false => Err(format!("it answers, but not with that card: {neighbours}")),
    }
}

fn rebooted(lab: &mut Lab, name: &str) -> Result<String, String> {
    let address = lab.guest(name)?.address();
    lab.machine.in_dom0(&format!("xl reboot {name}"))?;
    let (life, machine) = lab.living(name)?;
    life.gives(machine, REBOOT)?;
    let took = client::first_page(&lab.machine, &address)?;
    Ok(format!("a page {} after its end", seconds(took)))
}
