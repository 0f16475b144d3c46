//! Our applications as guests, made by the command as anybody makes them, and what they serve.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::files::io;
use super::guest::Guest;
use super::lab::Folder;
use crate::cargo;

/// Folders that are served: a page in each, and a file of so many MiB that no compression makes smaller.
pub(crate) struct Contents {
    pub(crate) large: PathBuf,
    pub(crate) small: PathBuf,
}

impl Contents {
    pub(crate) fn make(folder: &Folder) -> Result<Self, String> {
        Ok(Self {
            large: content(&folder.path.join("large"), 16)?,
            small: content(&folder.path.join("small"), 1)?,
        })
    }
}

fn content(path: &Path, mebibytes: usize) -> Result<PathBuf, String> {
    fs::create_dir_all(path).map_err(io(path))?;
    // What is the same keeps its time, so that cargo need not build again what it is part of.
    let write = |name: &str, content: &[u8]| {
        let path = path.join(name);
        match fs::read(&path).is_ok_and(|there| there == content) {
            true => Ok(()),
            false => fs::write(&path, content).map_err(io(&path)),
        }
    };
    write("index.html", b"<!doctype html><title>Lab</title><p>Hello\n")?;
    // Marsaglia's xorshift, which needs nothing of others.
    let mut word: u64 = 1;
    let random = core::iter::repeat_with(|| {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word.to_le_bytes()
    });
    let file: Vec<u8> = random.take(mebibytes << 17).flatten().collect();
    write("file", &file)?;
    Ok(path.to_owned())
}

/// All that are looked at.
pub(crate) fn guests(folder: &Folder, contents: &Contents) -> Result<Vec<Guest>, String> {
    let builder = Builder::new(folder)?;
    let hello = builder.elf("hello", None)?;
    let bench = builder.elf("bench", None)?;
    let small = builder.elf("site", Some(&contents.small))?;
    let large = builder.elf("site", Some(&contents.large))?;
    // Its files take the place of those in the program, which are others.
    let module = builder.archive(&contents.large)?;
    let guest = |number: u8, name: &str, kernel: &Path, memory| Guest {
        name: name.to_owned(),
        written: None,
        kernel: kernel.to_owned(),
        module: None,
        memory,
        command_line: format!("ip=10.0.0.{number}/24,gw=10.0.0.1 inside=everyone"),
        number,
    };
    Ok(vec![
        Guest {
            // It asks a server.
            command_line: String::new(),
            ..guest(50, "lease", &hello, 64)
        },
        guest(10, "hello", &hello, 16),
        guest(11, "file", &large, 64),
        Guest {
            module: Some(module),
            ..guest(12, "module", &small, 64)
        },
        guest(13, "small", &small, 16),
        guest(14, "bench", &bench, 64),
    ])
}

/// Makes guests of applications.
pub(crate) struct Builder {
    command: PathBuf,
    /// Where cargo builds them.
    target: PathBuf,
}

impl Builder {
    pub(crate) fn new(folder: &Folder) -> Result<Self, String> {
        // As parts of the whole, so that nothing is compiled again for other features.
        let mut build = cargo::command(&["build", "--quiet", "--workspace", "--bins"]);
        if cargo::check(&mut build).failed > 0 {
            return Err("the command was not built".to_owned());
        }
        Ok(Self {
            command: cargo::folder()?.join("debug/parhelion"),
            target: folder.path.join("guests"),
        })
    }

    /// The guest that an application of ours becomes, with this content in it.
    pub(crate) fn elf(&self, application: &str, content: Option<&Path>) -> Result<PathBuf, String> {
        let mut build = Command::new(&self.command);
        build.args(["build", "--on", "xen", "--release"]);
        if let Some(content) = content {
            build.arg("--content").arg(content);
        }
        build
            .env("CARGO_TARGET_DIR", &self.target)
            .current_dir(format!("apps/{application}"))
            .stdout(Stdio::null());
        if cargo::check(&mut build).failed > 0 {
            return Err(format!("{application} does not become a guest"));
        }
        let made = self
            .target
            .join("xen")
            .join(format!("parhelion-{application}.elf"));
        // With other content it has the same name.
        let content = content.and_then(Path::file_name).unwrap_or_default();
        let name = format!("{application}-{}.elf", content.display());
        let kept = self.target.join(name);
        fs::copy(&made, &kept).map_err(io(&made))?;
        Ok(kept)
    }

    /// A folder as an archive.
    pub(crate) fn archive(&self, content: &Path) -> Result<PathBuf, String> {
        let archive = self.target.join("site.archive");
        let mut pack = Command::new(&self.command);
        pack.arg("pack").arg(content).arg("--output").arg(&archive);
        match cargo::check(pack.stdout(Stdio::null())).failed {
            0 => Ok(archive),
            _ => Err(format!("{} does not become an archive", content.display())),
        }
    }
}
