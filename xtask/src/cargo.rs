//! Running cargo, and counting what its tests say.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::outcome::Outcome;

/// The cargo that runs us.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments);
    cargo
}

/// The folder that cargo builds in: we are `debug/xtask` there.
pub(crate) fn folder() -> Result<PathBuf, String> {
    let xtask = env::current_exe().map_err(|error| error.to_string())?;
    let folder = xtask.parent().and_then(|folder| folder.parent());
    let folder = folder.ok_or("xtask is not where cargo builds it")?;
    Ok(folder.to_owned())
}

/// Runs a command in sight of the user; it holds or it does not.
pub(crate) fn check(command: &mut Command) -> Outcome {
    match command.status() {
        Ok(status) => Outcome::of(status.success()),
        Err(error) => {
            println!("cannot run {}: {error}", command.get_program().display());
            Outcome::of(false)
        }
    }
}

/// Runs `cargo test` with these arguments and counts the tests. What they skipped they wrote to
/// the file `skips` (see the crate's documentation).
pub(crate) fn test(arguments: &[&str], skips: &Path) -> Outcome {
    // A file that another run left.
    let _ = fs::remove_file(skips);
    let mut cargo = command(&["test"]);
    cargo
        .args(arguments)
        .env("PARHELION_SKIPS", skips)
        .stdout(Stdio::piped());
    let mut child = match cargo.spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("cannot run cargo: {error}");
            return Outcome::of(false);
        }
    };
    let mut total = Outcome::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            println!("{line}");
            if let Some(counted) = count(&line) {
                total += counted;
            }
        }
    }
    let good = child.wait().is_ok_and(|status| status.success());
    if !good && total.failed == 0 {
        // It did not even compile, or a test took its process down.
        total.failed = 1;
    }
    let skipped = fs::read_to_string(skips).unwrap_or_default();
    let skipped: Vec<String> = skipped.lines().map(str::to_owned).collect();
    total.passed = total.passed.saturating_sub(skipped.len());
    total.skipped.extend(skipped);
    total
}

/// Reads `test result: ok. 12 passed; 0 failed; …` and `test some::name ... ignored, why`. What is
/// ignored as a measurement is a benchmark, which nobody expects to run here.
fn count(line: &str) -> Option<Outcome> {
    if let Some((name, why)) = line.split_once(" ... ignored") {
        let name = name.trim_start_matches("test ");
        return (why != ", a measurement").then(|| Outcome::skip(format!("{name}: ignored{why}")));
    }
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let of = |what: &str| {
        let mut parts = counts.split(';').map(str::trim);
        parts.find_map(|part| part.strip_suffix(what)?.trim().parse().ok())
    };
    Some(Outcome {
        passed: of("passed")?,
        failed: of("failed")?,
        skipped: Vec::new(),
    })
}

/// The packages of this workspace whose library says `#![no_std]`.
pub(crate) fn no_std_packages() -> Result<Vec<String>, String> {
    let mut cargo = command(&["metadata", "--format-version=1", "--no-deps"]);
    let output = cargo.output().map_err(|error| error.to_string())?;
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let mut names = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        for target in package["targets"].as_array().into_iter().flatten() {
            let (Some(name), Some(path)) = (package["name"].as_str(), target["src_path"].as_str())
            else {
                return Err("cargo metadata is not what it was".to_owned());
            };
            let is_library = target["kind"][0] == "lib";
            let source = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
            if is_library && source.lines().any(|line| line == "#![no_std]") {
                names.push(name.to_owned());
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_the_test_harness_says() {
        let line = "test result: FAILED. 12 passed; 3 failed; 2 ignored; 0 measured";
        let outcome = count(line).expect("a result");
        assert_eq!((outcome.passed, outcome.failed), (12, 3));
        let outcome = count("test wire::a_test ... ignored, no wire").expect("a skip");
        assert_eq!(outcome.skipped, ["wire::a_test: ignored, no wire"]);
        assert!(count("test costs::of_a_tap ... ignored, a measurement").is_none());
        assert!(count("running 12 tests").is_none());
        assert!(count("test result: ok. many passed").is_none());
    }
}
