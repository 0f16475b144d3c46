//! All scripts of a folder against one host, and the count of them.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::thread;

use packet::{Class, Pool, Secrets};

use crate::linux::Linux;
use crate::parhelion::{self, Parhelion};
use crate::run::{Conditions, Failure, run};
use crate::script::Script;

/// Real time is late when the machine is busy. The kernel's timer wheel fires late by up to an
/// eighth of what was asked for: its levels grow by eight.
const REAL_TIME: Conditions = Conditions {
    tolerance: Duration::from_millis(15),
    timer_slack: Some(8),
    peer_offset: 0,
};

/// In virtual time nothing is late; what is left is the tick of timers and timestamps.
const VIRTUAL_TIME: Conditions = Conditions {
    tolerance: Duration::from_millis(5),
    timer_slack: None,
    peer_offset: 0,
};

/// What the peer's numbers are moved by: to the sign bit, and to the wrap.
const PEER_OFFSETS: [u32; 4] = [0, 0x7fff_f000, 0xffff_fc00, 0xffff_ffff];

/// Scripts that run against Linux at once. Mostly they wait.
const AT_ONCE: usize = 6;
/// How often a script may be late on a busy machine before it has failed.
const TRIES: usize = 3;

/// How a script ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is true.
    Passed,
    /// It is not, and says so.
    Differs(String),
    /// It says that it is not true of Linux, but it is.
    Agrees(String),
    /// It is not true.
    Failed(String),
}

/// Reads all scripts in `paths`: files, or folders of files named `*.pkt`.
///
/// # Errors
/// A file that cannot be read, or is no script.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Script>, String> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let told = |error: io::Error| format!("{}: {error}", path.display());
        for entry in fs::read_dir(path).map_err(told)? {
            let file = entry.map_err(told)?.path();
            files.extend(Some(file).filter(|file| file.extension().is_some_and(|e| e == "pkt")));
        }
    }
    files.sort();
    files.iter().map(|file| read_one(file)).collect()
}

fn read_one(file: &Path) -> Result<Script, String> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    Script::parse(&name, &text)
}

/// Runs each script against our stack, from several initial sequence numbers on both sides. When its
/// host is gone, so must be every buffer that it took.
#[must_use]
pub fn against_parhelion(scripts: &[Script]) -> Vec<Outcome> {
    let pool = parhelion::pool();
    let outcomes = scripts.iter().map(|script| {
        let mut runs = (1..).zip(PEER_OFFSETS);
        let failure =
            runs.find_map(|(seed, offset)| run_virtual(script, &pool, seed, offset).err());
        failure.map_or(Outcome::Passed, Outcome::Failed)
    });
    outcomes.collect()
}

fn run_virtual(script: &Script, pool: &Pool, seed: u8, peer_offset: u32) -> Result<(), String> {
    let mut host = Parhelion::new(Secrets::new([seed; 32]), pool.clone());
    let conditions = Conditions {
        peer_offset,
        ..VIRTUAL_TIME
    };
    run(script, &mut host, conditions).map_err(|failure| failure.to_string())?;
    drop(host);
    let kept = [Class::Cell, Class::Page, Class::Bay].map(|class| pool.usage(class).held);
    if kept == [0; 3] {
        return Ok(());
    }
    Err(format!(
        "{}: cells, pages and bays never given back: {kept:?}",
        script.name
    ))
}

/// Runs each script against Linux, in a process and a namespace of its own: `program` is called as
/// `unshare … program --inside FILE`, and must call [`inside`].
///
/// # Errors
/// What the machine refused.
pub fn against_linux(program: &Path, scripts: &[Script]) -> Result<Vec<Outcome>, String> {
    let outcomes: Vec<Mutex<Option<Result<Outcome, String>>>> =
        scripts.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let (Some(script), Some(outcome)) = (scripts.get(at), outcomes.get(at)) else {
                        return;
                    };
                    let result = in_namespace(program, script);
                    if let Ok(mut outcome) = outcome.lock() {
                        *outcome = Some(result);
                    }
                }
            });
        }
    });
    let missing = || Err("a script was not run".to_owned());
    let outcomes = outcomes.into_iter();
    let outcomes = outcomes.map(|outcome| outcome.into_inner().ok().flatten());
    outcomes
        .map(|outcome| outcome.unwrap_or_else(missing))
        .collect()
}

fn in_namespace(program: &Path, script: &Script) -> Result<Outcome, String> {
    let mut failure = String::new();
    for _ in 0..TRIES {
        let Output { status, stderr, .. } = Command::new("unshare")
            .args(["--user", "--map-root-user", "--net", "--"])
            .arg(program)
            .args(["--inside", &script.name])
            .output()
            .map_err(|error| format!("cannot run unshare (Debian: util-linux): {error}"))?;
        failure = String::from_utf8_lossy(&stderr).into_owned();
        let is_true = match status.code() {
            Some(0) => true,
            Some(code) if code == i32::from(FAILED) => false,
            _ => {
                let why = failure.trim().trim_start_matches("scripts: ");
                return Err(format!("no namespace with a tap: {why}"));
            }
        };
        match (is_true, &script.linux_differs) {
            (true, None) => return Ok(Outcome::Passed),
            (true, Some(reason)) => return Ok(Outcome::Agrees(reason.clone())),
            (false, Some(reason)) => return Ok(Outcome::Differs(reason.clone())),
            (false, None) => {}
        }
    }
    Ok(Outcome::Failed(failure))
}

/// The exit code of a program that ran its scripts and found one that is not true.
pub const FAILED: u8 = 3;

/// Runs one script against the Linux of the namespace that this process is in.
///
/// # Errors
/// What the machine refused.
pub fn inside(script: &Script) -> Result<Result<(), Failure>, String> {
    let mut linux = Linux::new()?;
    Ok(run(script, &mut linux, REAL_TIME))
}
