//! Dom0's file system: the toolstack with its libraries, a kernel's modules, busybox, our scripts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::archive::Archive;
use super::files::{expanded, io, versioned};

/// Of Xen's own folder of programs.
const PROGRAMS: [&str; 4] = ["xl", "xenstored", "xenconsoled", "xen-init-dom0"];
/// One program under several names.
const STORE: [&str; 4] = ["exists", "ls", "read", "write"];
/// What dom0 drives: QEMU's devices, the bridge, Xen's back end of a network device, and the
/// interfaces of the toolstack. Those they depend on come with them.
const MODULES: [&str; 10] = [
    "virtio_pci",
    "virtio_net",
    "virtio_blk",
    "bridge",
    "xen-netback",
    "xen-evtchn",
    "xen-gntdev",
    "xen-gntalloc",
    "xen-privcmd",
    "xenfs",
];
/// Where Debian keeps libraries.
const LIBRARIES: [&str; 2] = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"];
const LOADER: &str = "ld-linux-x86-64.so.2";
/// Loaded only when a thread is cancelled, so no program names it.
const UNNAMED: &str = "libgcc_s.so.1";

/// The archive, made of the unpacked packages in `root`.
pub(crate) fn build(root: &Path) -> Result<Vec<u8>, String> {
    let mut archive = Archive::default();
    archive.file("init", include_bytes!("dom0/init"));
    archive.file("bin/start", include_bytes!("dom0/start"));
    archive.file("bin/fetch", include_bytes!("dom0/fetch"));
    archive.file("bin/lend", include_bytes!("dom0/lend"));
    archive.file("bin/enter", include_bytes!("dom0/enter"));
    let vif = include_bytes!("dom0/vif-bridge");
    archive.file("etc/xen/scripts/vif-bridge", vif);
    // Dom0's memory is set on the hypervisor's command line, and stays.
    archive.file("etc/xen/xl.conf", b"autoballoon=\"off\"\n");
    archive.file("bin/busybox", &busybox(root)?);
    programs(root, &mut archive)?;
    modules(root, &MODULES, &mut archive)?;
    Ok(archive.finish())
}

/// All of a small system's commands in one program.
pub(crate) fn busybox(root: &Path) -> Result<Vec<u8>, String> {
    let paths = ["bin/busybox", "usr/bin/busybox"].map(|path| root.join(path));
    let found = paths.iter().find_map(|path| fs::read(path).ok());
    found.ok_or_else(|| format!("none of {paths:?}"))
}

fn programs(root: &Path, archive: &mut Archive) -> Result<(), String> {
    let folder = versioned(&root.join("usr/lib"), "xen-", "")?.join("bin");
    let mut programs: Vec<PathBuf> = PROGRAMS.iter().map(|name| folder.join(name)).collect();
    for (name, path) in PROGRAMS.iter().zip(&programs) {
        archive.file(&format!("sbin/{name}"), &fs::read(path).map_err(io(path))?);
    }
    let store = root.join("usr/bin/xenstore");
    archive.file("bin/xenstore", &fs::read(&store).map_err(io(&store))?);
    for name in STORE {
        archive.link(&format!("bin/xenstore-{name}"), "xenstore");
    }
    programs.push(store);
    let unnamed = library(root, UNNAMED)?;
    archive.file(
        &format!("lib/{UNNAMED}"),
        &fs::read(&unnamed).map_err(io(&unnamed))?,
    );
    libraries(root, &programs, archive)
}

/// Adds the libraries that these programs need, and what loads them.
pub(crate) fn libraries(
    root: &Path,
    programs: &[PathBuf],
    archive: &mut Archive,
) -> Result<(), String> {
    let mut libraries = BTreeSet::new();
    for program in programs {
        libraries.extend(needed(root, program)?);
    }
    for path in &libraries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        archive.file(&format!("lib/{name}"), &fs::read(path).map_err(io(path))?);
    }
    let loader = library(root, LOADER)?;
    let loader = fs::read(&loader).map_err(io(&loader))?;
    archive.file(&format!("lib64/{LOADER}"), &loader);
    Ok(())
}

/// The libraries that a program needs, as the packages' own loader finds them.
fn needed(root: &Path, program: &Path) -> Result<Vec<PathBuf>, String> {
    let loader = library(root, LOADER)?;
    let folders = LIBRARIES.map(|folder| root.join(folder).display().to_string());
    let mut list = Command::new(&loader);
    list.args([
        "--inhibit-cache",
        "--library-path",
        &folders.join(":"),
        "--list",
    ]);
    let said = list.arg(program).output().map_err(io(&loader))?.stdout;
    let mut libraries = Vec::new();
    for line in String::from_utf8_lossy(&said).lines() {
        // "libc.so.6 => /path/libc.so.6 (0x…)"; the loader and the kernel's own have no such line.
        let Some((name, found)) = line.trim().split_once(" => ") else {
            continue;
        };
        let path = PathBuf::from(found.split(" (").next().unwrap_or(found));
        match path.starts_with(root) {
            true => libraries.push(path),
            false if name.ends_with(LOADER) => {}
            false => return Err(format!("{}: needs {name}", program.display())),
        }
    }
    Ok(libraries)
}

fn library(root: &Path, name: &str) -> Result<PathBuf, String> {
    let mut paths = LIBRARIES
        .map(|folder| root.join(folder).join(name))
        .into_iter();
    let found = paths.find(|path| path.is_file());
    found.ok_or_else(|| format!("the packages hold no {name}"))
}

/// Adds kernel modules, and a list of them in the order in which they can be loaded.
pub(crate) fn modules(root: &Path, names: &[&str], archive: &mut Archive) -> Result<(), String> {
    let folder = versioned(&root.join("lib/modules"), "", "")?.join("kernel");
    let mut files = Vec::new();
    walk(&folder, &mut files)?;
    let mut order = Vec::new();
    for name in names {
        add(&name.replace('-', "_"), &files, archive, &mut order)?;
    }
    archive.file("lib/modules/order", order.join("\n").as_bytes());
    Ok(())
}

/// Adds a module after those it depends on.
fn add(
    name: &str,
    files: &[PathBuf],
    archive: &mut Archive,
    order: &mut Vec<String>,
) -> Result<(), String> {
    if order.iter().any(|added| added == name) {
        return Ok(());
    }
    let found = files.iter().find(|path| module_name(path) == name);
    let path = found.ok_or_else(|| format!("the kernel's package holds no module {name}"))?;
    let module = expanded(path)?;
    for dependency in dependencies(&module) {
        add(&dependency, files, archive, order)?;
    }
    archive.file(&format!("lib/modules/{name}.ko"), &module);
    order.push(name.to_owned());
    Ok(())
}

/// Files write some names with hyphens; the kernel writes none so.
fn module_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.split(".ko").next().unwrap_or_default();
    name.replace('-', "_")
}

/// What a module says of itself: `depends=a,b`, between zero bytes.
fn dependencies(module: &[u8]) -> Vec<String> {
    let mut texts = module.split(|&byte| byte == 0);
    let names = texts.find_map(|text| text.strip_prefix(b"depends="));
    let names = String::from_utf8_lossy(names.unwrap_or_default()).into_owned();
    let names = names.split(',').filter(|name| !name.is_empty());
    names.map(|name| name.replace('-', "_")).collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(io(folder))? {
        let path = entry.map_err(io(folder))?.path();
        match path.is_dir() {
            true => walk(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_module_depends_on() {
        let module = b"\x7fELF\0license=GPL\0depends=stp,llc-two\0name=bridge\0";
        assert_eq!(dependencies(module), ["stp", "llc_two"]);
        assert!(dependencies(b"\0depends=\0name=stp\0").is_empty());
        let path = Path::new("net/xen-netback/xen-netback.ko.xz");
        assert_eq!(module_name(path), "xen_netback");
    }
}
