//! `cargo xtask test`: the steps, in the order in which they find mistakes soonest.

use std::env;
use std::fs;
use std::process;
use std::time::Instant;

use clap::ValueEnum;

use crate::boot;
use crate::cargo::{self, command};
use crate::fuzz;
use crate::install;
use crate::outcome::{Outcome, Summary};
use crate::scripts;
use crate::xen;

/// The target of a machine without an operating system.
const BARE: &str = "x86_64-unknown-none";

/// One step of the test.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Step {
    /// `cargo fmt --check`
    Format,
    /// Clippy on everything, warnings denied
    Clippy,
    /// All tests of the workspace
    Tests,
    /// The documentation, warnings denied
    Docs,
    /// Every `no_std` crate for a machine without an operating system
    BareMetal,
    /// The guest, built and booted
    Guest,
    /// The guest on a real Xen, in QEMU
    Xen,
    /// Every fuzz target under libFuzzer, for a short while
    Fuzz,
    /// The packet scripts against Linux
    Scripts,
}

impl Step {
    fn run(self) -> Outcome {
        match self {
            Self::Format => cargo::check(&mut command(&["fmt", "--all", "--check"])),
            Self::Clippy => cargo::check(
                command(&["clippy", "--workspace", "--all-targets", "--"]).args(["-D", "warnings"]),
            ),
            Self::Tests => tests(),
            Self::Docs => cargo::check(
                command(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"),
            ),
            Self::BareMetal => bare_metal(),
            Self::Guest => boot::run(),
            Self::Xen => xen::run(),
            Self::Fuzz => fuzz::step(),
            Self::Scripts => scripts::against_linux(),
        }
    }

    fn name(self) -> String {
        let value = self.to_possible_value();
        value
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}

/// Runs the steps (none named: all), whatever becomes of the earlier ones, and prints the summary.
/// Tells whether nothing failed.
pub(crate) fn run(steps: &[Step], allowed: &[Step]) -> bool {
    let in_ci = env::var_os("CI").is_some_and(|value| value == "true");
    let allowed = match (allowed, in_ci) {
        ([], true) => &[Step::BareMetal],
        ([], false) => Step::value_variants(),
        (named, _) => named,
    };
    let steps = match steps {
        [] => Step::value_variants(),
        named => named,
    };
    install::needs_of(steps);
    let mut summary = Summary::default();
    // In their own order, each once.
    let all = Step::value_variants().iter();
    for step in all.filter(|step| steps.contains(step)) {
        println!("\n== {}", step.name());
        let start = Instant::now();
        let mut outcome = step.run();
        if !allowed.contains(step) {
            outcome = outcome.forbid_skips();
        }
        summary.add(&step.name(), start.elapsed(), outcome);
    }
    summary.finish()
}

fn tests() -> Outcome {
    let skips = env::temp_dir().join(format!("parhelion-skips-{}", process::id()));
    let outcome = cargo::test(&["--workspace", "--no-fail-fast"], &skips);
    // There is none where nothing was skipped.
    let _ = fs::remove_file(&skips);
    outcome
}

fn bare_metal() -> Outcome {
    if let Err(why) = install::target(BARE) {
        return Outcome::skip(format!("bare-metal builds: {why}"));
    }
    let packages = match cargo::no_std_packages() {
        Ok(packages) => packages,
        Err(why) => {
            println!("cargo metadata: {why}");
            return Outcome::of(false);
        }
    };
    let mut build = command(&["build", "--target", BARE]);
    for package in &packages {
        println!("{package}");
        build.args(["--package", package]);
    }
    let mut outcome = cargo::check(&mut build);
    // One build for all is faster; it is every crate that has passed.
    outcome.passed *= packages.len();
    outcome
}
