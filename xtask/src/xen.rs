//! The Xen lab: a real Xen with a Linux dom0 in QEMU, and our guest created in it by `xl`.
//!
//! QEMU emulates all of it, so that no hardware virtualisation is needed, and its network card is a
//! tap in a namespace that holds nothing else. Xen, dom0's kernel and the toolstack are Debian's
//! packages, unpacked under `target/xen` ([`packages`]), with a first file system of our own
//! ([`initramfs`]). [`machine`] runs that, [`console`] hears what it says; [`guest`] is one guest in it: an
//! ELF file, an `xl` configuration, and what is expected of it.
//!
//! ```text
//! namespace: wire0 10.0.0.1 --- eth0 [xenbr0 10.0.0.3] vif --- 10.0.0.2, the guest's
//!              (tap)                   in dom0
//! ```

mod archive;
mod console;
mod files;
mod guest;
mod initramfs;
mod machine;
mod packages;

use core::time::Duration;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::boot::{self, compare};
use crate::cargo;
use crate::outcome::Outcome;
use files::{io, linux, versioned};
use guest::{Expect, Guest};
use machine::Machine;

/// Builds the guest and the lab, and sees the guest live and end in it on each of
/// [`boot::MACHINES`].
pub(crate) fn run() -> Outcome {
    let mut total = boot::build();
    if total.failed > 0 {
        return total;
    }
    let lab = match Lab::ours() {
        Ok(lab) => lab,
        Err(why) => return failed(&why),
    };
    let missing = machine::refused().map_or(Ok(()), Err);
    let root = match missing.and_then(|()| packages::unpacked(&lab.folder)) {
        Ok(root) => root,
        Err(why) => {
            total += Outcome::skip(format!("booting the guest on Xen: {why}"));
            return total;
        }
    };
    match guests().and_then(|guests| Ok((start(&lab.folder, &root, &guests)?, guests))) {
        Ok((mut machine, guests)) => {
            total += tell("the wire", wire(&mut machine));
            for guest in &guests {
                total += tell(&guest.name, live(&mut machine, guest));
            }
        }
        Err(why) => total += failed(&why),
    }
    total
}

/// Where the lab is: beside what cargo builds.
struct Lab {
    folder: PathBuf,
    /// Locked as long as this lives: what lies in the folder is one run's, as QEMU reads it until the end.
    _lock: File,
}

impl Lab {
    /// Waits, as cargo does, until no other run has it.
    fn ours() -> Result<Self, String> {
        let folder = cargo::folder()?.join("xen");
        fs::create_dir_all(&folder).map_err(io(&folder))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(io(&path))?;
        if lock.try_lock().is_err() {
            println!("waiting for another run in {}", folder.display());
            lock.lock().map_err(io(&path))?;
        }
        Ok(Self {
            folder,
            _lock: lock,
        })
    }
}

/// Makes the lab's files, powers it on, and waits for dom0.
fn start(lab: &Path, root: &Path, guests: &[Guest]) -> Result<Machine, String> {
    let write = |name: &str, content: &[u8]| {
        let path = lab.join(name);
        fs::write(&path, content).map_err(io(&path))
    };
    let boot = root.join("boot");
    let kernel = versioned(&boot, "vmlinuz-", "")?;
    write(machine::KERNEL, &linux(&kernel, &lab.join("payload"))?)?;
    let xen = versioned(&boot, "xen-", ".gz")?;
    write(machine::XEN, &files::expanded(&xen)?)?;
    write(machine::INITRAMFS, &initramfs::build(root)?)?;
    write(machine::DISK, &guest::disk(guests)?)?;
    let (machine, ready) = Machine::start(lab)?;
    println!("dom0 ready {} after power-on", seconds(ready));
    Ok(machine)
}

/// The guest as it is now, with each of the memories and command lines.
fn guests() -> Result<Vec<Guest>, String> {
    let elf = cargo::folder()?.join("release/probe");
    let guests = boot::MACHINES.iter().map(|&(memory, command_line)| Guest {
        name: format!("guest{memory}"),
        elf: elf.clone(),
        memory,
        command_line,
        script: vec![
            Expect::Says("a PVH guest".to_owned()),
            Expect::Ends(guest::POWER_OFF),
        ],
    });
    Ok(guests.collect())
}

/// From each end of the wire, the kernel at the other one answers.
fn wire(machine: &mut Machine) -> Result<(), String> {
    machine.outside(&["ping", "-c", "1", "-W", "10", "10.0.0.3"])?;
    machine.in_dom0("ping -c 1 -W 10 10.0.0.1 >/dev/null")
}

/// Lets it live; what it said must be true.
fn live(machine: &mut Machine, guest: &Guest) -> Result<(), String> {
    let life = guest::live(machine, guest)?;
    print!("{}", life.said);
    println!(
        "{}: first line {} after xl create, ended {} after it",
        guest.name,
        seconds(life.first_line),
        seconds(life.end)
    );
    compare(&life.said, guest.memory, guest.command_line)
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

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
