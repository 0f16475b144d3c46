//! The lab's folder, and a lab that is powered on with its guests.

use core::time::Duration;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::console::{Console, Voice};
use super::files::{self, io, linux, versioned};
use super::guest::{self, Guest, Life};
use super::initramfs;
use super::machine::{self, Machine};
use crate::cargo;

/// Where the lab is: beside what cargo builds.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    /// Locked as long as this lives: what lies in the folder is one run's, as QEMU reads it until the end.
    _lock: File,
}

impl Folder {
    /// Waits, as cargo does, until no other run has it.
    pub(crate) fn ours() -> Result<Self, String> {
        let folder = cargo::folder()?.join("xen");
        fs::create_dir_all(&folder).map_err(io(&folder))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(io(&path))?;
        if lock.try_lock().is_err() {
            println!("waiting for another run in {}", folder.display());
            lock.lock().map_err(io(&path))?;
        }
        Ok(Self {
            path: folder,
            _lock: lock,
        })
    }

    /// Writes a file, and tells where.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<PathBuf, String> {
        let path = self.path.join(name);
        fs::write(&path, content).map_err(io(&path))?;
        Ok(path)
    }
}

/// A lab that is powered on.
pub(crate) struct Lab {
    pub(crate) folder: Folder,
    pub(crate) machine: Machine,
    /// Files that guests serve.
    pub(crate) content: PathBuf,
    pub(crate) guests: Vec<Guest>,
    /// Those guests that live.
    pub(crate) lives: BTreeMap<String, Life>,
    lender: Voice,
}

impl Lab {
    /// Makes the lab's files of the packages in `root`, powers it on, and waits for dom0.
    pub(crate) fn start(
        folder: Folder,
        root: &Path,
        content: PathBuf,
        guests: Vec<Guest>,
    ) -> Result<Self, String> {
        let boot = root.join("boot");
        let kernel = versioned(&boot, "vmlinuz-", "")?;
        let kernel = linux(&kernel, &folder.path.join("payload"))?;
        folder.write(machine::KERNEL, &kernel)?;
        let xen = versioned(&boot, "xen-", ".gz")?;
        folder.write(machine::XEN, &files::expanded(&xen)?)?;
        folder.write(machine::INITRAMFS, &initramfs::build(root)?)?;
        folder.write(machine::DISK, &guest::disk(&guests)?)?;
        let (machine, ready) = Machine::start(&folder.path)?;
        println!("dom0 ready {} after power-on", seconds(ready));
        Ok(Self {
            folder,
            lender: machine.console.voice("lend"),
            machine,
            content,
            guests,
            lives: BTreeMap::new(),
        })
    }

    /// The guest of this name.
    pub(crate) fn guest(&self, name: &str) -> Result<&Guest, String> {
        let guest = self.guests.iter().find(|guest| guest.name == name);
        guest.ok_or_else(|| format!("there is no guest {name}"))
    }

    /// Creates a guest, with these options of `xl create`.
    pub(crate) fn create(&mut self, name: &str, options: &str) -> Result<(), String> {
        let guest = self.guests.iter().find(|guest| guest.name == name);
        let guest = guest.ok_or_else(|| format!("there is no guest {name}"))?;
        let life = Life::create(&mut self.machine, guest, options)?;
        self.lives.insert(name.to_owned(), life);
        Ok(())
    }

    /// What a guest that lives says next, and this machine that it says it on.
    pub(crate) fn living(&mut self, name: &str) -> Result<(&mut Life, &mut Machine), String> {
        let life = self.lives.get_mut(name);
        let life = life.ok_or_else(|| format!("{name} does not live"))?;
        Ok((life, &mut self.machine))
    }

    /// What the server of addresses says next, if it holds this. Its clients ask for minutes.
    pub(crate) fn lender_says(&mut self, text: &str) -> Result<String, String> {
        let patience = Duration::from_secs(60);
        let line = self
            .machine
            .console
            .hear(&mut self.lender, text, patience)?;
        Ok(line.text)
    }

    /// Seconds of the processor that a guest has had, in tenths.
    pub(crate) fn processor_time(&mut self, name: &str) -> Result<f64, String> {
        let said = self.machine.ask(&format!("xl list {name}"))?;
        // "Name ID Mem VCPUs State Time(s)", and the same of the guest.
        let last = said.lines().last().and_then(|line| line.rsplit(' ').next());
        let time = last.and_then(|time| time.parse().ok());
        time.ok_or_else(|| format!("xl list {name} says {said:?}"))
    }

    /// All that a guest has said.
    pub(crate) fn said(&mut self, name: &str) -> String {
        self.machine.console.said(&mut Console::all_of(name))
    }

    /// Keeps what each guest has said, for looking at.
    pub(crate) fn keep_logs(&mut self) -> Result<(), String> {
        let names: Vec<String> = self.guests.iter().map(|guest| guest.name.clone()).collect();
        for name in names {
            let said = self.said(&name);
            self.folder.write(&format!("{name}.log"), said.as_bytes())?;
        }
        Ok(())
    }
}

pub(crate) fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        short if short < 1.0 => format!("{:.0} ms", short * 1e3),
        long => format!("{long:.1} s"),
    }
}
