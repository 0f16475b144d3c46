//! `parhelion new`: an application to begin with.

use std::fs;
use std::io;
use std::path::Path;

use super::{cannot_write, quoted, source};
use crate::failure::{Failure, reason};

/// Writes an application of this name into a folder of this name.
pub(crate) fn new(name: &str) -> Result<(), Failure> {
    check(name)?;
    let source = source()?;
    let folder = Path::new(name);
    fs::create_dir(folder).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::unusable(format!(
            "{name} exists already: choose another name, or another folder to be in"
        )),
        _ => Failure::refused(format!("cannot make {name}: {}", reason(&error))),
    })?;
    let crate_name = name.replace('-', "_");
    let path = |folder: &str| quoted(&source.join(folder));
    let filled = |text: &str| {
        text.replace("@name@", name)
            .replace("@crate@", &crate_name)
            .replace("@runtime@", &path("runtime"))
            .replace("@http@", &path("http"))
            .replace("@sim@", &path("sim"))
    };
    let files = [
        ("Cargo.toml", include_str!("template/Cargo.toml.in")),
        ("README.md", include_str!("template/README.md.in")),
        ("src/lib.rs", include_str!("template/lib.rs.in")),
        ("tests/page.rs", include_str!("template/page.rs.in")),
        (".gitignore", "/target\n"),
    ];
    let write = || {
        fs::create_dir(folder.join("src"))?;
        fs::create_dir(folder.join("tests"))?;
        for (file, text) in files {
            fs::write(folder.join(file), filled(text))?;
        }
        // The versions that this project was tested with; cargo leaves out what is not needed.
        fs::copy(source.join("Cargo.lock"), folder.join("Cargo.lock"))
    };
    write().map_err(|error| cannot_write(folder, &error))?;
    println!("Made {name}. Next: cd {name}, then parhelion run");
    Ok(())
}

/// What is a package's name to cargo and a crate's to Rust, and not that of a crate it will use.
fn check(name: &str) -> Result<(), Failure> {
    const TAKEN: [&str; 12] = [
        "alloc",
        "core",
        "std",
        "test",
        "proc_macro",
        "application",
        "parhelion",
        "runtime",
        "http",
        "packet",
        "sim",
        "target",
    ];
    const WORDS: &str = concat!(
        "abstract as async await become box break const continue crate do dyn else enum ",
        "extern false final fn for gen if impl in let loop macro match mod move mut ",
        "override priv pub ref return self static struct super trait true try type typeof ",
        "unsafe unsized use virtual where while yield ",
    );
    let usable =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    let why = if name.is_empty() || name.len() > 64 {
        "it has 1 to 64 characters"
    } else if !name.bytes().all(usable) || !name.as_bytes()[0].is_ascii_lowercase() {
        "it begins with a small letter and goes on in small letters, digits, - and _"
    } else if WORDS.split_whitespace().any(|word| word == name) {
        "it is a word of Rust"
    } else if TAKEN.contains(&name) || name.starts_with("parhelion-") {
        "there is something else of this name"
    } else {
        return Ok(());
    };
    Err(Failure::unusable(format!(
        "an application cannot be called {name:?}: {why}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_crates() {
        for name in ["chat", "my-site2", "a_b"] {
            assert!(check(name).is_ok(), "{name}");
        }
        let long = "x".repeat(65);
        for name in [
            "", "Chat", "2do", "-x", "a b", "a/b", "../x", "für", "fn", "std", "sim", &long,
        ] {
            assert!(check(name).is_err(), "{name}");
        }
    }
}
