//! The project's chores, run as `cargo xtask …` (an alias in `.cargo/config.toml`).
//!
//! `test` is everything that must hold before a change is taken, and all that `.ci/run` does:
//! formatting, clippy, all tests, the documentation, every `no_std` crate built for the bare
//! machine, the guest booted in QEMU and on Xen, libFuzzer over every fuzz target for a short while, and the
//! packet scripts against Linux. (Against our own stack they are part of `cargo test`.) It ends with
//! one line: `N passed, N failed, N skipped`.
//!
//! # Skips
//! What a machine refuses is skipped, counted and told, never passed over in silence. A test that
//! needs something it may be refused (a namespace, a tap) appends one line, which says what and
//! why, to the file that the variable `PARHELION_SKIPS` names, if it is set, and returns. Such a
//! test then counts as skipped, not as passed. Where `CI=true`, only the bare-metal builds may be
//! skipped, as their target is not to be had everywhere; `--allow-skip` names the steps that may.
#![forbid(unsafe_code)]

mod boot;
mod cargo;
mod fuzz;
mod install;
mod outcome;
mod scripts;
mod test;
mod xen;

use core::net::SocketAddrV4;
use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

/// The project's chores.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Chore {
    /// Everything that must hold: formatting, clippy, tests, docs, bare-metal builds, guest, scripts
    Test {
        /// Only these steps [default: all]
        steps: Vec<test::Step>,
        /// A step that may be skipped; any other skip is a failure (default: all may, but in CI
        /// only bare-metal)
        #[arg(long, value_name = "STEP")]
        allow_skip: Vec<test::Step>,
    },
    /// Measures what the stack costs, with smoltcp and nginx beside it (docs/BENCHMARKS.md)
    #[command(disable_help_flag = true)]
    Bench {
        /// What the benchmarks are told; --help says what they take
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Lives through simulated networks that go wrong, each from one seed
    Simulate {
        /// How many
        #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
        seeds: u64,
        /// The first seed
        #[arg(long, value_name = "SEED", default_value_t = 0)]
        from: u64,
    },
    /// Searches with libFuzzer for bytes that are not survived (fuzz/README.md)
    Fuzz {
        /// Only these targets [default: all]
        targets: Vec<String>,
        /// How long each of them
        #[arg(long, value_name = "COUNT", default_value_t = fuzz::SECONDS,
            value_parser = clap::value_parser!(u32).range(1..))]
        seconds: u32,
    },
    /// Boots the guest on a real Xen, emulated by QEMU, with packages of Debian's that it downloads
    /// and keeps in target/xen (remove that folder for newer ones)
    Xen {
        /// Compares our site with nginx on Linux, both of them guests, in place of the tests
        #[arg(long)]
        measure: bool,
        /// Only downloads what the lab is made of, unless it is there
        #[arg(long)]
        fetch: bool,
        #[command(flatten)]
        guest: xen::run::Options,
    },
    /// One connection into the lab, for `xen --run`
    #[command(hide = true)]
    Through {
        /// To whom
        to: SocketAddrV4,
    },
    /// Runs the packet scripts
    Scripts {
        /// What they are to be true of
        #[arg(long)]
        against: Host,
        /// Scripts, or folders of them [default: tests/tcp]
        paths: Vec<PathBuf>,
    },
}

/// Whom a packet script is run against.
#[derive(Clone, Copy, ValueEnum)]
enum Host {
    /// The kernel, in a network namespace, in real time
    Linux,
    /// Our own stack, in virtual time
    Parhelion,
}

fn main() -> ExitCode {
    let chore = Chore::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    if let Err(error) = env::set_current_dir(root.unwrap_or(Path::new("."))) {
        eprintln!("xtask: the workspace it was built in is gone ({error}); build it again");
        return ExitCode::FAILURE;
    }
    let good = match chore {
        Chore::Test { steps, allow_skip } => test::run(&steps, &allow_skip),
        Chore::Bench { arguments } => bench(&arguments),
        Chore::Simulate { seeds, from } => simulate(seeds, from),
        Chore::Fuzz { targets, seconds } => fuzz::named(&targets, seconds),
        Chore::Xen { measure: true, .. } => xen::measure(),
        Chore::Xen { fetch: true, .. } => xen::run::fetch(),
        Chore::Xen { guest, .. } if guest.run.is_some() => xen::run::run(&guest),
        Chore::Through { to } => xen::door::through(to),
        Chore::Xen { .. } => test::run(&[test::Step::Xen], &[]),
        Chore::Scripts { against, paths } => scripts::run(against, &paths),
    };
    match good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Builds the benchmarks as the command itself is built, and runs them.
fn bench(arguments: &[String]) -> bool {
    if arguments.iter().any(|argument| argument == "--tap") {
        let mut build = cargo::command(&["build", "--release", "--package=parhelion"]);
        if !build.status().is_ok_and(|status| status.success()) {
            return false;
        }
    }
    let mut cargo = cargo::command(&["run", "--quiet", "--release"]);
    cargo
        .args(["--package=parhelion-benchmarks", "--"])
        .args(arguments);
    // What went wrong it has said itself.
    cargo.status().is_ok_and(|status| status.success())
}

/// Runs the simulations in `sim`, in sight of the user.
fn simulate(seeds: u64, from: u64) -> bool {
    let mut run = cargo::command(&["run", "--release", "--package=parhelion-sim"]);
    run.args(["--bin=simulate", "--"]);
    run.args(["--seeds", &seeds.to_string(), "--from", &from.to_string()]);
    cargo::check(&mut run).failed == 0
}
