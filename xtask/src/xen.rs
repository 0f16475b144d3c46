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
//! [`acceptance`] is what must hold of our guests, [`client`] what is asked of them; [`mod@measure`] compares
//! them with a Linux ([`linux`]).

mod acceptance;
mod applications;
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

use std::path::Path;

use crate::boot::{self, compare};
use crate::cargo;
use crate::outcome::Outcome;
use applications::{Builder, Contents};
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
    let contents = Contents::make(&folder)?;
    let mut guests = probes()?;
    guests.extend(applications::guests(&folder, &contents)?);
    Lab::start(folder, root, contents.large, guests)
}

/// `--measure`. Tells whether it could.
pub(crate) fn measure() -> bool {
    tell("measuring", measured()).failed == 0
}

fn measured() -> Result<(), String> {
    let folder = Folder::ours()?;
    machine::refused().map_or(Ok(()), Err)?;
    let root = packages::unpacked(&folder.path, Set::Lab)?;
    let contents = Contents::make(&folder)?;
    linux::build(&folder.path, &root, &contents.large)?;
    let builder = Builder::new(&folder)?;
    let guest = |name: &str, kernel: &Path, number, memory| Guest {
        name: name.to_owned(),
        written: None,
        kernel: kernel.to_owned(),
        module: None,
        memory,
        command_line: format!("ip=10.0.0.{number}/24 quiet=yes"),
        number,
    };
    let site = builder.elf("site", Some(&contents.large))?;
    let mut guests = vec![guest("site", &site, 8, 64)];
    let small = builder.elf("site", Some(&contents.small))?;
    let hello = builder.elf("hello", None)?;
    for memory in measure::MEMORY {
        guests.push(guest(&format!("hello{memory}"), &hello, 10, memory));
        guests.push(guest(&format!("small{memory}"), &small, 11, memory));
    }
    let nginx = Guest {
        name: "nginx".to_owned(),
        written: None,
        kernel: folder.path.join(linux::KERNEL),
        module: Some(folder.path.join(linux::FILES)),
        memory: 192,
        command_line: format!("{} address=10.0.0.9/24", linux::COMMAND_LINE),
        number: 9,
    };
    guests.push(nginx);
    let mut lab = Lab::start(folder, &root, contents.large, guests)?;
    let result = measure::least_memory(&mut lab, "hello", "/")
        .and_then(|()| measure::least_memory(&mut lab, "small", "/file"))
        .and_then(|()| measure::run(&mut lab, &["site", "nginx"]));
    lab.keep_logs()?;
    result
}

/// What says what it was booted with, with each of the memories and command lines.
fn probes() -> Result<Vec<Guest>, String> {
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
        life.leaves(&mut lab.machine)?;
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
