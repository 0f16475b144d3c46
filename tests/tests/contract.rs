//! Runs the contract on every place; each promise is a test of its own.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use parhelion_tests::contract::{self, Case, Setting};
use parhelion_tests::settings;

fn main() -> ExitCode {
    let mut trials = on("sockets", settings::sockets::setting);
    trials.extend(on("stack", settings::stack::offloaded));
    trials.extend(on("stack, plain frames", settings::stack::plain));
    trials.extend(on("stack, narrow", settings::stack::narrow));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The whole contract on one place.
fn on(place: &str, setting: fn() -> Setting) -> Vec<Trial> {
    let trial = |case: Case| {
        Trial::test(format!("{place}: {}", case.name), move || {
            contract::run(setting(), &case);
            Ok(())
        })
    };
    contract::cases().into_iter().map(trial).collect()
}
