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

/// What the command line, or a script, cannot be understood.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let paths = arguments.split_off(arguments.len().min(2));
    let mut paths: Vec<PathBuf> = paths.into_iter().map(PathBuf::from).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if paths.is_empty() {
        paths.push(PathBuf::from(SCRIPTS));
    }
    let host: fn(&[Script]) -> Result<bool, String> = match words[..] {
        ["--against", "linux"] => linux,
        ["--against", "parhelion"] => parhelion,
        ["--inside", file] => {
            paths = vec![PathBuf::from(file)];
            inside
        }
        ["--help" | "-h", ..] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(UNUSABLE);
        }
    };
    let scripts = match suite::read(&paths) {
        Ok(scripts) => scripts,
        Err(wrong) => {
            eprintln!("scripts: {wrong}");
            return ExitCode::from(UNUSABLE);
        }
    };
    match host(&scripts) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(suite::FAILED),
        Err(refused) => {
            eprintln!("scripts: {refused}");
            ExitCode::FAILURE
        }
    }
}

fn linux(scripts: &[Script]) -> Result<bool, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let outcomes = suite::against_linux(&program, scripts)?;
    Ok(report("Linux", scripts, &outcomes))
}

fn parhelion(scripts: &[Script]) -> Result<bool, String> {
    let start = Instant::now();
    let outcomes = suite::against_parhelion(scripts);
    let elapsed = start.elapsed();
    let all = report("Parhelion", scripts, &outcomes);
    println!("in {} ms", elapsed.as_millis());
    Ok(all)
}

/// One script, in the namespace that [`suite::against_linux`] made for it.
fn inside(scripts: &[Script]) -> Result<bool, String> {
    for script in scripts {
        if let Err(failure) = suite::inside(script)? {
            eprint!("{failure}");
            return Ok(false);
        }
    }
    Ok(true)
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
