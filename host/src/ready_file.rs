//! The file that says: it serves.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// A file that appears, whole, when the command serves. It is opened at the start, while a wrong
/// path can still be reported and the disk is still open.
pub(crate) struct ReadyFile {
    file: fs::File,
    /// The name until then.
    temporary: PathBuf,
    path: PathBuf,
}

impl ReadyFile {
    /// Removes what an earlier run left and opens the file under a temporary name beside it.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}", std::process::id()));
        let temporary = path.with_file_name(hidden);
        Ok(Self {
            file: fs::File::create(&temporary)?,
            temporary,
            path: path.to_owned(),
        })
    }

    /// Lets the file appear, with `line` in it.
    pub(crate) fn publish(mut self, line: &str) -> io::Result<()> {
        writeln!(self.file, "{line}")?;
        fs::rename(&self.temporary, &self.path)
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        // Gone already if it was published.
        let _ = fs::remove_file(&self.temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_appears_whole_and_only_when_published() {
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
