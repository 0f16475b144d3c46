//! One guest in the lab: what it is made of, what is expected of it, and how it went.

use core::time::Duration;
use std::fs;
use std::path::PathBuf;

use super::archive::Archive;
use super::console::Voice;
use super::files::io;
use super::machine::Machine;

/// Of the reasons that a guest may give the toolstack for its end: all is well.
pub(crate) const POWER_OFF: u32 = 0;
/// For each thing expected. Emulated, and with others on the processor, a second may be ten.
const PATIENCE: Duration = Duration::from_secs(60);

/// A guest, before it lives.
pub(crate) struct Guest {
    /// Its name in the lab, without spaces.
    pub(crate) name: String,
    pub(crate) elf: PathBuf,
    /// In MiB.
    pub(crate) memory: u64,
    pub(crate) command_line: &'static str,
    /// In this order.
    pub(crate) script: Vec<Expect>,
}

/// What is expected of a guest.
pub(crate) enum Expect {
    /// A line on its console that holds this.
    Says(String),
    /// It ends and tells the toolstack this reason.
    Ends(u32),
}

/// How it went. Times are from when `xl create` began.
pub(crate) struct Life {
    /// All that was on its console.
    pub(crate) said: String,
    pub(crate) first_line: Duration,
    pub(crate) end: Duration,
}

impl Guest {
    /// The configuration for `xl`. (A trapped time stamp counter would cost 31 µs a look here.)
    fn configuration(&self) -> String {
        format!(
            "name = \"{name}\"\ntype = \"pvh\"\nmemory = {memory}\nvcpus = 1\n\
             kernel = \"/job/{name}.elf\"\ncmdline = \"{command_line}\"\n\
             vif = [\"bridge=xenbr0\"]\ntsc_mode = \"native\"\n\
             on_poweroff = \"destroy\"\non_reboot = \"destroy\"\non_crash = \"destroy\"\n",
            name = self.name,
            memory = self.memory,
            command_line = self.command_line,
        )
    }
}

/// The disk that brings dom0 the guests.
pub(crate) fn disk(guests: &[Guest]) -> Result<Vec<u8>, String> {
    let mut archive = Archive::default();
    for guest in guests {
        let elf = fs::read(&guest.elf).map_err(io(&guest.elf))?;
        archive.file(&format!("{}.elf", guest.name), &elf);
        let configuration = guest.configuration();
        archive.file(&format!("{}.cfg", guest.name), configuration.as_bytes());
    }
    let mut disk = archive.finish();
    // A disk is made of whole sectors.
    disk.resize(disk.len().next_multiple_of(512), 0);
    Ok(disk)
}

/// Creates the guest and holds it to its script. Whatever becomes of it, it is gone afterwards.
pub(crate) fn live(machine: &mut Machine, guest: &Guest) -> Result<Life, String> {
    let result = follow(machine, guest);
    if result.is_err() {
        // It has failed already; that it may be gone as well is no news.
        let _ = machine.in_dom0(&format!("xl destroy {}", guest.name));
    }
    result
}

fn follow(machine: &mut Machine, guest: &Guest) -> Result<Life, String> {
    let mut toolstack = machine.console.voice("xl");
    let mut speech = machine.console.voice(&guest.name);
    let beginning = speech.clone();
    machine.in_dom0(&format!("start {}", guest.name))?;
    let console = &mut machine.console;
    let created = console.hear(&mut toolstack, "Parsing config", PATIENCE)?;
    for expected in &guest.script {
        match expected {
            Expect::Says(text) => console.hear(&mut speech, text, PATIENCE)?,
            Expect::Ends(reason) => {
                let text = format!("has shut down, reason code {reason} ");
                console.hear(&mut toolstack, &text, PATIENCE)?
            }
        };
    }
    let end = console.hear(&mut toolstack, Voice::END, PATIENCE)?;
    console.hear(&mut speech, Voice::END, PATIENCE)?;
    let said = console.said(beginning);
    let first_line = said.first().map_or(end.at, |line| line.at);
    Ok(Life {
        said: said.into_iter().map(|line| line.text + "\n").collect(),
        first_line: first_line.saturating_sub(created.at),
        end: end.at.saturating_sub(created.at),
    })
}
