//! The guest, built and booted in QEMU (emulation: no KVM is needed), and what it says compared.

use core::time::Duration;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use crate::cargo;
use crate::install;
use crate::outcome::Outcome;

/// A processor with a random number generator, and one without.
const PROCESSOR: &str = "qemu64,+rdrand";
const PROCESSOR_WITHOUT: &str = "qemu64";
const QEMU: &str = "qemu-system-x86_64";
const OBJDUMP: &str = "objdump";
/// The guest ends QEMU with this when all went well (`guest/src/end.rs`).
const DONE: i32 = 33;
/// The same, when it has said what went wrong.
const FAILED: i32 = 35;
/// It takes well under a second; a machine that does many other things may be slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// Memory in MiB, and a command line: two of each, so that what the guest says is no constant.
pub(crate) const MACHINES: [(u64, &str); 2] = [(64, "app=hello address=10.0.0.2/24"), (200, "")];

/// What goes well, with this much memory (some of which lies above 4 GiB).
const SUCCESSES: [(u64, &str, &str); 2] = [
    (64, "try=copies", "copies are right"),
    (5120, "try=have mebibytes=4600", "all of it is there"),
];

/// What the guest can be told to try, and what it says then.
const TRIALS: [(&str, &str); 10] = [
    ("write-code", "was written, where that is not allowed"),
    ("write-constant", "was written, where that is not allowed"),
    ("execute-heap", "was executed, where that is not allowed"),
    ("execute-stack", "was executed, where that is not allowed"),
    ("null", "0x0 was written, where there is no memory"),
    ("overflow", "stack overflow at"),
    ("invalid", "invalid instruction"),
    ("memory", "memory allocation of 1099511627776 bytes failed"),
    ("panic", "panicked at guest/probe/src/main.rs:"),
    ("fail", "the application ended: as told"),
];

/// Builds it, boots it on each of [`MACHINES`], and lets it try each of [`TRIALS`].
pub(crate) fn run() -> Outcome {
    let mut total = build();
    if total.failed > 0 {
        return total;
    }
    total += asks_nobody();
    if !install::exists(QEMU) {
        total += Outcome::skip(format!(
            "booting the guest: {QEMU} is missing (qemu-system-x86)"
        ));
        return total;
    }
    for (memory, command_line) in MACHINES {
        let said = boot(PROCESSOR, memory, command_line, DONE);
        total += tell(
            said.and_then(|said| compare(&said, memory, command_line)),
            command_line,
        );
    }
    for (memory, command_line, expected) in SUCCESSES {
        let said = boot(PROCESSOR, memory, command_line, DONE);
        total += tell(said.and_then(|said| holds(&said, expected)), command_line);
    }
    for (what, expected) in TRIALS {
        let command_line = format!("try={what}");
        total += tell(fails(PROCESSOR, &command_line, expected), &command_line);
    }
    total += tell(fails(PROCESSOR_WITHOUT, "", "gives no random numbers"), "");
    let weak = "entropy=weak";
    total += tell(boot(PROCESSOR_WITHOUT, 64, weak, DONE).map(drop), weak);
    total
}

/// Boots it, and sees it fail as expected.
fn fails(processor: &str, command_line: &str, expected: &str) -> Result<(), String> {
    holds(&boot(processor, 64, command_line, FAILED)?, expected)
}

fn holds(said: &str, expected: &str) -> Result<(), String> {
    match said.contains(expected) {
        true => Ok(()),
        false => Err(format!("it does not say {expected:?}")),
    }
}

/// The guest is built for a target that is Linux: nothing in it may ask Linux for anything.
fn asks_nobody() -> Outcome {
    if !install::exists(OBJDUMP) {
        return Outcome::skip(format!(
            "looking for system calls: {OBJDUMP} is missing (binutils)"
        ));
    }
    let code = cargo::folder().and_then(|folder| {
        let mut objdump = Command::new(OBJDUMP);
        objdump.args(["--disassemble", "--no-show-raw-insn"]);
        let output = objdump.arg(folder.join("release/probe")).output();
        output.map_err(|error| format!("cannot run {OBJDUMP}: {error}"))
    });
    let code = code.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let instructions = |line: &str| line.split('\t').nth(1).map(str::to_owned);
    let result = code.and_then(|code| {
        let all = || code.lines().filter_map(instructions);
        if all().count() < 10_000 {
            return Err("its code was not found".to_owned());
        }
        let forbidden = ["syscall", "sysenter", "int "];
        match all().find(|text| forbidden.iter().any(|name| text.starts_with(name))) {
            None => Ok(()),
            Some(text) => Err(format!("it has the instruction {text:?}")),
        }
    });
    tell(result, "nothing yet")
}

fn tell(result: Result<(), String>, command_line: &str) -> Outcome {
    if let Err(why) = &result {
        println!("guest booted with {command_line:?}: {why}");
    }
    Outcome::of(result.is_ok())
}

/// Builds it.
pub(crate) fn build() -> Outcome {
    let mut build = cargo::command(&["build", "--release", "--package=parhelion-probe"]);
    cargo::check(&mut build)
}

/// Boots it; gives what it said, if it ended as `expected`.
fn boot(processor: &str, memory: u64, command_line: &str, expected: i32) -> Result<String, String> {
    let mut qemu = Command::new(QEMU);
    qemu.args([
        "-machine",
        "microvm",
        "-accel",
        "tcg",
        "-nodefaults",
        "-no-user-config",
    ])
    .args(["-cpu", processor])
    .args(["-display", "none", "-serial", "stdio", "-no-reboot"])
    .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"])
    .args([
        "-m",
        &format!("{memory}M"),
        "-append",
        command_line,
        "-kernel",
    ])
    .arg(cargo::folder()?.join("release/probe"))
    .stdin(Stdio::null())
    .stdout(Stdio::piped());
    let mut qemu = qemu
        .spawn()
        .map_err(|error| format!("cannot run {QEMU}: {error}"))?;
    let status = wait(&mut qemu)?;
    let mut said = String::new();
    if let Some(mut stdout) = qemu.stdout.take() {
        // A few lines at most, which a pipe holds: so it may be read after the end.
        stdout
            .read_to_string(&mut said)
            .map_err(|error| error.to_string())?;
    }
    print!("{said}");
    match status == Some(expected) {
        true => Ok(said),
        false => Err(format!("QEMU ended with {status:?}, not {expected}")),
    }
}

/// Whether the guest says what it was booted with. The firmware keeps some of the memory, but less than 1 MiB.
pub(crate) fn compare(said: &str, memory: u64, command_line: &str) -> Result<(), String> {
    let front = "a PVH guest with ";
    let told = said.split_once(front).map(|(_, rest)| rest);
    let (kibibytes, rest) = told
        .and_then(|told| told.split_once(' '))
        .ok_or_else(|| format!("no \"{front}\""))?;
    let kibibytes: u64 = kibibytes.parse().map_err(|_| "no memory size".to_owned())?;
    if !((memory - 1) * 1024..=memory * 1024).contains(&kibibytes) {
        return Err(format!("it says {kibibytes} KiB"));
    }
    let end = format!("KiB of memory, booted with {command_line:?}");
    let rest = rest.lines().next().unwrap_or_default();
    match rest == end {
        true => Ok(()),
        false => Err(format!("it says {rest:?}, not {end:?}")),
    }
}

/// The exit code of QEMU, which is ended when it takes too long.
fn wait(qemu: &mut Child) -> Result<Option<i32>, String> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(status) = qemu.try_wait().map_err(|error| error.to_string())? {
            return Ok(status.code());
        }
        thread::sleep(Duration::from_millis(10));
    }
    qemu.kill()
        .and_then(|()| qemu.wait())
        .map_err(|error| error.to_string())?;
    Err(format!("not done after {} s", PATIENCE.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn tells_a_wrong_line_from_the_right_one() {
        let line = |memory: u32, end: &str| {
            format!("Parhelion 9: a PVH guest with {memory} KiB of memory, {end}\r\n")
        };
        assert!(compare(&line(65_151, "booted with \"a=b\""), 64, "a=b").is_ok());
        assert!(compare(&line(65_151, "booted with \"a=c\""), 64, "a=b").is_err());
        assert!(compare(&line(65_151, "booted with \"a=b\""), 128, "a=b").is_err());
        assert!(compare("Parhelion panicked", 64, "").is_err());
    }
}
