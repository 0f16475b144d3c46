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
use crate::cli::Build;
use crate::failure::{Failure, reason};

pub(crate) use self::new::new;

/// Builds the application in the current folder, and says where it is.
pub(crate) fn build(options: &Build) -> Result<(), Failure> {
    let program = make(options)?;
    println!("{}", program.display());
    Ok(())
}

/// Builds the application in the current folder and becomes it, with what the command line says behind
/// `run`.
pub(crate) fn run(options: &Build) -> Result<(), Failure> {
    let program = make(options)?;
    let arguments: Vec<OsString> = env::args_os().skip(2).collect();
    let error = Command::new(&program).args(arguments).exec();
    let (program, why) = (program.display(), reason(&error));
    Err(Failure::refused(format!("cannot start {program}: {why}")))
}

fn make(options: &Build) -> Result<PathBuf, Failure> {
    let source = source()?;
    let package = cargo::package()?;
    package.check(&source)?;
    tree::check(&package)?;
    let content = options.content.as_deref().map(directory).transpose()?;
    let folder = write_program(&package, &source, content.as_deref())?;
    cargo::build(&package, &folder, options.release)
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

/// Where a directory is, seen from anywhere.
fn directory(path: &Path) -> Result<PathBuf, Failure> {
    let (name, wrong) = (path.display(), "name a directory of files");
    match fs::canonicalize(path) {
        Ok(path) if path.is_dir() => Ok(path),
        Ok(_) => Err(Failure::unusable(format!(
            "--content {name} is no directory: {wrong}"
        ))),
        Err(error) => Err(Failure::unusable(format!(
            "--content {name}: {}: {wrong}",
            reason(&error)
        ))),
    }
}

/// What puts an archive into the program; `build.rs` makes it.
const EMBEDDED: &str = r#"Some(parhelion::embed!(concat!(env!("OUT_DIR"), "/content.archive")))"#;

/// Writes the package that makes a program of the application, with the files of `content` in it.
fn write_program(
    package: &Package,
    source: &Path,
    content: Option<&Path>,
) -> Result<PathBuf, Failure> {
    let folder = package.target.join("parhelion").join(&package.name);
    let filled = |text: &str| {
        text.replace("@name@", &package.name)
            .replace("@folder@", &quoted(&package.folder))
            .replace("@host@", &quoted(&source.join("host")))
            .replace("@pack@", &quoted(&source.join("pack")))
            .replace("@directory@", &quoted(content.unwrap_or(Path::new(""))))
            .replace("@build@", content.map_or("false", |_| "\"build.rs\""))
            .replace("@content@", content.map_or("None", |_| EMBEDDED))
    };
    let mut manifest = filled(include_str!("project/template/program.toml.in"));
    let main = filled(include_str!("project/template/program.rs.in"));
    if content.is_some() {
        manifest += &filled(include_str!("project/template/content.toml.in"));
    }
    let write = || {
        fs::create_dir_all(folder.join("src"))?;
        write_changed(&folder.join("src/main.rs"), main.as_bytes())?;
        if content.is_some() {
            let build = filled(include_str!("project/template/content.rs.in"));
            write_changed(&folder.join("build.rs"), build.as_bytes())?;
        }
        // With the versions that this project was tested with.
        if write_changed(&folder.join("Cargo.toml"), manifest.as_bytes())? {
            fs::copy(source.join("Cargo.lock"), folder.join("Cargo.lock"))?;
        }
        Ok(())
    };
    write().map_err(|error| cannot_write(&folder, &error))?;
    Ok(folder)
}

/// Whether these bytes are new there. A file that has them already keeps its time, so that cargo builds
/// nothing for nothing.
fn write_changed(path: &Path, bytes: &[u8]) -> std::io::Result<bool> {
    match fs::read(path) {
        Ok(old) if old == bytes => Ok(false),
        _ => fs::write(path, bytes).map(|()| true),
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    let (path, why) = (path.display(), reason(error));
    Failure::refused(format!("cannot write {path}: {why}"))
}

/// A path as a text of TOML and of Rust. What both escape alike is escaped; all else stands as it is, as
/// to TOML U+0301 is `\u0301` and to Rust `\u{301}`.
fn quoted(path: &Path) -> String {
    let mut text = String::from("\"");
    for character in path.display().to_string().chars() {
        match character {
            '"' | '\\' | '\n' | '\r' | '\t' => text.extend(character.escape_default()),
            _ => text.push(character),
        }
    }
    text + "\""
}
