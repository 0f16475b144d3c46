//! What steps need of the machine: looked for, and installed where that is possible.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::test::Step;

/// A program, Debian's package with it, and the steps that run it.
const PROGRAMS: [(&str, &str, &[Step]); 12] = [
    (
        "qemu-system-x86_64",
        "qemu-system-x86",
        &[Step::Tests, Step::Guest, Step::Xen],
    ),
    ("ip", "iproute2", &[Step::Tests, Step::Xen, Step::Scripts]),
    (
        "unshare",
        "util-linux",
        &[Step::Tests, Step::Xen, Step::Scripts],
    ),
    ("curl", "curl", &[Step::Tests, Step::Xen]),
    ("ping", "iputils-ping", &[Step::Tests, Step::Xen]),
    ("tcpdump", "tcpdump", &[Step::Tests]),
    ("c++", "g++", &[Step::Fuzz]),
    ("busybox", "busybox", &[Step::Tests]),
    ("dnsmasq", "dnsmasq-base", &[Step::Tests]),
    ("xz", "xz-utils", &[Step::Tests, Step::Xen]),
    ("objdump", "binutils", &[Step::Tests]),
    ("gdb", "gdb", &[Step::Tests]),
];

/// Installs what these steps miss, and says what it runs. Where it may not, it says what is missing;
/// the steps that need it are skipped then.
pub(crate) fn needs_of(steps: &[Step]) {
    if steps.contains(&Step::Format) {
        component("fmt", "rustfmt");
    }
    if steps.contains(&Step::Clippy) {
        component("clippy", "clippy");
    }
    let missing = PROGRAMS.iter().filter(|(program, _, users)| {
        users.iter().any(|user| steps.contains(user)) && !exists(program)
    });
    let packages: Vec<&str> = missing.map(|(_, package, _)| *package).collect();
    if packages.is_empty() {
        return;
    }
    let list = packages.join(" ");
    let Some(mut prefix) = apt() else {
        println!("missing, and may not be installed from here: apt-get install {list}");
        return;
    };
    prefix.push("apt-get");
    let update = [&prefix[..], &["update", "--quiet"]].concat();
    let install = [
        &prefix[..],
        &["install", "--yes", "--no-install-recommends"],
        &packages,
    ]
    .concat();
    if !(run(&update) && run(&install)) {
        println!("missing, as this failed: apt-get install {list}");
    }
}

/// Whether a program is on the path.
pub(crate) fn exists(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    // Debian keeps `ip` where only root looks.
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders
        .map(|folder| folder.join(program))
        .any(|file| file.is_file())
}

/// Adds a target to the toolchain in use, unless it is there. Says why not.
pub(crate) fn target(name: &str) -> Result<(), String> {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = sysroot
        .map_err(|error| format!("cannot run rustc: {error}"))?
        .stdout;
    let sysroot = String::from_utf8_lossy(&sysroot).into_owned();
    if Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(name)
        .is_dir()
    {
        return Ok(());
    }
    match run(&["rustup", "target", "add", name]) {
        true => Ok(()),
        false => Err(format!(
            "the target {name} is not here, and rustup could not add it"
        )),
    }
}

/// Adds a part of the toolchain, which a minimal one lacks.
fn component(command: &str, component: &str) {
    let mut cargo = crate::cargo::command(&[command, "--version"]);
    let quiet = cargo.stdout(Stdio::null()).stderr(Stdio::null());
    if !quiet.status().is_ok_and(|status| status.success()) {
        run(&["rustup", "component", "add", component]);
    }
}

/// What comes before `apt-get`: nothing for root, `sudo` where it asks nothing; `None` where
/// neither works, or there is no apt-get.
fn apt() -> Option<Vec<&'static str>> {
    if !exists("apt-get") {
        return None;
    }
    let quiet = |command: &mut Command| command.stderr(Stdio::null()).output().ok();
    let id = quiet(Command::new("id").arg("-u"))?;
    if id.stdout.trim_ascii() == b"0" {
        return Some(Vec::new());
    }
    let sudo = quiet(Command::new("sudo").args(["-n", "true"]))?;
    sudo.status.success().then(|| vec!["sudo", "-n"])
}

fn run(words: &[&str]) -> bool {
    println!("+ {}", words.join(" "));
    let [program, arguments @ ..] = words else {
        return false;
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
