//! The file that says: it serves.

use std::io::Write as _;
use std::path::Path;
use std::{fs, io};

use crate::partial_file::PartialFile;

/// A file that appears, whole, when the command serves. It is opened at the start, while a wrong
/// path can still be reported and the disk is still open.
pub(crate) struct ReadyFile(PartialFile);

impl ReadyFile {
    /// Removes what an earlier run left, and gets ready to write.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        PartialFile::create(path).map(Self)
    }

    /// Lets the file appear, with `line` in it.
    pub(crate) fn publish(mut self, line: &str) -> io::Result<()> {
        writeln!(self.0, "{line}")?;
        self.0.keep()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_appears_only_when_published() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ready");
        fs::write(&path, "of an earlier run").unwrap();
        let ready = ReadyFile::create(&path).unwrap();
        assert!(!path.exists());
        ready.publish("http://127.0.0.1:8080/").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"http://127.0.0.1:8080/\n");
        drop(ReadyFile::create(&path).unwrap());
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    }
}
