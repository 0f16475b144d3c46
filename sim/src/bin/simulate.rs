//! Lives through simulated networks: `simulate [--seeds COUNT] [--from SEED] [--twice] [--plan]`.
//!
//! A failure prints a trace and leaves a capture, `seed-N.pcapng`, in the current folder.

use core::time::Duration;
use std::env;
use std::fs::File;
use std::process::ExitCode;
use std::time::Instant;

use parhelion_sim::network::{self, Memory, Outcome};

const USAGE: &str = "usage: simulate [--seeds COUNT] [--from SEED] [--twice] [--plan]";

/// The command line cannot be understood.
const UNUSABLE: u8 = 2;

/// Failures that are shown; more are only counted.
const SHOWN: u64 = 3;

struct Options {
    seeds: u64,
    from: u64,
    /// Each world once more, which must be the same.
    twice: bool,
    /// Whether a failure tells all that its seed stands for.
    plan: bool,
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("{USAGE}");
        return ExitCode::from(UNUSABLE);
    };
    let (memory, start) = (Memory::new(), Instant::now());
    let (mut lived, mut failed, mut frames, mut bytes, mut time) = (0, 0, 0, 0, Duration::ZERO);
    for seed in options.from..options.from.saturating_add(options.seeds) {
        match live(seed, &memory, &options) {
            Some(outcome) => {
                lived += 1;
                frames += outcome.frames;
                bytes += outcome.bytes;
                time += outcome.time;
            }
            None => failed += 1,
        }
        if failed >= SHOWN {
            break;
        }
    }
    let real = start.elapsed().as_secs_f64();
    let hours = time.as_secs_f64() / 3600.0;
    println!(
        "{} worlds, {failed} failed: {frames} frames, {bytes} bytes read, {hours:.0} hours in {real:.1} s, \
         {:.0} hours a second",
        lived + failed,
        hours / real
    );
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// One world; `None` if it failed, which was shown.
fn live(seed: u64, memory: &Memory, options: &Options) -> Option<Outcome> {
    match network::simulate(seed, memory) {
        Ok(outcome)
            if !options.twice || network::simulate(seed, memory).as_ref() == Ok(&outcome) =>
        {
            Some(outcome)
        }
        Ok(_) => {
            println!("seed {seed}: the second time it is another world");
            None
        }
        Err(failure) => {
            let report = network::explain(seed, memory, &failure);
            print!("{report}");
            let name = format!("seed-{seed}.pcapng");
            let written = File::create(&name).and_then(|file| report.write_capture(file));
            match written {
                Ok(()) => println!("// the capture is {name}"),
                Err(error) => println!("// no capture {name}: {error}"),
            }
            if options.plan {
                println!("{}", report.plan());
            }
            None
        }
    }
}

fn options() -> Option<Options> {
    let mut options = Options {
        seeds: 1000,
        from: 0,
        twice: false,
        plan: false,
    };
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seeds" => options.seeds = words.next()?.parse().ok()?,
            "--from" => options.from = words.next()?.parse().ok()?,
            "--twice" => options.twice = true,
            "--plan" => options.plan = true,
            _ => return None,
        }
    }
    Some(options)
}
