//! Debian's packages with Xen, with a Linux for dom0, and with one to compare with: found by pattern,
//! downloaded by apt, unpacked into a folder of ours. Nothing is installed, and no root is needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::files::io;
use crate::install;

/// What xl and its daemons need of other packages, by the beginning of their names: the ends change
/// with the versions. (What xl's package depends on besides serves scripts that we do not run.)
const OF_XL: [&str; 10] = [
    "libxen",
    "libyajl",
    "libc6",
    "libgcc-s1",
    "libext2fs2",
    "libcom-err",
    "liblzma",
    "libuuid",
    "libzstd",
    "zlib1g",
];
/// The same of nginx.
const OF_NGINX: [&str; 5] = ["libc6", "libcrypt1", "libpcre2-8-", "libssl", "zlib1g"];

/// Packages that are unpacked together.
#[derive(Clone, Copy)]
pub(crate) enum Set {
    /// Xen, its toolstack, and a Linux for dom0.
    Lab,
    /// A Linux for guests, and nginx.
    Linux,
}

/// The packages, unpacked in `folder`. Once there, they are kept; `cargo xtask xen` says how to get
/// newer ones. The error says what is missing.
pub(crate) fn unpacked(folder: &Path, set: Set) -> Result<PathBuf, String> {
    let (root, done) = match set {
        Set::Lab => ("root", "packages"),
        Set::Linux => ("linux", "linux-packages"),
    };
    let (root, done) = (folder.join(root), folder.join(done));
    if done.is_file() {
        return Ok(root);
    }
    for program in ["apt-get", "apt-cache", "dpkg"] {
        if !install::exists(program) {
            return Err(format!("this is not Debian: {program} is missing"));
        }
    }
    let downloads = folder.join("downloads");
    for folder in [&root, &downloads] {
        // What an earlier run left unfinished.
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).map_err(io(folder))?;
    }
    let apt = Apt::with_lists(folder, &downloads, set)?;
    let names = apt.names(set)?;
    println!("downloading {}", names.join(" "));
    apt.download(&names, &downloads)?;
    for entry in fs::read_dir(&downloads).map_err(io(&downloads))? {
        let package = entry.map_err(io(&downloads))?.path();
        let mut unpack = Command::new("dpkg");
        output(unpack.arg("--extract").arg(&package).arg(&root))?;
    }
    fs::remove_dir_all(&downloads).map_err(io(&downloads))?;
    fs::write(&done, names.join("\n")).map_err(io(&done))?;
    Ok(root)
}

/// apt with the lists of packages that it goes by.
struct Apt {
    /// Ours, where the machine's are missing or too old; nobody needs root for these.
    lists: Option<PathBuf>,
}

impl Apt {
    /// Lists by which a small package can be downloaded now: the machine's, or fresh ones.
    fn with_lists(folder: &Path, downloads: &Path, set: Set) -> Result<Self, String> {
        let machine = Self { lists: None };
        let probe = machine.names(set);
        if probe.is_ok_and(|names| machine.download(&names[..1], downloads).is_ok()) {
            return Ok(machine);
        }
        let lists = folder.join("lists");
        fs::create_dir_all(lists.join("partial")).map_err(io(&lists))?;
        let ours = Self { lists: Some(lists) };
        println!("fetching the lists of packages");
        output(ours.command("apt-get").args(["update", "--quiet"]))?;
        Ok(ours)
    }

    fn names(&self, set: Set) -> Result<Vec<String>, String> {
        match set {
            Set::Lab => self.lab(),
            Set::Linux => self.linux(),
        }
    }

    /// The hypervisor, which is small, comes first.
    fn lab(&self) -> Result<Vec<String>, String> {
        let hypervisor = self.newest("xen-hypervisor-", "-amd64")?;
        let utilities = self.newest("xen-utils-", "")?;
        let mut names = vec![hypervisor, utilities.clone(), "xenstore-utils".to_owned()];
        names.extend([self.kernel("amd64")?, "busybox-static".to_owned()]);
        names.extend(self.libraries(&[&utilities, "xenstore-utils"], &OF_XL)?);
        Ok(names)
    }

    /// What Debian has for guests of others is a kernel of its own.
    fn linux(&self) -> Result<Vec<String>, String> {
        let mut names = vec!["nginx".to_owned(), self.kernel("cloud-amd64")?];
        names.extend(self.libraries(&["nginx"], &OF_NGINX)?);
        Ok(names)
    }

    /// The kernel of this flavour that is current. (Nobody here looks at a signature.)
    fn kernel(&self, flavour: &str) -> Result<String, String> {
        let current = format!("linux-image-{flavour}");
        let names = self.depends(&[&current])?;
        let end = format!("-{flavour}");
        let kernel = names
            .iter()
            .find(|name| name.starts_with("linux-image-") && name.ends_with(&end));
        let kernel =
            kernel.ok_or_else(|| format!("no package {current}, or it names no kernel"))?;
        Ok(format!("{kernel}-unsigned"))
    }

    /// Of all that these packages need: what is a library by its name.
    fn libraries(&self, packages: &[&str], fronts: &[&str]) -> Result<Vec<String>, String> {
        let mut all = self.depends(&[&["--recurse"], packages].concat())?;
        all.retain(|name| fronts.iter().any(|front| name.starts_with(front)));
        Ok(all)
    }

    /// The package with the highest version between `front` and `end` of its name.
    fn newest(&self, front: &str, end: &str) -> Result<String, String> {
        let names = output(self.command("apt-cache").args(["pkgnames", front]))?;
        let version = |name: &str| {
            let version = name.strip_prefix(front)?.strip_suffix(end)?;
            let parts = version.split('.').map(|part| part.parse::<u32>().ok());
            parts.collect::<Option<Vec<u32>>>()
        };
        let newest = names
            .lines()
            .filter(|name| version(name).is_some())
            .max_by_key(|name| version(name));
        let newest = newest.ok_or_else(|| {
            format!("apt knows no package {front}VERSION{end}; are its mirrors out of reach?")
        })?;
        Ok(newest.to_owned())
    }

    /// What these packages depend on.
    fn depends(&self, packages: &[&str]) -> Result<Vec<String>, String> {
        let mut ask = self.command("apt-cache");
        // Not what they only recommend or suggest.
        let said = output(ask.args(["depends", "--important"]).args(packages))?;
        let mut names: Vec<String> = said
            .lines()
            .map(|line| line.rsplit(' ').next().unwrap_or(line).to_owned())
            .filter(|name| !name.starts_with('<'))
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn download(&self, names: &[String], folder: &Path) -> Result<(), String> {
        let mut download = self.command("apt-get");
        download.args(["download", "--quiet"]).args(names);
        output(download.current_dir(folder)).map(|_| ())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        // The user that apt downloads as may not write to our folder.
        command.args(["-o", "APT::Sandbox::User=root"]);
        if let Some(lists) = &self.lists {
            command
                .arg("-o")
                .arg(format!("Dir::State::Lists={}", lists.display()));
            command.args([
                "-o",
                "Dir::Cache::pkgcache=",
                "-o",
                "Dir::Cache::srcpkgcache=",
            ]);
        }
        command
    }
}

/// What a command writes. The error is its last complaint.
fn output(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().display().to_string();
    let done = command.stdin(Stdio::null()).output();
    let done = done.map_err(|error| format!("cannot run {program}: {error}"))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&done.stderr);
    let last = complaint.lines().last().unwrap_or("no reason given");
    Err(format!("{program}: {last}"))
}
