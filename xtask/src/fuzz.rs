//! libFuzzer over the targets of `fuzz`, with the stable compiler and without cargo-fuzz.
//!
//! All that libFuzzer asks of a compiler is to count which branches are taken, and stable rustc can
//! be told to ([`COVERAGE`]). Where cargo builds, `fuzz/found` keeps the inputs that reached
//! something new, so that the next run begins with them, what libFuzzer said, and what did harm.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::thread;

use crate::cargo;
use crate::install;
use crate::outcome::Outcome;
use crate::test::Step;

/// What cargo-fuzz tells rustc too: a counter for every edge, a table of where they are, and to
/// show the operands of comparisons.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// For each process: the longest input, the longest that one may take in seconds, memory in MiB.
const LIMITS: [&str; 3] = ["-max_len=4096", "-timeout=20", "-rss_limit_mb=2000"];

/// A folder for each target, and so the list of them.
const CORPUS: &str = "fuzz/corpus";

/// Seconds for each target where nothing else is said.
pub(crate) const SECONDS: u32 = 30;
/// In the test, all targets together take about as many seconds on one core, as it is to end in a
/// quarter of an hour with all else.
const TOGETHER: u32 = 120;

/// Every target for a short while, as a step of the test.
pub(crate) fn step() -> Outcome {
    match targets() {
        Ok(all) => run(&all, (TOGETHER / all.len().max(1) as u32).clamp(1, SECONDS)),
        Err(why) => failed(&why),
    }
}

/// The targets named, or all. Tells whether they were run and nothing was found.
pub(crate) fn named(names: &[String], seconds: u32) -> bool {
    let all = match targets() {
        Ok(all) => all,
        Err(why) => return failed(&why).failed == 0,
    };
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        println!("no target \"{unknown}\"; there are: {}", all.join(", "));
        return false;
    }
    install::needs_of(&[Step::Fuzz]);
    let chosen = if names.is_empty() { &all } else { names };
    run(chosen, seconds).forbid_skips().failed == 0
}

/// Runs as many at a time as there are cores.
fn run(targets: &[String], seconds: u32) -> Outcome {
    if !install::exists("c++") {
        return Outcome::skip("libFuzzer: no C++ compiler to build it with (g++)".to_owned());
    }
    let folder = match cargo::folder() {
        Ok(folder) => folder.join("fuzz"),
        Err(why) => return failed(&why),
    };
    let mut total = cargo::check(&mut fuzzer("build", &folder));
    if total.failed > 0 {
        return total;
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut total = Outcome::default();
        while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
            total += search(target, seconds, &folder);
        }
        total
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            total += worker.join().unwrap_or_else(|_| Outcome::of(false));
        }
    });
    total
}

/// Searches for bytes that a target does not survive, and says in a line what came of it.
fn search(target: &str, seconds: u32, folder: &Path) -> Outcome {
    let found = folder.join("found");
    let log = found.join(target).with_extension("log");
    let status = match libfuzzer(target, seconds, folder, &log) {
        Ok(status) => status,
        Err(error) => return failed(&format!("{target}: {}: {error}", log.display())),
    };
    let said = fs::read(&log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    if status.success() {
        println!("{target:<16}{}", summary(&said));
        return Outcome::of(true);
    }
    println!(
        "{target}: {status}; {} has:\n{}",
        log.display(),
        reason(&said)
    );
    if let Some(file) = artifact(&said) {
        println!("again: PARHELION_FUZZ_INPUT={target}={file} cargo test --package parhelion-fuzz");
    }
    Outcome::of(false)
}

fn libfuzzer(target: &str, seconds: u32, folder: &Path, log: &Path) -> io::Result<ExitStatus> {
    let found = folder.join("found").join(target);
    fs::create_dir_all(&found)?;
    let log = File::create(log)?;
    let mut run = fuzzer("run", folder);
    run.env("PARHELION_FUZZ_TARGET", target).arg("--");
    // New inputs go to the first folder.
    run.arg(&found).arg(Path::new(CORPUS).join(target));
    run.args(LIMITS);
    run.arg(format!("-max_total_time={seconds}"));
    run.arg(format!("-artifact_prefix={}-", found.display()));
    run.arg("-print_final_stats=1");
    run.stdout(log.try_clone()?).stderr(log).status()
}

/// What cargo does with the program in `fuzz/libfuzzer`. The target is named, though it is this
/// machine, as cargo then keeps the flags from build scripts, which could not be linked with them.
fn fuzzer(what: &str, folder: &Path) -> Command {
    let mut cargo = cargo::command(&[what, "--quiet", "--release", "--target=host-tuple"]);
    cargo
        .arg("--manifest-path=fuzz/libfuzzer/Cargo.toml")
        .arg("--target-dir")
        .arg(folder)
        .env("RUSTFLAGS", COVERAGE)
        // Cargo would take these instead.
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo
}

/// By name.
fn targets() -> Result<Vec<String>, String> {
    let wrong = |error: io::Error| format!("{CORPUS}: {error}");
    let mut names = Vec::new();
    for entry in fs::read_dir(CORPUS).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Executions, and edges reached, of libFuzzer's last lines.
fn summary(said: &str) -> String {
    let word_after = |word: &str| {
        let (_, rest) = said.rsplit_once(word)?;
        rest.split_whitespace().next()
    };
    let runs = word_after("stat::number_of_executed_units:").unwrap_or("?");
    let edges = word_after("cov:").unwrap_or("?");
    format!("{runs:>10} executions, {edges:>5} edges")
}

/// A panic and where it came from, or the last lines if it was none.
fn reason(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let panic = lines.iter().position(|line| line.contains("panicked at"));
    let start = panic.unwrap_or(lines.len().saturating_sub(20));
    let reason: Vec<&str> = lines.into_iter().skip(start).take(20).collect();
    reason.join("\n")
}

/// The file of what did harm.
fn artifact(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("Test unit written to ")?;
    rest.lines().next()
}

fn failed(why: &str) -> Outcome {
    println!("{why}");
    Outcome::of(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_libfuzzer_says() {
        let said = "#2\tINITED cov: 7 ft: 8\n#90\tDONE   cov: 27 ft: 30 corp: 11/181b\n\
                    stat::number_of_executed_units: 90\nstat::average_exec_per_sec: 9\n";
        assert_eq!(summary(said), "        90 executions,    27 edges");
        assert_eq!(artifact(said), None);
        let said = "MS: 0\nartifact_prefix='a-'; Test unit written to a-crash-1\nBase64: \n";
        assert_eq!(artifact(said), Some("a-crash-1"));
        assert_eq!(reason("a\npanicked at b:\nc"), "panicked at b:\nc");
    }
}
