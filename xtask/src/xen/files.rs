//! Files of the unpacked packages: found where their names carry versions, and decompressed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The decompressor of a file, by its first bytes.
const COMPRESSED: [(&[u8], &str); 3] = [
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
];

/// Names the file in an error.
pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

/// The entry of a folder whose name begins and ends so, with a version between.
pub(crate) fn versioned(folder: &Path, front: &str, end: &str) -> Result<PathBuf, String> {
    let entries = fs::read_dir(folder).map_err(io(folder))?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let found = paths.find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let rest = name.strip_prefix(front);
        let rest = rest.and_then(|rest| rest.strip_suffix(end));
        rest.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
    });
    found.ok_or_else(|| format!("{}: no {front}VERSION{end}", folder.display()))
}

/// A file's content, decompressed if it is compressed.
pub(crate) fn expanded(path: &Path) -> Result<Vec<u8>, String> {
    let content = fs::read(path).map_err(io(path))?;
    let program = COMPRESSED
        .iter()
        .find(|(magic, _)| content.starts_with(magic));
    let Some((_, program)) = program else {
        return Ok(content);
    };
    let file = File::open(path).map_err(io(path))?;
    let mut expand = Command::new(program);
    expand
        .args(["-d", "-c"])
        .stdin(file)
        .stderr(Stdio::inherit());
    let done = expand.output();
    let done = done.map_err(|error| format!("cannot run {program}: {error}"))?;
    match done.status.success() {
        true => Ok(done.stdout),
        false => Err(format!("{}: {program} refuses it", path.display())),
    }
}

/// The ELF file that a Linux `bzImage` carries, as Xen would have to unpack it slowly itself;
/// `scratch` is overwritten. (Offsets: Documentation/x86/boot.rst of Linux.)
pub(crate) fn linux(image: &Path, scratch: &Path) -> Result<Vec<u8>, String> {
    let content = fs::read(image).map_err(io(image))?;
    let payload = payload(&content).ok_or_else(|| format!("{}: no bzImage", image.display()))?;
    fs::write(scratch, payload).map_err(io(scratch))?;
    expanded(scratch)
}

fn payload(image: &[u8]) -> Option<&[u8]> {
    let word = |at: usize| {
        let bytes = image.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
    };
    // Sectors of real-mode code after the first one; 0 means 4.
    let sectors = match *image.get(0x1f1)? {
        0 => 4,
        sectors => usize::from(sectors),
    };
    let start = (sectors + 1) * 512 + word(0x248)?;
    // Its last four bytes are the unpacked size, which xz and zstd do not expect.
    let len = word(0x24c)?.checked_sub(4)?;
    image.get(start..start.checked_add(len)?)
}

#[cfg(test)]
mod tests {
    use super::payload;

    #[test]
    fn finds_the_payload_of_a_kernel() {
        let mut image = vec![0; 3 * 512 + 7 + 9];
        image[0x1f1] = 2;
        image[0x248] = 7;
        image[0x24c] = 9;
        image[3 * 512 + 7..].copy_from_slice(b"inner\0\0\0\0");
        assert_eq!(payload(&image), Some(&b"inner"[..]));
        image[0x24c] = 14;
        assert_eq!(payload(&image), None, "it would end behind the image");
    }
}
