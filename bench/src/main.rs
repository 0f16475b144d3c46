//! What the stack costs, and what smoltcp costs for the same: `cargo xtask bench`.
//!
//! Two hosts are joined in memory, in one thread, and their applications talk. Both stacks run the
//! same tasks in the same loop, the one that `parhelion serve` runs. Every run is a process of its
//! own, so that no run finds another one's memory; runs of the contestants are interleaved, so that
//! a slow minute of the machine is everybody's. See docs/BENCHMARKS.md.
#![forbid(unsafe_code)]

mod by_hand;
mod callgrind;
mod contest;
mod device;
mod ours;
mod place;
mod random;
mod report;
mod runs;
mod smol;
mod stream;
mod tasks;
mod wire;

use core::time::Duration;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::contest::{Case, Contestant};

/// What the stack costs, with smoltcp beside it.
#[derive(Parser)]
#[command(bin_name = "cargo xtask bench")]
struct Arguments {
    /// Fewer and shorter runs: to see whether something works, not to compare
    #[arg(long)]
    quick: bool,
    /// Only these cases [default: all]
    #[arg(long, value_name = "CASE")]
    only: Vec<Case>,
    /// Writes the figures, and every run, to FILE
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Counts instructions too (needs valgrind; takes minutes)
    #[arg(long)]
    callgrind: bool,
    /// Measures over a tap too, beside nginx (needs namespaces, nginx, wrk and curl)
    #[arg(long)]
    tap: bool,
    #[command(subcommand)]
    one: Option<One>,
}

#[derive(Subcommand)]
enum One {
    /// One run, by itself: for a profiler. Prints operations, seconds and bytes
    Run {
        case: Case,
        contestant: Contestant,
        /// Does so much, in steady time, instead of as much as a second allows
        #[arg(long)]
        operations: Option<u64>,
        /// Takes so long
        #[arg(long, default_value_t = 1.0)]
        seconds: f64,
    },
    /// What --tap runs in namespaces of its own; nowhere else, for it makes interfaces
    #[command(hide = true)]
    Wire { rounds: usize, seconds: f64 },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.one {
        Some(One::Run {
            case,
            contestant,
            operations,
            seconds,
        }) => {
            runs::here(case, contestant, operations, seconds);
            Ok(())
        }
        Some(One::Wire { rounds, seconds }) => wire::here(rounds, Duration::from_secs_f64(seconds)),
        None => report::all(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
