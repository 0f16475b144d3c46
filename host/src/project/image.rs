//! What Xen boots: the program, cut down to what a loader reads, and its configuration for `xl`.

use std::fs;
use std::path::{Path, PathBuf};

use object::LittleEndian;
use object::elf::{FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader as _, ProgramHeader as _};

use super::cargo::Package;
use super::{cannot_write, quoted, write_changed};
use crate::failure::{Failure, reason};

/// What connections, their buffers and the application get beside the image, in MiB.
const ROOM: u64 = 48;
/// Guests are given memory in such steps, in MiB.
const STEP: u64 = 16;

/// A guest of Xen, in files.
pub(super) struct Image {
    pub(super) name: String,
    pub(super) elf: PathBuf,
    /// In MiB: enough to serve.
    pub(super) memory: u64,
    configuration: PathBuf,
    bytes: usize,
}

impl Image {
    /// Writes them for a program that was built: NAME.elf is booted, NAME.symbols.elf has the names.
    pub(super) fn of(package: &Package, program: &Path) -> Result<Self, Failure> {
        let whole = fs::read(program).map_err(|error| {
            let (program, why) = (program.display(), reason(&error));
            Failure::refused(format!("cannot read {program}: {why}"))
        })?;
        let (loaded, end) = loaded(&whole)
            .ok_or_else(|| Failure::refused(format!("{} is no ELF file", program.display())))?;
        let folder = package.target.join("xen");
        let name = package.name.clone();
        let mebibytes = end.div_ceil(1 << 20);
        let image = Self {
            elf: folder.join(format!("{name}.elf")),
            memory: (mebibytes + ROOM).next_multiple_of(STEP),
            configuration: folder.join(format!("{name}.cfg")),
            bytes: loaded.len(),
            name,
        };
        let configuration = include_str!("template/guest.cfg.in")
            .replace("@name@", &image.name)
            .replace("@elf@", &quoted(&image.elf))
            .replace("@image@", &mebibytes.to_string())
            .replace("@memory@", &image.memory.to_string());
        let write = || {
            fs::create_dir_all(&folder)?;
            write_changed(&image.elf, &loaded)?;
            write_changed(&image.elf.with_extension("symbols.elf"), &whole)?;
            write_changed(&image.configuration, configuration.as_bytes())
        };
        write().map_err(|error| cannot_write(&folder, &error))?;
        Ok(image)
    }

    /// Says where it is, and what comes next.
    pub(super) fn tell(&self) {
        println!("{}", self.elf.display());
        println!("{}", self.configuration.display());
        println!(
            "{} KiB. Next: parhelion run --on xen boots it here; on a Xen host, xl create -c {}.cfg",
            self.bytes.div_ceil(1024),
            self.name
        );
    }
}

/// What of an ELF file a loader reads, and where that ends in the guest's memory. Linkers put the sections'
/// names, symbols and lines behind it.
fn loaded(elf: &[u8]) -> Option<(Vec<u8>, u64)> {
    let header = FileHeader64::<LittleEndian>::parse(elf).ok()?;
    let segments = header.program_headers(LittleEndian, elf).ok()?;
    let file_end = segments.iter().map(|segment| {
        let (start, len) = segment.file_range(LittleEndian);
        start.checked_add(len)
    });
    let file_end =
        usize::try_from(file_end.collect::<Option<Vec<u64>>>()?.into_iter().max()?).ok()?;
    let memory_end = segments
        .iter()
        .filter(|segment| segment.p_type(LittleEndian) == PT_LOAD)
        .filter_map(|segment| {
            segment
                .p_vaddr(LittleEndian)
                .checked_add(segment.p_memsz(LittleEndian))
        })
        .max()?;
    let mut loaded = elf.get(..file_end)?.to_vec();
    // There are no sections any more: `e_shoff`, then `e_shentsize`, `e_shnum` and `e_shstrndx`.
    loaded.get_mut(40..48)?.fill(0);
    loaded.get_mut(58..64)?.fill(0);
    Some((loaded, memory_end))
}
