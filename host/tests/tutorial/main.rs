//! The tutorial (docs/tutorial), followed to the letter: what its pages say to type is typed, and what
//! they say will be printed is compared. So the book cannot go stale.
//!
//! Each page is a test of its own, in a network namespace and a folder of its own. How a page says
//! what is to be done with its blocks: `page.rs`.

mod page;
mod terminal;

use std::env::{self, JoinPathsError};
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::LazyLock;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::page::Page;

/// Set in the process that has the namespace: the page that it is to follow.
const PAGE: &str = "PARHELION_TUTORIAL_PAGE";

/// Ways to have a network of one's own: as root in a container is, and as anybody else. Who is not root
/// must not seem to be: `tcpdump` would try to become another user.
const NAMESPACES: [&[&str]; 2] = [
    &["unshare", "--net"],
    &[
        "unshare",
        "--user",
        "--map-current-user",
        "--keep-caps",
        "--net",
    ],
];

fn main() -> ExitCode {
    if let Some(name) = env::var_os(PAGE) {
        return match read(&book().join(name)).follow(&project()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        };
    }
    let summary = fs::read_to_string(book().join("SUMMARY.md")).expect("the book has a summary");
    let trials = page::links(&summary)
        .map(|name| {
            let path = name.to_owned();
            Trial::test(name.trim_end_matches(".md"), move || follow(&path))
        })
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Follows a page in a process that has a namespace of its own.
fn follow(name: &str) -> Result<(), Failed> {
    let page = read(&book().join(name));
    let (lab, mut programs): (Vec<&str>, Vec<&str>) = page.needs().partition(|need| *need == "xen");
    programs.retain(|program| !is_there(program));
    if let [missing, ..] = programs[..] {
        skip(name, &format!("there is no {missing}: install it"));
        return Ok(());
    }
    if !lab.is_empty()
        && let Some(why) = LAB.as_ref()
    {
        skip(name, why);
        return Ok(());
    }
    let Some([program, options @ ..]) = NAMESPACES.into_iter().find(|way| allows(way)) else {
        skip(name, "network namespaces are refused");
        return Ok(());
    };
    let output = Command::new(program)
        .args(options)
        .arg(env::current_exe()?)
        .env(PAGE, name)
        .env("PATH", path()?)
        .env("NO_COLOR", "1")
        .env("CARGO_TARGET_DIR", applications())
        // A page names lines, which whoever has little time may have left out.
        .env_remove("CARGO_PROFILE_DEV_DEBUG")
        .output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
    }
}

/// What keeps the Xen lab from being there, if anything does. It is fetched while there is still a network
/// to fetch it from.
static LAB: LazyLock<Option<String>> = LazyLock::new(|| {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let fetch = Command::new(cargo)
        .args(["run", "--quiet", "--package=xtask", "--", "xen", "--fetch"])
        .current_dir(project())
        // It lies beside the project's sources, where `parhelion run --on xen` finds it.
        .env_remove("CARGO_TARGET_DIR")
        .output();
    let output = fetch.expect("cargo can be run");
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or("it does not say why");
    (!output.status.success()).then(|| last.to_owned())
});

fn read(path: &Path) -> Page {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Page::parse(&text)
}

fn project() -> PathBuf {
    let host = Path::new(env!("CARGO_MANIFEST_DIR"));
    host.parent()
        .expect("host lies in the workspace")
        .to_owned()
}

fn book() -> PathBuf {
    project().join("docs/tutorial/src")
}

/// Where a reader's shell looks for programs: our command first.
fn path() -> Result<OsString, JoinPathsError> {
    let command = Path::new(env!("CARGO_BIN_EXE_parhelion"));
    let ours = command.parent().map(PathBuf::from);
    let others = env::var_os("PATH").unwrap_or_default();
    // Debian keeps `ip` and `tcpdump` where only root looks.
    let roots = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::join_paths(
        ours.into_iter()
            .chain(env::split_paths(&others))
            .chain(roots),
    )
}

/// Where readers' applications are built: all in one folder, which the command's own tests use too, so
/// that the libraries are built once.
fn applications() -> PathBuf {
    let command = Path::new(env!("CARGO_BIN_EXE_parhelion"));
    let target = command.ancestors().nth(2).expect("target/debug/parhelion");
    target.join("projects")
}

fn is_there(program: &str) -> bool {
    let path = path().unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn allows(wrapper: &[&str]) -> bool {
    let [program, options @ ..] = wrapper else {
        return true;
    };
    let run = Command::new(program).args(options).arg("true").output();
    run.is_ok_and(|output| output.status.success())
}

/// Says that a page could not be followed here, and why (`xtask` counts these).
fn skip(what: &str, why: &str) {
    println!("skipped: tutorial, {what}: {why}");
    let Some(path) = env::var_os("PARHELION_SKIPS") else {
        return;
    };
    let file = fs::OpenOptions::new().append(true).create(true).open(path);
    let mut file = file.expect("the file that PARHELION_SKIPS names");
    writeln!(file, "tutorial, {what}: {why}").expect("a line more in it");
}
