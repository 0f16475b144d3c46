//! One guest in the lab: what it is made of, and its life as others see it.

use core::time::Duration;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use super::archive::Archive;
use super::console::{Line, Voice};
use super::files::io;
use super::machine::Machine;

/// Of the reasons that a guest may give the toolstack for its end: all is well.
pub(crate) const POWER_OFF: u32 = 0;
/// It wants to be started again.
pub(crate) const REBOOT: u32 = 1;
/// For whatever is expected. Emulated, and with others on the processor, a second may be ten.
const PATIENCE: Duration = Duration::from_secs(60);

/// A guest, before it lives.
pub(crate) struct Guest {
    /// Its name in the lab, without spaces.
    pub(crate) name: String,
    /// What its maker has written for `xl`, which is read before what is said here.
    pub(crate) written: Option<String>,
    pub(crate) kernel: PathBuf,
    /// What comes along: the toolstack calls it a ramdisk.
    pub(crate) module: Option<PathBuf>,
    /// In MiB.
    pub(crate) memory: u64,
    pub(crate) command_line: String,
    /// The last number of its MAC address, and of its IP address if it is told one.
    pub(crate) number: u8,
}

impl Guest {
    /// Its address, if it is told one.
    pub(crate) fn address(&self) -> String {
        format!("10.0.0.{}", self.number)
    }

    pub(crate) fn mac(&self) -> String {
        format!("00:16:3e:00:00:{:02x}", self.number)
    }

    /// The configuration for `xl`, which takes the last of what it is told twice. (A trapped time stamp
    /// counter would cost 31 µs a look here.)
    fn configuration(&self) -> String {
        let ramdisk = match self.module {
            Some(_) => format!("ramdisk = \"/job/{}.module\"\n", self.name),
            None => String::new(),
        };
        let written = self.written.clone().unwrap_or_else(|| {
            format!(
                "type = \"pvh\"\nvcpus = 1\nvif = [\"bridge=xenbr0,mac={mac}\"]\ntsc_mode = \"native\"\n\
                 on_poweroff = \"destroy\"\non_reboot = \"restart\"\non_crash = \"destroy\"\n",
                mac = self.mac()
            )
        });
        format!(
            "{written}name = \"{name}\"\nmemory = {memory}\nkernel = \"/job/{name}.kernel\"\n\
             {ramdisk}cmdline = \"{command_line}\"\n",
            name = self.name,
            memory = self.memory,
            command_line = self.command_line,
        )
    }
}

/// The disk that brings dom0 the guests. A file that several have is in it once.
pub(crate) fn disk(guests: &[Guest]) -> Result<Vec<u8>, String> {
    let mut archive = Archive::default();
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    for guest in guests {
        let configuration = guest.configuration();
        archive.file(&format!("{}.cfg", guest.name), configuration.as_bytes());
        let kernel = Some((&guest.kernel, "kernel"));
        let module = guest.module.as_ref().map(|path| (path, "module"));
        for (path, kind) in kernel.into_iter().chain(module) {
            let name = format!("{}.{kind}", guest.name);
            match files.iter().find(|(added, _)| added == path) {
                Some((_, target)) => archive.link(&name, target),
                None => {
                    archive.file(&name, &fs::read(path).map_err(io(path))?);
                    files.push((path.clone(), name));
                }
            }
        }
    }
    let mut disk = archive.finish();
    // A disk is made of whole sectors.
    disk.resize(disk.len().next_multiple_of(512), 0);
    Ok(disk)
}

/// A guest that was created.
pub(crate) struct Life {
    name: String,
    toolstack: Voice,
    speech: Voice,
}

impl Life {
    /// `xl create`, with these options.
    pub(crate) fn create(
        machine: &mut Machine,
        guest: &Guest,
        options: &str,
    ) -> Result<Self, String> {
        let name = guest.name.clone();
        let mut toolstack = machine.console.voice(&format!("xl-{name}"));
        let speech = machine.console.voice(&name);
        machine.in_dom0(&format!("start {name} {options}"))?;
        machine
            .console
            .hear(&mut toolstack, "Parsing config", PATIENCE)?;
        Ok(Self {
            name,
            toolstack,
            speech,
        })
    }

    /// Waits until all of it is made: a guest that is created paused does not run before.
    pub(crate) fn is_made(&mut self, machine: &mut Machine) -> Result<(), String> {
        let console = &mut machine.console;
        console.hear(&mut self.toolstack, "Waiting for domain", PATIENCE)?;
        Ok(())
    }

    /// Waits for its next line that holds this.
    pub(crate) fn says(&mut self, machine: &mut Machine, text: &str) -> Result<Line, String> {
        machine.console.hear(&mut self.speech, text, PATIENCE)
    }

    /// Waits until it has told the toolstack that it ended, for this reason.
    pub(crate) fn gives(&mut self, machine: &mut Machine, reason: u32) -> Result<Line, String> {
        let text = format!("has shut down, reason code {reason} ");
        machine.console.hear(&mut self.toolstack, &text, PATIENCE)
    }

    /// Waits until nothing is left of it.
    pub(crate) fn leaves(mut self, machine: &mut Machine) -> Result<(), String> {
        let console = &mut machine.console;
        console.hear(&mut self.toolstack, Voice::END, PATIENCE)?;
        console.hear(&mut self.speech, Voice::END, PATIENCE)?;
        Ok(())
    }

    /// Has it shut down, and tells how long that took.
    pub(crate) fn shut_down(mut self, machine: &mut Machine) -> Result<Duration, String> {
        let start = Instant::now();
        machine.in_dom0(&format!("xl shutdown {}", self.name))?;
        self.gives(machine, POWER_OFF)?;
        self.leaves(machine)?;
        Ok(start.elapsed())
    }
}
