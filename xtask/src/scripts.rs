//! The packet scripts, by the runner in `sim`.

use std::path::PathBuf;
use std::process::Command;

use crate::Host;
use crate::cargo;
use crate::outcome::Outcome;

/// What the runner says where the machine refuses what it needs.
const REFUSED: &str = "no namespace with a tap";

/// Runs them in sight of the user. Tells whether all were true.
pub(crate) fn run(against: Host, paths: &[PathBuf]) -> bool {
    match runner(against) {
        Ok(mut runner) => cargo::check(runner.args(paths)).failed == 0,
        Err(why) => {
            println!("{why}");
            false
        }
    }
}

/// All of them against Linux, counted.
pub(crate) fn against_linux() -> Outcome {
    let output = runner(Host::Linux).and_then(|mut runner| {
        let output = runner.output();
        output.map_err(|error| format!("cannot run the runner: {error}"))
    });
    let output = match output {
        Ok(output) => output,
        Err(why) => {
            println!("{why}");
            return Outcome::of(false);
        }
    };
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    print!("{said}{complained}");
    if let Some(counted) = said.lines().find_map(count) {
        return counted;
    }
    match complained.lines().find(|line| line.contains(REFUSED)) {
        Some(why) => Outcome::skip(format!("against Linux: {why}")),
        None => Outcome::of(false),
    }
}

/// The runner, built.
fn runner(against: Host) -> Result<Command, String> {
    // As part of the whole: by itself, what it depends on would be compiled again, with the features
    // that it alone asks for.
    let mut build = cargo::command(&["build", "--quiet", "--workspace", "--bin=scripts"]);
    if cargo::check(&mut build).failed > 0 {
        return Err("the runner of scripts was not built".to_owned());
    }
    let against = match against {
        Host::Linux => "linux",
        Host::Parhelion => "parhelion",
    };
    let mut runner = Command::new(cargo::folder()?.join("debug/scripts"));
    runner.args(["--against", against]);
    Ok(runner)
}

/// Reads `60 scripts against Linux: 55 true, 5 marked as differing, 0 failed`. A script that says
/// how Linux differs, and is right, has passed.
fn count(line: &str) -> Option<Outcome> {
    let (_, counts) = line.split_once(" scripts against Linux: ")?;
    let of = |what: &str| {
        let mut parts = counts.split(',').map(str::trim);
        parts.find_map(|part| part.strip_suffix(what)?.trim().parse::<usize>().ok())
    };
    Some(Outcome {
        passed: of("true")? + of("marked as differing")?,
        failed: of("failed")?,
        skipped: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_the_runner_says() {
        let line = "60 scripts against Linux: 54 true, 4 marked as differing, 2 failed";
        let outcome = count(line).expect("a result");
        assert_eq!((outcome.passed, outcome.failed), (58, 2));
        assert!(count("tests/tcp/connect.pkt:7: expected an ACK").is_none());
    }
}
