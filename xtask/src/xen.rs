//! The Xen lab: a real Xen with a Linux dom0 in QEMU, and our guests created in it by `xl`.
//!
//! QEMU emulates all of it, so that no hardware virtualisation is needed, and its network card is a
//! tap in a namespace that holds nothing else. Xen, dom0's kernel and the toolstack are Debian's
//! packages, unpacked under `target/xen` ([`packages`]), with a first file system of our own
//! ([`initramfs`]). [`machine`] runs that, [`console`] hears what it says; [`guest`] is one guest in it: an
//! ELF file, an `xl` configuration, and its life; [`lab`] is all of them together.
//!
//! ```text
//! namespace: wire0 10.0.0.1 --- eth0 [xenbr0 10.0.0.3] vif --- 10.0.0.N, the guest's
//!              (tap)                   in dom0
//! ```
//!
//! [`acceptance`] is what must hold of our guests, [`client`] what is asked of them; [`measure`] compares
//! them with a Linux ([`linux`]).

mod acceptance;
mod archive;
mod client;
mod console;
pub(crate) mod door;
mod files;
mod guest;
mod initramfs;
mod lab;
mod linux;
mod machine;
mod measure;
mod packages;
pub(crate) mod run;

use std::fs;
use std::path::{Path, PathBuf};

use crate::boot::{self, compare};
use crate::cargo;
use crate::outcome::Outcome;
use files::io;
use guest::Guest;
use lab::{Folder, Lab};
use packages::Set;

/// Builds the guests and the lab, and sees what must hold of them in it.
pub(crate) fn run() -> Outcome {
    let mut total = boot::build();
    if total.failed > 0 {
        return total;
    }
    let folder = match Folder::ours() {
        Ok(folder) => folder,
        Err(why) => return failed(&why),
    };
    let missing = machine::refused().map_or(Ok(()), Err);
    let root = match missing.and_then(|()| packages::unpacked(&folder.path, Set::Lab)) {
        Ok(root) => root,
        Err(why) => {
            total += Outcome::skip(format!("booting guests on Xen: {why}"));
            return total;
        }
    };
    match start(folder, &root) {
        Ok(mut lab) => {
            for at in 0..boot::MACHINES.len() {
                total += tell("guest", live(&mut lab, at));
            }
            total += acceptance::run(&mut lab);
            total += tell("logs", lab.keep_logs());
        }
        Err(why) => total += failed(&why),
    }
    total
}

fn start(folder: Folder, root: &Path) -> Result<Lab, String> {
    let content = content(&folder, "content", 16)?;
    let mut guests = guests()?;
    Lab::start(folder, root, content, guests)
}

/// `--measure`. Tells whether it could.
pub(crate) fn measure() -> bool {
    tell("measuring", measured()).failed == 0
}

fn measured() -> Result<(), String> {
    let folder = Folder::ours()?;
    machine::refused().map_or(Ok(()), Err)?;
    let root = packages::unpacked(&folder.path, Set::Lab)?;
    let content = content(&folder, "content", 16)?;
    linux::build(&folder.path, &root, &content)?;
    let nginx = Guest {
        name: "nginx".to_owned(),
        written: None,
        kernel: folder.path.join(linux::KERNEL),
        module: Some(folder.path.join(linux::FILES)),
        memory: 192,
        command_line: format!("{} address=10.0.0.9/24", linux::COMMAND_LINE),
        number: 9,
    };
    let mut lab = Lab::start(folder, &root, content, vec![nginx])?;
    let result = measure::run(&mut lab, &["nginx"]);
    lab.keep_logs()?;
    result
}

/// A site: a page, and a file of so many MiB that no compression makes smaller.
fn content(folder: &Folder, name: &str, mebibytes: usize) -> Result<PathBuf, String> {
    let path = folder.path.join(name);
    fs::create_dir_all(&path).map_err(io(&path))?;
    let write = |name: &str, content: &[u8]| {
        let path = path.join(name);
        fs::write(&path, content).map_err(io(&path))
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
    let large: Vec<u8> = random.take(mebibytes << 17).flatten().collect();
    write("large.bin", &large)?;
    Ok(path)
}

/// The guest as it is now, with each of the memories and command lines.
fn guests() -> Result<Vec<Guest>, String> {
    let kernel = cargo::folder()?.join("release/probe");
    let guests = boot::MACHINES.iter().map(|&(memory, command_line)| Guest {
        written: None,
        name: format!("guest{memory}"),
        kernel: kernel.clone(),
        module: None,
        memory,
        command_line: command_line.to_owned(),
        number: 2,
    });
    Ok(guests.collect())
}

/// Lets it live; what it said must be true.
fn live(lab: &mut Lab, at: usize) -> Result<(), String> {
    let (memory, command_line) = boot::MACHINES[at];
    let name = format!("guest{memory}");
    lab.create(&name, "")?;
    let (life, machine) = lab.living(&name)?;
    life.gives(machine, guest::POWER_OFF)?;
    if let Some(life) = lab.lives.remove(&name) {
        life.is_over(&mut lab.machine)?;
    }
    compare(&lab.said(&name), memory, command_line)
}

fn tell(name: &str, result: Result<(), String>) -> Outcome {
    match result {
        Ok(()) => Outcome::of(true),
        Err(why) => failed(&format!("{name}: {why}")),
    }
}

fn failed(why: &str) -> Outcome {
    println!("Xen lab: {why}");
    Outcome::of(false)
}
