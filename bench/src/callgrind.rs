//! Instructions, counted by valgrind: they repeat exactly, so a small change shows.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::contest::{Case, Contestant, Work};

/// The two lengths of a run whose difference is the work alone, without what precedes it. `None`
/// for what is not counted: valgrind takes a block copy for many instructions, so bulk would be
/// all copies, and memory is no work.
fn lengths(case: Case) -> Option<[u64; 2]> {
    match case.work() {
        // Making 100,000 connections would take minutes.
        Work::Exchange { connections, .. } if connections > 1_000 => None,
        Work::Exchange { .. } => Some([20_000, 40_000]),
        Work::Connect { .. } => Some([5_000, 10_000]),
        Work::Bulk | Work::Idle { .. } => None,
    }
}

/// Whether valgrind is there.
pub(crate) fn look() -> Result<(), String> {
    let mut valgrind = Command::new("valgrind");
    let found = valgrind.arg("--version").stdout(Stdio::null()).status();
    match found.is_ok_and(|status| status.success()) {
        true => Ok(()),
        false => Err("valgrind is missing: apt-get install valgrind".to_owned()),
    }
}

/// Instructions of one operation, both ends and their applications together.
pub(crate) fn count(case: Case, contestant: Contestant) -> Result<Option<f64>, String> {
    let Some(lengths) = lengths(case) else {
        return Ok(None);
    };
    let mut counts = [(0, 0); 2];
    for (count, length) in counts.iter_mut().zip(lengths) {
        *count = run(case, contestant, length)?;
    }
    let [(few, little), (many, much)] = counts;
    Ok(Some(
        much.saturating_sub(little) as f64 / (many - few) as f64,
    ))
}

/// Operations done, and instructions.
fn run(case: Case, contestant: Contestant, operations: u64) -> Result<(u64, u64), String> {
    let program = env::current_exe().map_err(|error| format!("cannot find itself: {error}"))?;
    let file = scratch();
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program)
        .args(["run", &case.name(), contestant.name(), "--operations"])
        .arg(operations.to_string());
    let output = valgrind.output().map_err(|error| error.to_string())?;
    let counted = fs::read_to_string(&file).ok().and_then(total);
    // It is of no use to anybody else.
    let _ = fs::remove_file(&file);
    let said = String::from_utf8_lossy(&output.stdout);
    let done = said
        .split_whitespace()
        .next()
        .and_then(|word| word.parse().ok());
    match (done, counted) {
        (Some(done), Some(counted)) => Ok((done, counted)),
        _ => Err(format!(
            "valgrind counted nothing: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

fn scratch() -> PathBuf {
    let name = format!("parhelion-callgrind-{}", std::process::id());
    Path::new(&env::temp_dir()).join(name)
}

/// Reads the line `totals: 12345`, or `summary: 12345`.
fn total(text: String) -> Option<u64> {
    let mut lines = text.lines();
    lines.find_map(|line| {
        let rest = line
            .strip_prefix("totals:")
            .or(line.strip_prefix("summary:"))?;
        rest.trim().parse().ok()
    })
}
