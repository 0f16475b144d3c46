//! Applications of one's own: `parhelion new`, `build` and `run`.
//!
//! An application is a `no_std` library; what makes a program of it is a package of a few lines that
//! is written below its `target/`, depends on it and on this crate, and is built by cargo.
//!
//! | file | does |
//! |---|---|
//! | `new` | writes a new application |
//! | `cargo` | asks cargo, and lets it build |
//! | `tree` | finds `std` below an application |

mod cargo;
mod new;
mod tree;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use self::cargo::Package;
use crate::failure::{Failure, reason};

pub(crate) use self::new::new;

/// Builds the application in the current folder, and says where it is.
pub(crate) fn build(release: bool) -> Result<(), Failure> {
    let program = make(release)?;
    println!("{}", program.display());
    Ok(())
}

/// Builds the application in the current folder and becomes it, with what the command line says behind
/// `run`.
pub(crate) fn run(release: bool) -> Result<(), Failure> {
    let program = make(release)?;
    let arguments: Vec<OsString> = env::args_os().skip(2).collect();
    let error = Command::new(&program).args(arguments).exec();
    let (program, why) = (program.display(), reason(&error));
    Err(Failure::refused(format!("cannot start {program}: {why}")))
}

fn make(release: bool) -> Result<PathBuf, Failure> {
    let source = source()?;
    let package = cargo::package()?;
    package.check(&source)?;
    tree::check(&package)?;
    let folder = write_program(&package, &source)?;
    cargo::build(&package, &folder, release)
}

/// Where this project's crates are: where this command was built, or where `PARHELION_SOURCE` says.
fn source() -> Result<PathBuf, Failure> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let told = env::var_os("PARHELION_SOURCE").map(PathBuf::from);
    let source = told.as_deref().or(built).unwrap_or(Path::new("/"));
    match fs::canonicalize(source) {
        Ok(path) if path.join("runtime/Cargo.toml").is_file() => Ok(path),
        _ => Err(Failure::refused(format!(
            "Parhelion's own crates are not at {}: set PARHELION_SOURCE to where they are",
            source.display()
        ))),
    }
}

/// Writes the package that makes a program of the application.
fn write_program(package: &Package, source: &Path) -> Result<PathBuf, Failure> {
    let folder = package.target.join("parhelion").join(&package.name);
    let filled = |text: &str| {
        text.replace("@name@", &package.name)
            .replace("@folder@", &quoted(&package.folder))
            .replace("@host@", &quoted(&source.join("host")))
    };
    let manifest = filled(include_str!("project/template/program.toml.in"));
    let main = filled(include_str!("project/template/program.rs.in"));
    let write = || {
        fs::create_dir_all(folder.join("src"))?;
        write_changed(&folder.join("Cargo.toml"), manifest.as_bytes())?;
        write_changed(&folder.join("src/main.rs"), main.as_bytes())?;
        // The versions that this project was tested with.
        let lock = folder.join("Cargo.lock");
        match lock.exists() {
            true => Ok(()),
            false => fs::copy(source.join("Cargo.lock"), lock).map(drop),
        }
    };
    write().map_err(|error| cannot_write(&folder, &error))?;
    Ok(folder)
}

/// A file that has these bytes already keeps its time, so that cargo builds nothing for nothing.
fn write_changed(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    match fs::read(path) {
        Ok(old) if old == bytes => Ok(()),
        _ => fs::write(path, bytes),
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    let (path, why) = (path.display(), reason(error));
    Failure::refused(format!("cannot write {path}: {why}"))
}

/// A path as a text of TOML, which takes the same escapes as Rust for what a path may hold.
fn quoted(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}
