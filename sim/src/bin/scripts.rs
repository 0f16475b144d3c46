//! Runs packet scripts: `scripts --against linux|parhelion [FILE or FOLDER]…`.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use parhelion_sim::script::Script;
use parhelion_sim::suite::{self, Outcome};

const USAGE: &str = "usage: scripts --against linux|parhelion [FILE or FOLDER]...";
/// Where the scripts are, seen from the root of the workspace.
const SCRIPTS: &str = "tests/tcp";

fn main() -> ExitCode {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let paths = arguments.split_off(arguments.len().min(2));
    let mut paths: Vec<PathBuf> = paths.into_iter().map(PathBuf::from).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if paths.is_empty() {
        paths.push(PathBuf::from(SCRIPTS));
    }
    let result = match words[..] {
        ["--inside", file] => return inside(file),
        ["--against", "linux"] => linux(&paths),
        ["--against", "parhelion"] => parhelion(&paths),
        ["--help" | "-h", ..] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(refused) => {
            eprintln!("scripts: {refused}");
            ExitCode::FAILURE
        }
    }
}

fn linux(paths: &[PathBuf]) -> Result<bool, String> {
    let scripts = suite::read(paths)?;
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let outcomes = suite::against_linux(&program, &scripts)?;
    Ok(report("Linux", &scripts, &outcomes))
}

fn parhelion(paths: &[PathBuf]) -> Result<bool, String> {
    let scripts = suite::read(paths)?;
    let start = Instant::now();
    let outcomes = suite::against_parhelion(&scripts);
    let elapsed = start.elapsed();
    let all = report("Parhelion", &scripts, &outcomes);
    println!("in {} ms", elapsed.as_millis());
    Ok(all)
}

/// Prints what failed and the counts; tells whether all is as the scripts say.
fn report(host: &str, scripts: &[Script], outcomes: &[Outcome]) -> bool {
    let (mut passed, mut differ, mut failed) = (0, 0, 0);
    for (script, outcome) in scripts.iter().zip(outcomes) {
        match outcome {
            Outcome::Passed => passed += 1,
            Outcome::Differs(reason) => {
                differ += 1;
                println!("{}: Linux differs: {reason}", script.name);
            }
            Outcome::Agrees(reason) => {
                failed += 1;
                println!("{}: true, but says otherwise: {reason}", script.name);
            }
            Outcome::Failed(failure) => {
                failed += 1;
                println!("{failure}");
            }
        }
    }
    println!(
        "{} scripts against {host}: {passed} true, {differ} marked as differing, {failed} failed",
        scripts.len()
    );
    failed == 0
}

/// One script, in the namespace that [`suite::against_linux`] made for it.
fn inside(file: &str) -> ExitCode {
    let scripts = suite::read(&[PathBuf::from(file)]);
    for script in scripts.iter().flatten() {
        match suite::inside(script) {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => {
                eprint!("{failure}");
                return ExitCode::from(suite::FAILED as u8);
            }
            Err(refused) => {
                eprintln!("{refused}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
