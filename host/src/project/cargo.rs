//! What cargo knows of an application, and building it.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::failure::{Failure, reason};

/// The package in the current folder.
pub(super) struct Package {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    /// Where cargo puts what it makes.
    pub(super) target: PathBuf,
    metadata: Value,
}

const NEW: &str = "make one with `parhelion new NAME`";

/// Runs cargo in the current folder; gives what it prints.
pub(super) fn ask(arguments: &[&str]) -> Result<String, Failure> {
    let output = Command::new(program()).args(arguments).output();
    let output = output.map_err(|error| missing(&error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("could not find `Cargo.toml`") {
        return Err(Failure::unusable(format!(
            "no application here: there is no Cargo.toml in this folder or above it: {NEW}"
        )));
    }
    // As cargo says it.
    let _ = io::stderr().write_all(&output.stderr);
    Err(Failure::unusable(format!(
        "cargo {} failed, as it says above",
        arguments.first().unwrap_or(&"")
    )))
}

/// What is in the current folder.
pub(super) fn package() -> Result<Package, Failure> {
    let text = ask(&["metadata", "--no-deps", "--format-version=1"])?;
    let wrong = |what: &str| Failure::refused(format!("cannot understand cargo: {what}"));
    let metadata: Value = serde_json::from_str(&text).map_err(|error| wrong(&error.to_string()))?;
    let here = env::current_dir().map_err(|error| wrong(&reason(&error)))?;
    let target = metadata["target_directory"].as_str();
    let target = target.ok_or_else(|| wrong("no target_directory"))?.into();
    let folder = |package: &Value| {
        let manifest = Path::new(package["manifest_path"].as_str()?);
        manifest.parent().map(Path::to_owned)
    };
    // The innermost package that this folder is in.
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let found = packages
        .filter_map(|package| Some((folder(package)?, package.clone())))
        .filter(|(folder, _)| here.starts_with(folder))
        .max_by_key(|(folder, _)| folder.as_os_str().len());
    let Some((folder, metadata)) = found else {
        return Err(Failure::unusable(format!(
            "no application here: this folder is in none of the workspace's packages: go into one, \
             or {NEW}"
        )));
    };
    Ok(Package {
        name: metadata["name"].as_str().unwrap_or_default().to_owned(),
        folder,
        target,
        metadata,
    })
}

impl Package {
    /// Whether it is a library that takes this project's crates from `source`.
    pub(super) fn check(&self, source: &Path) -> Result<(), Failure> {
        if library(&self.metadata).is_none() {
            return Err(Failure::unusable(format!(
                "{} is not a library: an application is a src/lib.rs with `pub async fn main`: {NEW}",
                self.name
            )));
        }
        let dependencies = self.metadata["dependencies"].as_array();
        let runtime = dependencies
            .into_iter()
            .flatten()
            .find(|dependency| dependency["name"] == "parhelion-runtime");
        let Some(runtime) = runtime else {
            return Err(Failure::unusable(format!(
                "{} is no application: it does not depend on parhelion-runtime: {NEW}",
                self.name
            )));
        };
        let expected = source.join("runtime");
        let path = runtime["path"].as_str().map(Path::new);
        let found = path.and_then(|path| path.canonicalize().ok());
        if found.as_deref() == Some(&expected) {
            return Ok(());
        }
        Err(Failure::unusable(format!(
            "{}'s Cargo.toml takes `runtime` from {}, and this command has it at {}: change the path, \
             or set PARHELION_SOURCE",
            self.name,
            path.map_or_else(|| "elsewhere".to_owned(), |path| path.display().to_string()),
            expected.display()
        )))
    }
}

/// The root of a package's library, by what cargo says of the package.
pub(super) fn library(package: &Value) -> Option<&str> {
    let targets = package["targets"].as_array()?;
    let is_library = |target: &&Value| {
        let kinds = target["kind"].as_array();
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "lib" || kind == "rlib"))
    };
    targets.iter().find(is_library)?["src_path"].as_str()
}

/// Builds the program in `folder`, whose application is `package`; tells where it is. What the
/// compiler says appears as if cargo had been asked for directly.
pub(super) fn build(package: &Package, folder: &Path, release: bool) -> Result<PathBuf, Failure> {
    let format = match io::stderr().is_terminal() {
        true => "--message-format=json-diagnostic-rendered-ansi",
        false => "--message-format=json",
    };
    let mut command = Command::new(program());
    command
        .arg("build")
        .arg(format)
        .arg("--manifest-path")
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&package.target)
        .args(release.then_some("--release"))
        .stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| missing(&error))?;
    let mut messages = Messages::default();
    for line in child
        .stdout
        .take()
        .map(BufReader::new)
        .into_iter()
        .flat_map(BufReader::lines)
    {
        let line = line.map_err(|error| Failure::refused(format!("cargo: {}", reason(&error))))?;
        if let Ok(message) = serde_json::from_str(&line) {
            messages.take(&message, folder);
        }
    }
    let status = child
        .wait()
        .map_err(|error| Failure::refused(format!("cargo: {}", reason(&error))))?;
    match messages.program {
        Some(program) if status.success() => Ok(program),
        _ if messages.is_signature => Err(Failure::unusable(format!(
            "{0} has no usable main: it must be `pub async fn main(env: Env) -> Result<(), Failure>`, \
             with both of `runtime`",
            package.name
        ))),
        _ => Err(Failure::unusable(format!(
            "{} was not built, for the reason above",
            package.name
        ))),
    }
}

/// What cargo has said so far.
#[derive(Default)]
struct Messages {
    program: Option<PathBuf>,
    /// Whether there was an error in the program that we wrote: it only names the application's main.
    is_signature: bool,
}

impl Messages {
    fn take(&mut self, message: &Value, folder: &Path) {
        match message["reason"].as_str() {
            Some("compiler-artifact") => {
                let executable = message["executable"].as_str().map(PathBuf::from);
                self.program = executable.or(self.program.take());
            }
            Some("compiler-message") => {
                let is_error = message["message"]["level"] == "error";
                let source = message["target"]["src_path"].as_str().map(Path::new);
                self.is_signature |=
                    is_error && source.is_some_and(|source| source.starts_with(folder));
                let rendered = message["message"]["rendered"].as_str().unwrap_or_default();
                let _ = io::stderr().write_all(rendered.as_bytes());
            }
            _ => {}
        }
    }
}

/// Runs a program of this project's own, once arguments for it are added. It is built beside the project's
/// sources, wherever an application is.
pub(super) fn run_package(source: &Path, package: &str) -> Command {
    let mut command = Command::new(program());
    command
        .args(["run", "--quiet", "--package", package])
        .arg("--manifest-path")
        .arg(source.join("Cargo.toml"))
        .arg("--")
        .env_remove("CARGO_TARGET_DIR");
    command
}

fn program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn missing(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => Failure::refused(
            "there is no cargo: install Rust from https://rustup.rs, or set CARGO to where it is",
        ),
        _ => Failure::refused(format!("cannot run cargo: {}", reason(error))),
    }
}
