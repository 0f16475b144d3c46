//! `parhelion run --on xen`: the application in the Xen lab, which is a chore of the project's own.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::{Image, become_program, cargo};
use crate::cli::{Address, Placing, Serving};
use crate::failure::{Failure, reason};
use crate::serve::settings;

/// Where this machine offers what a guest serves.
const PUBLISHED: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// How a guest is booted, and offered.
pub(super) struct Boot {
    command_line: String,
    /// Files in place of those in the program.
    module: Option<PathBuf>,
    /// In MiB.
    memory: Option<u64>,
    publish: SocketAddr,
    port: u16,
    ready_file: Option<PathBuf>,
}

impl Boot {
    /// What the command line asks for, if a guest can be told that.
    pub(super) fn new(placing: &Placing) -> Result<Self, Failure> {
        let serving = &placing.serving;
        refuse_what_is_not_there(serving)?;
        Ok(Self {
            command_line: command_line(serving)?,
            module: placing.storage.as_deref().map(archive).transpose()?,
            memory: serving.memory.map(|memory| memory.bytes as u64 >> 20),
            publish: serving.publish.unwrap_or(PUBLISHED),
            port: serving.port.unwrap_or(80),
            ready_file: serving.ready_file.as_deref().map(whole).transpose()?,
        })
    }

    /// Becomes the lab.
    pub(super) fn run(&self, source: &Path, image: &Image) -> Result<(), Failure> {
        let module = self.module.as_ref().and_then(|path| path.metadata().ok());
        let module = module.map_or(0, |module| module.len().div_ceil(1 << 20));
        let memory = self.memory.unwrap_or(image.memory + module);
        let mut lab = cargo::run_package(source, "xtask");
        lab.args(["xen", "--run"]).arg(&image.elf);
        lab.args(["--memory", &memory.to_string()]);
        lab.args(["--cmdline", &self.command_line]);
        lab.args(["--publish", &self.publish.to_string()]);
        lab.args(["--port", &self.port.to_string()]);
        if let Some(module) = &self.module {
            lab.arg("--module").arg(module);
        }
        if let Some(file) = &self.ready_file {
            lab.arg("--ready-file").arg(file);
        }
        Err(become_program(&mut lab))
    }
}

/// Options for what a guest in the lab has not.
fn refuse_what_is_not_there(serving: &Serving) -> Result<(), Failure> {
    let link = &serving.link;
    let many = serving.max_connections != Serving::MAX_CONNECTIONS;
    let wrong = [
        (link.host_address.is_some(), "--host-address"),
        (link.mac.is_some(), "--mac"),
        (link.mtu.is_some(), "--mtu"),
        (link.faults.is_any(), "--faults"),
        (link.capture.is_some(), "--capture"),
        (many, "--max-connections"),
    ];
    match wrong.iter().find(|(is_there, _)| *is_there) {
        Some((_, option)) => Err(Failure::unusable(format!(
            "--on xen takes no {option}: leave it out (of a guest's network, --address, --gateway and \
             --dns can be said)"
        ))),
        None => Ok(()),
    }
}

/// What the guest is told: words of the form `key=value`.
fn command_line(serving: &Serving) -> Result<String, Failure> {
    let link = &serving.link;
    let mut words = Vec::new();
    match (link.address, link.gateway) {
        (Address::Dhcp, None) => {}
        (Address::Dhcp, Some(_)) => {
            return Err(Failure::unusable(
                "--address dhcp asks a server, which also names the router: leave out --gateway",
            ));
        }
        (Address::Fixed(address), gateway) => {
            link.check()?;
            let gateway = gateway.map_or(String::new(), |gateway| format!(",gw={gateway}"));
            words.push(format!("ip={address}{gateway}"));
        }
    }
    words.extend(serving.port.map(|port| format!("port={port}")));
    words.extend(link.dns_setting().map(|servers| format!("dns={servers}")));
    let verbose = [None, Some("log=info"), Some("log=debug")];
    words.extend(verbose[usize::from(serving.output.verbose.min(2))].map(str::to_owned));
    // For what is wrong with them.
    settings(serving)?;
    for setting in &serving.settings {
        if setting
            .contains(|character: char| character.is_whitespace() || "\"\\".contains(character))
        {
            return Err(Failure::unusable(format!(
                "--set {setting}: a guest's command line is cut at spaces and knows no quotes: do without them"
            )));
        }
        words.push(setting.clone());
    }
    Ok(words.join(" "))
}

/// An archive of files, which the guest gets as its module.
fn archive(path: &Path) -> Result<PathBuf, Failure> {
    let name = path.display();
    match path.canonicalize() {
        Ok(path) if path.is_file() => Ok(path),
        Ok(_) => Err(Failure::unusable(format!(
            "--storage {name} is no file, and a guest has no disk: `parhelion pack {name}` makes an archive \
             for --storage, and --content {name} puts the files into the program"
        ))),
        Err(error) => Err(Failure::unusable(format!(
            "--storage {name}: {}: name an archive, made by `parhelion pack DIR`",
            reason(&error)
        ))),
    }
}

/// A path that means the same in another folder.
fn whole(path: &Path) -> Result<PathBuf, Failure> {
    let name = path.display();
    std::path::absolute(path)
        .map_err(|error| Failure::unusable(format!("--ready-file {name}: {}", reason(&error))))
}
