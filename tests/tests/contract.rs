//! Runs the contract on every place; each promise is a test of its own.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use parhelion_tests::contract::{self, Case, Setting};
use parhelion_tests::settings::{sockets, stack, tap};

fn main() -> ExitCode {
    let ground = tap::ground();
    if let tap::Ground::Elsewhere(code) = ground {
        return code;
    }
    let mut places = vec![
        place("sockets", sockets::setting),
        place("stack", stack::offloaded),
        place("stack, plain frames", stack::plain),
        place("stack, narrow", stack::narrow),
    ];
    if matches!(ground, tap::Ground::Here) {
        places.push(place("tap", tap::ours));
        places.push(place("tap, to the kernel", tap::theirs));
    }
    let arguments = Arguments::from_args();
    let trials = places.iter().flat_map(on);
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    if !arguments.list {
        let names: Vec<&str> = places.iter().map(|place| place.name).collect();
        println!(
            "{} promises on each of {} places: {}",
            contract::cases().len(),
            names.len(),
            names.join("; ")
        );
    }
    conclusion.exit_code()
}

struct Place {
    name: &'static str,
    setting: fn() -> Setting,
}

fn place(name: &'static str, setting: fn() -> Setting) -> Place {
    Place { name, setting }
}

/// The whole contract on one place.
fn on(place: &Place) -> Vec<Trial> {
    let setting = place.setting;
    let trial = |case: Case| {
        Trial::test(format!("{}: {}", place.name, case.name), move || {
            contract::run(setting(), &case);
            Ok(())
        })
    };
    contract::cases().into_iter().map(trial).collect()
}
