//! The archives that Linux unpacks as its first file system: `cpio` in the format "newc".

use std::collections::BTreeSet;

// What a mode says of the kind of a file (`sys/stat.h`).
const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// An archive in the making.
#[derive(Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
    /// Folders that are in it, which come before what is in them.
    folders: BTreeSet<String>,
    entries: usize,
}

impl Archive {
    /// Adds a file that may be executed.
    pub(crate) fn file(&mut self, path: &str, content: &[u8]) {
        self.parents(path);
        self.entry(path, FILE | 0o755, content);
    }

    /// Adds a symbolic link.
    pub(crate) fn link(&mut self, path: &str, target: &str) {
        self.parents(path);
        self.entry(path, LINK | 0o777, target.as_bytes());
    }

    /// The archive, ended.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }

    fn parents(&mut self, path: &str) {
        for (end, _) in path.match_indices('/') {
            let folder = path.get(..end).unwrap_or_default();
            if self.folders.insert(folder.to_owned()) {
                self.entry(folder, FOLDER | 0o755, &[]);
            }
        }
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.entries += 1;
        let (inode, mode) = (self.entries, mode as usize);
        let (name_len, len) = (path.len() + 1, content.len());
        // inode, mode, user, group, links, time, length, 4 device numbers, name's length, checksum
        let fields = [inode, mode, 0, 0, 1, 0, len, 0, 0, 0, 0, name_len, 0];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(path.bytes().chain([0]));
        self.pad();
        self.bytes.extend(content);
        self.pad();
    }

    /// Names and contents end at multiples of four.
    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn holds_folders_before_files_and_ends_itself() {
        let mut archive = Archive::default();
        archive.file("a/b", b"xyz");
        let bytes = archive.finish();
        let text = String::from_utf8(bytes.clone()).expect("all text here");
        let names: Vec<usize> = ["a\0", "a/b\0", "xyz\0", "TRAILER!!!\0"]
            .map(|name| text.find(name).expect(name))
            .into();
        assert!(names.is_sorted());
        assert_eq!(text.matches("070701").count(), 3);
        // Mode, links and length of the file, each eight digits, from its magic on.
        let file = text.rfind("000081ed").expect("a file's mode") - 14;
        assert_eq!(&text[file..file + 6], "070701");
        assert_eq!(&text[file + 54..file + 62], "00000003");
        assert_eq!(bytes.len() % 4, 0);
    }
}
