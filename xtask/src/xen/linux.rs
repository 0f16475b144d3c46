//! The Linux to compare with: Debian's kernel for guests of others, busybox, and nginx with the same
//! files, all in its first file system.

use std::fs;
use std::path::Path;

use super::archive::Archive;
use super::files::{io, versioned};
use super::initramfs;
use super::packages::{self, Set};

/// Names in the lab's folder.
pub(crate) const KERNEL: &str = "linux-guest";
pub(crate) const FILES: &str = "linux-guest.cpio";

/// Said to its kernel. What guards against other guests on a processor is left out, as it is in dom0.
pub(crate) const COMMAND_LINE: &str =
    "console=hvc0 mitigations=off nokaslr quiet loglevel=4 random.trust_cpu=on net.ifnames=0";

/// Makes both of them in the folder of the lab, whose packages are in `root`; serves the files in `content`.
pub(crate) fn build(lab: &Path, root: &Path, content: &Path) -> Result<(), String> {
    let own = packages::unpacked(lab, Set::Linux)?;
    // The toolstack unpacks it, before the guest lives.
    let image = versioned(&own.join("boot"), "vmlinuz-", "")?;
    let path = lab.join(KERNEL);
    fs::copy(&image, &path).map_err(io(&image))?;

    let mut archive = Archive::default();
    archive.file("init", include_bytes!("linux/init"));
    archive.file("etc/nginx.conf", include_bytes!("linux/nginx.conf"));
    // Linux runs these when the toolstack asks for them.
    archive.file("sbin/poweroff", include_bytes!("linux/poweroff"));
    archive.file("sbin/reboot", include_bytes!("linux/reboot"));
    archive.file("bin/busybox", &initramfs::busybox(root)?);
    let nginx = own.join("usr/sbin/nginx");
    archive.file("sbin/nginx", &fs::read(&nginx).map_err(io(&nginx))?);
    archive.file("etc/passwd", b"root::0:0::/:\n");
    archive.file("etc/group", b"root::0:\n");
    // Made when it starts, wherever it was told to log.
    archive.file("var/log/nginx/error.log", &[]);
    archive.file("var/lib/nginx/none", &[]);
    initramfs::libraries(&own, &[nginx], &mut archive)?;
    initramfs::modules(&own, &["xen-netfront"], &mut archive)?;
    for entry in fs::read_dir(content).map_err(io(content))? {
        let path = entry.map_err(io(content))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        archive.file(&format!("www/{name}"), &fs::read(&path).map_err(io(&path))?);
    }
    let path = lab.join(FILES);
    fs::write(&path, archive.finish()).map_err(io(&path))
}
