//! One guest in the lab, to be looked at: its console, and its pages on this machine, until Ctrl-C.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::{fs, io, thread};

use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::console::Voice;
use super::door::{self, Door};
use super::files;
use super::guest::{self, Guest};
use super::lab::{Folder, Lab};
use super::machine::{self, Machine};
use super::packages::{self, Set};
use crate::install;
use crate::test::Step;

/// What the lab's DHCP server lends.
const LENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// Who else is in the lab's network: the wire's other end, dom0, its DHCP server.
const OTHERS: [u8; 5] = [0, 1, 3, 4, 255];
/// How soon a Ctrl-C is noticed.
const TICK: Duration = Duration::from_millis(100);
/// Of a guest's name and what is typed to it: of the 127 bytes that Xen's serial port takes at a time.
const LONGEST: usize = 100;
/// For the toolstack, once the guest is gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// A guest to be looked at.
#[derive(Args)]
pub(crate) struct Options {
    /// Boots this, and shows its console and its pages until Ctrl-C, in place of the tests
    #[arg(long, value_name = "ELF")]
    pub(crate) run: Option<PathBuf>,
    /// Its command line
    #[arg(long, value_name = "TEXT", default_value = "", requires = "run")]
    cmdline: String,
    /// What comes along, as its ramdisk
    #[arg(long, value_name = "FILE", requires = "run")]
    module: Option<PathBuf>,
    /// Its memory, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, requires = "run")]
    memory: u64,
    /// Where this machine offers what it serves
    #[arg(
        long,
        value_name = "ADDR:PORT",
        default_value = "127.0.0.1:8080",
        requires = "run"
    )]
    publish: SocketAddr,
    /// The port that it serves at
    #[arg(long, value_name = "N", default_value_t = 80, requires = "run")]
    port: u16,
    /// A file to write once it serves, with the URL in it
    #[arg(long, value_name = "FILE", requires = "run")]
    ready_file: Option<PathBuf>,
    /// Leaves out the lab's DHCP server
    #[arg(long, requires = "run")]
    without_dhcp: bool,
}

impl Options {
    /// The guest. What `xl` is told is what stands in a file of its name beside it, if there is one, and
    /// what is said here.
    fn guest(&self) -> Result<Guest, String> {
        let kernel = self.run.clone().ok_or("--run names no file")?;
        let name = kernel.file_stem().unwrap_or_default();
        let number = self.address()?.octets()[3];
        Ok(Guest {
            name: name.to_string_lossy().into_owned(),
            written: fs::read_to_string(kernel.with_extension("cfg")).ok(),
            kernel,
            module: self.module.clone(),
            memory: self.memory,
            command_line: self.cmdline.clone(),
            number,
        })
    }

    /// Its address: the one that it is told, or the one that it will be lent.
    fn address(&self) -> Result<Ipv4Addr, String> {
        // Of a setting that is there twice the last one holds.
        let mut words = self.cmdline.rsplit(' ');
        let told = words.find_map(|word| word.strip_prefix("ip="));
        let Some(told) = told.filter(|told| *told != "dhcp") else {
            return Ok(LENT);
        };
        let address = told.split('/').next().unwrap_or_default();
        let address: Ipv4Addr = address
            .parse()
            .map_err(|_| format!("ip={told} has no address"))?;
        match address.octets() {
            [10, 0, 0, number] if !OTHERS.contains(&number) => Ok(address),
            _ => Err(format!(
                "{address} is no guest's in the lab: take 10.0.0.2, or one from 10.0.0.5 to 10.0.0.254"
            )),
        }
    }
}

/// Downloads what the lab is made of, unless it is there. Tells whether it is.
pub(crate) fn fetch() -> bool {
    install::needs_of(&[Step::Xen]);
    let fetched = machine::refused().map_or(Ok(()), Err).and_then(|()| {
        let folder = Folder::ours()?;
        packages::unpacked(&folder.path, Set::Lab)
    });
    if let Err(why) = &fetched {
        println!("Xen lab: {why}");
    }
    fetched.is_ok()
}

/// Boots it, and stays until it has ended. Tells whether it ended well.
pub(crate) fn run(options: &Options) -> bool {
    install::needs_of(&[Step::Xen]);
    let ended = look(options);
    if let Err(why) = &ended {
        println!("Xen lab: {why}");
    }
    ended.is_ok()
}

fn look(options: &Options) -> Result<(), String> {
    let guest = options.guest()?;
    let (name, kernel) = (guest.name.clone(), guest.kernel.clone());
    let to = SocketAddrV4::new(options.address()?, options.port);
    let door = Door::open(options.publish, options.ready_file.as_deref())?;
    let asked = asked_to_end()?;
    let folder = Folder::ours()?;
    machine::refused().map_or(Ok(()), Err)?;
    let root = packages::unpacked(&folder.path, Set::Lab)?;
    let log = folder.path.join(format!("{name}.log"));
    let nothing = PathBuf::new();
    let mut lab = Lab::start(folder, &root, nothing, vec![guest])?;
    if !options.without_dhcp {
        lab.machine
            .in_dom0(&format!("lend 10.0.0.4 {LENT} {LENT}"))?;
    }
    let connections = door.lead(lab.machine.process(), to, name.clone());
    let ended = follow(&mut lab.machine, &name, &asked);
    door::close(&connections);
    fs::write(&log, lab.said(&name)).map_err(files::io(&log))?;
    match ended? {
        Some(guest::POWER_OFF) => {
            println!("{name} has ended");
            Ok(())
        }
        Some(reason) => Err(format!(
            "{name} has ended badly, with reason {reason}: `parhelion symbols {} {}` explains what it said",
            kernel.display(),
            log.display()
        )),
        None => Err(format!("{name} was not created, for the reason above")),
    }
}

/// Creates the guest and shows what it says, until nothing is left of it; tells the reason that it has given
/// the toolstack, if there was a guest.
fn follow(machine: &mut Machine, name: &str, asked: &AtomicBool) -> Result<Option<u32>, String> {
    let mut speech = machine.console.voice(name);
    let mut toolstack = machine.console.voice(&format!("xl-{name}"));
    machine.in_dom0(&format!("start {name}"))?;
    let (mut typed, mut is_told) = (None, false);
    loop {
        match machine.console.next_within(&mut speech, TICK)? {
            Some(line) if line.text == Voice::END => break,
            Some(line) => {
                println!("{}", line.text);
                // From its first line on it can be typed to.
                typed.get_or_insert_with(keyboard);
                continue;
            }
            None => {}
        }
        if asked.load(Ordering::Relaxed) && !is_told {
            is_told = true;
            println!("Asked to end; another Ctrl-C does not wait for it");
            // It waits for the guest's word, which may never come.
            machine.in_dom0(&format!("xl shutdown {name} &"))?;
        } else if let Some(line) = typed.as_ref().and_then(|typed| typed.try_recv().ok()) {
            type_in(machine, name, &line)?;
        }
    }
    let (mut said, mut reason) = (String::new(), None);
    while let Some(line) = machine.console.next_within(&mut toolstack, PATIENCE)? {
        if line.text == Voice::END {
            break;
        }
        let code = line.text.split_once("has shut down, reason code ");
        let code = code.and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
        // It may have been started again.
        reason = code.or(reason);
        said.extend([&line.text, "\n"]);
    }
    if reason.is_none() {
        print!("{said}");
    }
    Ok(reason)
}

/// The lines that are typed here.
fn keyboard() -> Receiver<String> {
    let (sender, typed) = mpsc::channel();
    thread::spawn(move || {
        let lines = io::stdin().lines().map_while(Result::ok);
        lines
            .take_while(|line| sender.send(line.clone()).is_ok())
            .for_each(drop);
    });
    typed
}

/// Types a line on the guest's console. What dom0 itself is told on its own is short.
fn type_in(machine: &mut Machine, name: &str, line: &str) -> Result<(), String> {
    let quoted = line.replace('\'', r"'\''");
    if name.len() + quoted.len() > LONGEST {
        println!("That is too long to be typed here");
        return Ok(());
    }
    // It may have ended.
    machine.in_dom0(&format!("enter {name} '{quoted}' || true"))
}

/// Becomes true with the first Ctrl-C; the second one ends us, and with us QEMU.
fn asked_to_end() -> Result<Arc<AtomicBool>, String> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 1, Arc::clone(&asked))
            .and_then(|_| flag::register(signal, Arc::clone(&asked)))
            .map_err(|error| format!("cannot hear Ctrl-C: {error}"))?;
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn address(cmdline: &str) -> Result<Ipv4Addr, String> {
        let line = Line::try_parse_from(["xen", "--run", "x.elf", "--cmdline", cmdline]);
        line.map_err(|error| error.to_string())?.options.address()
    }

    #[test]
    fn a_guest_is_where_it_is_told_to_be_or_where_it_is_lent_to_be() {
        assert_eq!(address("port=1"), Ok(LENT));
        assert_eq!(address("ip=dhcp"), Ok(LENT));
        let told = Ok(Ipv4Addr::new(10, 0, 0, 9));
        assert_eq!(address("port=1 ip=10.0.0.9/24,gw=10.0.0.1"), told);
        assert_eq!(address("ip=10.0.0.8/24 ip=10.0.0.9/24"), told);
        for wrong in ["ip=", "ip=x", "ip=10.0.0.3/24", "ip=10.0.1.2/24"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}
