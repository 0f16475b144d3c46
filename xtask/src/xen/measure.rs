//! `cargo xtask xen --measure`: a site of ours beside a Linux with nginx that has the same files, in one
//! boot of the lab. What is compared is the time of the (emulated) processor that Xen counts for each.

use core::ops::RangeInclusive;
use core::time::Duration;
use std::thread;
use std::time::Instant;

use super::client;
use super::lab::{Lab, seconds};

/// So often is everything measured, in turns.
const ROUNDS: usize = 5;
const REQUESTS: u32 = 1000;
/// How often the file of 16 MiB is fetched in a round.
const FILES: u32 = 12;

/// With so many MiB a guest is tried.
pub(crate) const MEMORY: RangeInclusive<u64> = 1..=16;

/// One thing that is measured, for a guest in turn.
struct Work {
    name: &'static str,
    /// What the processor time of a round is multiplied with.
    scale: f64,
    run: fn(&mut Lab, &str) -> Result<Duration, String>,
}

const WORK: [Work; 3] = [
    Work {
        name: "1,000 requests, each on a connection of its own",
        scale: 1.0,
        run: |lab, address| client::sequential(&lab.machine, address, REQUESTS),
    },
    Work {
        name: "1,000 requests on one connection",
        scale: 1.0,
        run: |lab, address| client::on_one(&lab.machine, address, REQUESTS),
    },
    Work {
        name: "100 MiB in files of 16 MiB",
        scale: 100.0 / (16 * FILES) as f64,
        run: |lab, address| {
            let url = format!("http://{address}/file?[1-{FILES}]");
            client::bytes(&lab.machine, &url)
        },
    },
];

/// Measures with these guests, which serve the same, and prints what came of it.
pub(crate) fn run(lab: &mut Lab, names: &[&str]) -> Result<(), String> {
    for name in names {
        start(lab, name)?;
    }
    let idle = Duration::from_secs(10);
    for name in names {
        let before = lab.processor_time(name)?;
        thread::sleep(idle);
        let after = lab.processor_time(name)?;
        println!(
            "{name}: {:.1} s of processor time in {} idle",
            after - before,
            seconds(idle)
        );
    }
    println!("\nseconds of the guest's processor, rounds in order (and what the client waited)");
    for work in &WORK {
        let mut costs = vec![Vec::new(); names.len()];
        for _ in 0..ROUNDS {
            for (name, costs) in names.iter().zip(&mut costs) {
                costs.push(round(lab, name, work)?);
            }
        }
        println!("{}", work.name);
        for (name, costs) in names.iter().zip(&costs) {
            let each: Vec<String> = costs
                .iter()
                .map(|(cost, took)| format!("{cost:.2} ({})", seconds(*took)))
                .collect();
            println!("    {name:<8}{:>6.2}   {}", median(costs), each.join(", "));
        }
        if let [ours, theirs] = &costs[..] {
            println!("    ratio   {:>6.2}", median(ours) / median(theirs));
        }
    }
    Ok(())
}

/// Creates guests of one kind with less and less memory, until one does not serve 64 connections at once.
/// Their names end with their memory in MiB.
pub(crate) fn least_memory(lab: &mut Lab, kind: &str, path: &str) -> Result<(), String> {
    let mut least = None;
    for memory in MEMORY.rev() {
        let name = format!("{kind}{memory}");
        let result = serves(lab, &name, path);
        // It may have ended by itself.
        let _ = lab.machine.in_dom0(&format!("xl destroy {name}"));
        if let Some(life) = lab.lives.remove(&name) {
            life.leaves(&mut lab.machine)?;
        }
        if let Err(why) = result {
            println!("{kind}: {memory} MiB are not enough: {why}");
            println!("{}", lab.said(&name));
            break;
        }
        least = Some(memory);
    }
    match least {
        Some(memory) => println!("{kind}: serves 64 connections at once with {memory} MiB"),
        None => println!("{kind}: serves with none of {MEMORY:?} MiB"),
    }
    Ok(())
}

fn serves(lab: &mut Lab, name: &str, path: &str) -> Result<(), String> {
    lab.create(name, "")?;
    let address = lab.guest(name)?.address();
    client::first_page(&lab.machine, &address)?;
    client::parallel(&lab.machine, &format!("http://{address}{path}"), 64)?;
    Ok(())
}

/// Creates a guest, and tells how long it takes from `xl unpause` to listening and to a response.
fn start(lab: &mut Lab, name: &str) -> Result<(), String> {
    let guest = lab.guest(name)?;
    let (address, mac) = (guest.address(), guest.mac());
    // So that the first SYN need not wait until it is known who has the address.
    let known = [
        "neighbour",
        "replace",
        &address,
        "lladdr",
        &mac,
        "dev",
        "wire0",
    ];
    lab.machine.outside(&[&["ip"], &known[..]].concat())?;
    lab.create(name, "-p")?;
    let (life, machine) = lab.living(name)?;
    life.is_made(machine)?;
    let client = client::impatient(&lab.machine, &address)?;
    let client = thread::spawn(move || (client.wait_with_output(), Instant::now()));
    let begin = Instant::now();
    lab.machine.in_dom0(&format!("xl unpause {name}"))?;
    let unpaused = begin.elapsed();
    let (life, machine) = lab.living(name)?;
    let line = life.says(machine, "listening")?;
    let (answer, end) = client.join().map_err(|_| "the client's thread panicked")?;
    let answer = answer.map_err(|error| error.to_string())?;
    if !answer.status.success() {
        return Err(format!("{name} never answered"));
    }
    println!(
        "{name}: from xl unpause, which took {}, to a response: {}; it says: {}",
        seconds(unpaused),
        seconds(end.saturating_duration_since(begin)),
        line.text
    );
    Ok(())
}

fn round(lab: &mut Lab, name: &str, work: &Work) -> Result<(f64, Duration), String> {
    let address = lab.guest(name)?.address();
    let before = lab.processor_time(name)?;
    let took = (work.run)(lab, &address)?;
    let after = lab.processor_time(name)?;
    Ok(((after - before) * work.scale, took))
}

fn median(costs: &[(f64, Duration)]) -> f64 {
    let mut costs: Vec<f64> = costs.iter().map(|(cost, _)| *cost).collect();
    costs.sort_by(f64::total_cmp);
    costs.get(costs.len() / 2).copied().unwrap_or_default()
}
