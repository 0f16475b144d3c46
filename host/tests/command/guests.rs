//! An application of one's own as an operating system: what is built, what it says in QEMU, what its last
//! words mean, and what is refused. On Xen it is booted by `cargo xtask xen`.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use object::LittleEndian;
use object::elf::{
    ET_EXEC, FileHeader64, NoteType, PF_W, PF_X, PT_DYNAMIC, PT_INTERP, PT_LOAD, PT_NOTE,
};
use object::read::elf::{FileHeader as _, ProgramHeader as _};

use crate::bench::Bench;
use crate::server::skip;

/// Says what is in its file, and ends as it is told to.
const LIBRARY: &str = r#"#![no_std]
use runtime::{Env, Failure};

pub async fn main(env: Env) -> Result<(), Failure> {
    match env.config.text("end") {
        Some("panic") => fall(env.config.value("len", 0)?),
        Some(why) => Err(why)?,
        None => {}
    }
    let file = env.open("a/page.html").await?;
    let start = file.read(0..3).await?;
    env.console.print(format_args!("its file begins with {:?}", core::str::from_utf8(&start)));
    Ok(())
}

#[inline(never)]
fn fall(len: u64) {
    panic!("with {len} bytes");
}
"#;

/// `XEN_ELFNOTE_PHYS32_ENTRY`: where a PVH guest is entered.
const PVH_ENTRY: u32 = 18;

#[test]
fn an_application_becomes_an_operating_system() {
    let bench = Bench::new();
    bench.run("", &["new", "page"]);
    fs::write(bench.path("page/src/lib.rs"), LIBRARY).unwrap();
    let folder = bench.path("page/content/a");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("page.html"), "old".repeat(1000)).unwrap();
    let build = ["build", "--on=xen", "--release", "--content=content"];
    let (code, output, errors) = bench.run("page", &build);
    assert_eq!(code, 0, "{errors}");
    let lines: Vec<&str> = output.lines().collect();
    let [elf, configuration, next] = lines[..] else {
        panic!("{output}");
    };
    assert!(
        next.contains("parhelion run --on xen") && next.contains("xl create -c"),
        "{next}"
    );
    is_what_xen_boots(elf);
    tells_xl(configuration, elf);
    is_without_linux(elf);
    if !Path::new("/usr/bin/qemu-system-x86_64").is_file() {
        skip("guests in QEMU", "there is no qemu-system-x86_64");
        return;
    }
    let (code, said) = boot(elf, "");
    assert!(said.contains("its file begins with Ok(\"old\")"), "{said}");
    assert_eq!(code, Some(DONE), "{said}");
    let (code, said) = boot(elf, "end=enough");
    assert!(said.contains("the application ended: enough"), "{said}");
    assert_eq!(code, Some(FAILED), "{said}");
    its_last_words_are_explained(&bench, elf);
}

/// Nothing of it is to be loaded, moved or linked by anybody; code is not written, data not executed.
fn is_what_xen_boots(elf: &str) {
    let bytes = fs::read(elf).unwrap();
    println!("{elf}: {} bytes", bytes.len());
    let header = FileHeader64::<LittleEndian>::parse(&*bytes).unwrap();
    let endian = LittleEndian;
    assert_eq!(header.e_type(endian), ET_EXEC);
    assert!(header.sections(endian, &*bytes).unwrap().is_empty());
    let segments = header.program_headers(endian, &*bytes).unwrap();
    let mut entry = None;
    for segment in segments {
        let kind = segment.p_type(endian);
        assert!(![PT_DYNAMIC, PT_INTERP].contains(&kind));
        let flags = segment.p_flags(endian);
        assert!(kind != PT_LOAD || !flags.contains(PF_W | PF_X));
        if kind == PT_NOTE {
            let mut notes = segment.notes(endian, &*bytes).unwrap().unwrap();
            let note = notes.next().unwrap().unwrap();
            assert_eq!(
                (note.name(), note.n_type(endian)),
                (&b"Xen"[..], NoteType(PVH_ENTRY))
            );
            entry = Some(u64::from_le_bytes(note.desc().try_into().unwrap()));
        }
    }
    let entry = entry.expect("a note");
    let is_code = segments.iter().any(|segment| {
        let start = segment.p_vaddr(endian);
        let holds = (start..start + segment.p_filesz(endian)).contains(&entry);
        holds && segment.p_flags(endian).contains(PF_X)
    });
    assert!(is_code, "{entry:#x}");
}

fn tells_xl(configuration: &str, elf: &str) {
    let text = fs::read_to_string(configuration).unwrap();
    let settings: Vec<&str> = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert_eq!(
        settings,
        [
            "name = \"page\"",
            "type = \"pvh\"",
            &format!("kernel = \"{elf}\""),
            "memory = 64",
            "vcpus = 1",
            "vif = [\"bridge=xenbr0\"]",
            "tsc_mode = \"native\"",
            "on_poweroff = \"destroy\"",
            "on_reboot = \"restart\"",
            "on_crash = \"destroy\"",
        ]
    );
    assert!(
        text.contains("#ramdisk = ") && text.contains("#cmdline = "),
        "{text}"
    );
}

/// A `syscall` would be an exception: who wants to make one believes to be a program of Linux.
fn is_without_linux(elf: &str) {
    let symbols = Path::new(elf).with_extension("symbols.elf");
    let code = Command::new("objdump")
        .args(["--disassemble", "--no-show-raw-insn"])
        .arg(symbols)
        .output();
    let Ok(code) = code else {
        skip("a guest's instructions", "there is no objdump");
        return;
    };
    let code = String::from_utf8_lossy(&code.stdout);
    let mut calls = code.lines().filter(|line| line.contains("call "));
    assert!(calls.next().is_some(), "it was not disassembled");
    let linux = ["\tsyscall", "\tsysenter", "\tint    $0x80"];
    let found = code
        .lines()
        .find(|line| linux.iter().any(|call| line.contains(call)));
    assert_eq!(found, None);
}

fn its_last_words_are_explained(bench: &Bench, elf: &str) {
    let (code, said) = boot(elf, "end=panic len=3000");
    assert_eq!(code, Some(FAILED), "{said}");
    assert!(
        said.contains("panicked at") && said.contains("with 3000 bytes"),
        "{said}"
    );
    fs::write(bench.path("log"), &said).unwrap();
    let (code, named, errors) = bench.run("", &["symbols", elf, "log"]);
    assert_eq!(code, 0, "{errors}");
    let line = named.lines().find(|line| line.contains("page::fall"));
    let line = line.unwrap_or_else(|| panic!("{named}"));
    assert!(line.contains("page/src/lib.rs:"), "{line}");
    let kept: Vec<&str> = named
        .lines()
        .filter(|line| !line.starts_with("    "))
        .collect();
    let lines: Vec<&str> = said.lines().map(str::trim_end).collect();
    assert_eq!(kept, lines, "what was said is all there");
    bench.fails(
        "",
        &["symbols", "log", "log"],
        2,
        &["log has no names", "symbols.elf"],
    );
    bench.fails("", &["symbols", elf, "none"], 2, &["cannot read none"]);
}

// What QEMU ends with, by the guest's word (`guest/src/end.rs`).
const DONE: i32 = 33;
const FAILED: i32 = 35;

/// Boots it without Xen, and so without a network; gives QEMU's exit code and what was said.
fn boot(elf: &str, command_line: &str) -> (Option<i32>, String) {
    let mut qemu = Command::new("timeout")
        .args([
            "60",
            "qemu-system-x86_64",
            "-machine",
            "microvm",
            "-accel",
            "tcg",
        ])
        .args([
            "-cpu",
            "qemu64,+rdrand",
            "-m",
            "64M",
            "-nodefaults",
            "-no-user-config",
        ])
        .args(["-display", "none", "-serial", "stdio", "-no-reboot"])
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"])
        .args(["-append", command_line, "-kernel", elf])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    qemu.stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    (qemu.wait().unwrap().code(), said)
}

#[test]
fn what_a_guest_cannot_be_told() {
    let bench = Bench::new();
    bench.run("", &["new", "page"]);
    for (option, words) in [
        (
            "--host-address=10.0.0.1/24",
            ["--host-address", "leave it out"],
        ),
        ("--capture=x.pcapng", ["--capture", "leave it out"]),
        ("--faults=loss=1%", ["--faults", "leave it out"]),
        ("--max-connections=5", ["--max-connections", "leave it out"]),
        ("--gateway=192.168.0.1", ["--gateway", "one network"]),
        ("--storage=src", ["--content src", "parhelion pack src"]),
        ("--storage=none", ["no such file", "parhelion pack DIR"]),
        (
            "--set=greeting=to you",
            ["greeting=to you", "cut at spaces"],
        ),
        ("--set=port=5", ["--port", "port=N"]),
    ] {
        bench.fails("page", &["run", "--on=xen", option], 2, &words);
    }
    let dhcp = ["run", "--on=xen", "--address=dhcp", "--gateway=10.0.0.1"];
    bench.fails("page", &dhcp, 2, &["names the router"]);
    bench.fails(
        "page",
        &["build", "--on", "moon"],
        2,
        &["--on", "linux, xen"],
    );
    linux_is_found(&bench);
}

/// A library that calls Linux needs no `std` for it.
fn linux_is_found(bench: &Bench) {
    let folder = bench.path("rustix");
    fs::create_dir_all(folder.join("src")).unwrap();
    let package =
        "[package]\nname = \"rustix\"\nversion = \"0.0.1\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(folder.join("Cargo.toml"), package).unwrap();
    fs::write(folder.join("src/lib.rs"), "#![no_std]\n").unwrap();
    let manifest = bench.path("page/Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let text = text.replace("[dev-", "rustix = { path = \"../rustix\" }\n[dev-");
    fs::write(&manifest, text).unwrap();
    let words = [
        "page has Linux in its tree",
        "rustix calls it",
        "cargo tree",
    ];
    bench.fails("page", &["build", "--on=xen"], 2, &words);
}
