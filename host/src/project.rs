//! Applications of one's own: `parhelion new`, `build` and `run`.
//!
//! An application is a `no_std` library; what makes a program of it is a package of a few lines that
//! is written below its `target/`, depends on it and on this crate (or, for Xen, on `guest`), and is built
//! by cargo.
//!
//! | file | does |
//! |---|---|
//! | `new` | writes a new application |
//! | `cargo` | asks cargo, and lets it build |
//! | `tree` | finds `std` below an application |
//! | `wrapper` | writes the package that makes a program |
//! | `image` | what Xen boots, and its configuration for `xl` |
//! | `lab` | boots it in the Xen lab |

mod cargo;
mod image;
mod lab;
mod new;
mod tree;
mod wrapper;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use self::cargo::Package;
use self::image::Image;
use crate::cli::{Below, Build, Making, On, Pack, Run};
use crate::failure::{Failure, reason};

pub(crate) use self::new::new;

/// Builds the application in the current folder, and says where it is.
pub(crate) fn build(options: &Build) -> Result<(), Failure> {
    let (package, program) = make(&options.making, options.on)?;
    match options.on {
        Below::Linux => println!("{}", program.display()),
        Below::Xen => Image::of(&package, &program)?.tell(),
    }
    Ok(())
}

/// Builds the application in the current folder and lets it run: becomes it, with what the command line
/// says behind `run`, or becomes the lab that boots it.
pub(crate) fn run(options: &Run) -> Result<(), Failure> {
    if options.placing.on == On::Xen {
        let boot = lab::Boot::new(&options.placing)?;
        let (package, program) = make(&options.making, Below::Xen)?;
        return boot.run(&source()?, &Image::of(&package, &program)?);
    }
    let (_, program) = make(&options.making, Below::Linux)?;
    let arguments: Vec<OsString> = env::args_os().skip(2).collect();
    Err(become_program(Command::new(&program).args(arguments)))
}

/// Makes an archive of a directory. The compressors are in a program of their own: they take longer to build
/// than all of this one.
pub(crate) fn pack(options: &Pack) -> Result<(), Failure> {
    let mut packer = cargo::run_package(&source()?, "parhelion-pack");
    packer.arg(&options.directory).arg("--output");
    Err(become_program(packer.arg(&options.output)))
}

/// Replaces this process; comes back only with why not.
fn become_program(command: &mut Command) -> Failure {
    let why = reason(&command.exec());
    Failure::refused(format!(
        "cannot start {}: {why}",
        command.get_program().display()
    ))
}

fn make(making: &Making, below: Below) -> Result<(Package, PathBuf), Failure> {
    let source = source()?;
    let package = cargo::package()?;
    package.check(&source)?;
    tree::check(&package, below)?;
    let content = making.content.as_deref().map(directory).transpose()?;
    let folder = wrapper::write(&package, &source, content.as_deref(), below)?;
    let program = cargo::build(&package, &folder, making.release)?;
    Ok((package, program))
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
