//! Directories into archives (see the crate `archive`): what a server would find out and compress at
//! every request is found out and compressed once.
//!
//! What goes in: regular files, and links to them that stay inside. Names that begin with a dot are
//! left out, and so are other kinds of files and links to directories; all but the first are told. A
//! name that is no text is an error, for no URL could ask for it.
//!
//! It is a crate, and a program, of its own: its compressors take longer to build than all the rest,
//! and only who makes an archive needs them.
#![forbid(unsafe_code)]

mod compress;
mod walk;

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use archive::{Coding, File, Malformed};

use crate::walk::Found;

/// An archive, and what is in it.
#[derive(Debug)]
pub struct Packed {
    /// The archive.
    pub bytes: Vec<u8>,
    /// How many files.
    pub files: usize,
    /// How many compressed variants of them.
    pub variants: usize,
    /// What was left out, a line each.
    pub left_out: Vec<String>,
}

/// Why a directory cannot be packed.
#[derive(Debug)]
pub enum Error {
    /// A file or directory cannot be read.
    Unreadable(PathBuf, io::Error),
    /// A name is no text.
    Name(PathBuf),
    /// An archive cannot hold it.
    Archive(Malformed),
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Name(path) => write!(
                f,
                "the name of {} is no text, so no URL can ask for it: rename it",
                path.display()
            ),
            Self::Archive(reason) => write!(f, "cannot make the archive: {reason}"),
        }
    }
}

impl core::error::Error for Error {}

/// Packs what is in `directory`. The same files, with the same times, give the same bytes.
///
/// # Errors
/// As [`Error`] says.
pub fn pack(directory: &Path) -> Result<Packed, Error> {
    let mut found = Found::default();
    found.walk(directory)?;
    let mut files = Vec::new();
    for file in &found.files {
        let media = http::media::of(&file.name);
        let entry = |coding, bytes| File {
            path: &file.name,
            media,
            coding,
            modified: file.modified,
            bytes,
        };
        for (coding, bytes) in compress::variants(media, &file.bytes) {
            files.push(entry(coding, Cow::Owned(bytes)));
        }
        files.push(entry(Coding::Identity, Cow::Borrowed(&file.bytes[..])));
    }
    let variants = files.len() - found.files.len();
    let bytes = archive::write(files).map_err(Error::Archive)?;
    Ok(Packed {
        bytes,
        files: found.files.len(),
        variants,
        left_out: found.left_out,
    })
}

/// What a `build.rs` does to put a directory into its program: packs it into a file of this name in
/// `OUT_DIR`, again whenever something in it changes. `archive::embed!` takes it from there.
#[must_use]
pub fn build(directory: impl AsRef<Path>, name: &str) -> ExitCode {
    let directory = directory.as_ref();
    println!("cargo::rerun-if-changed={}", directory.display());
    let packed = match pack(directory) {
        Ok(packed) => packed,
        Err(error) => {
            println!("cargo::error={error}");
            return ExitCode::FAILURE;
        }
    };
    for line in &packed.left_out {
        println!("cargo::warning={line}");
    }
    let path = Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join(name);
    match fs::write(&path, &packed.bytes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error=cannot write {}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests;
