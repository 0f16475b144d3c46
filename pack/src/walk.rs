//! What is in a directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::Error;

/// What was found.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) files: Vec<FoundFile>,
    /// What was left out, a line each.
    pub(crate) left_out: Vec<String>,
}

pub(crate) struct FoundFile {
    /// Its path below the directory, parts joined by `/`.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// Seconds since 1970.
    pub(crate) modified: Option<u64>,
}

impl Found {
    /// Looks through `root`.
    pub(crate) fn walk(&mut self, root: &Path) -> Result<(), Error> {
        let real = fs::canonicalize(root).map_err(|error| unreadable(root, error))?;
        let mut directories = vec![(root.to_owned(), String::new())];
        while let Some((path, name)) = directories.pop() {
            let entries = fs::read_dir(&path).map_err(|error| unreadable(&path, error))?;
            for entry in entries {
                let entry = entry.map_err(|error| unreadable(&path, error))?;
                let own = entry.file_name().into_string();
                let own = own.map_err(|_| Error::Name(entry.path()))?;
                if own.starts_with('.') {
                    continue;
                }
                let name = match &*name {
                    "" => own,
                    name => format!("{name}/{own}"),
                };
                let kind = entry.file_type();
                let kind = kind.map_err(|error| unreadable(&entry.path(), error))?;
                if kind.is_dir() {
                    directories.push((entry.path(), name));
                } else if let Some(reason) = self.take(&real, &entry.path(), &name)? {
                    self.left_out.push(format!("{name} is left out: {reason}"));
                }
            }
        }
        // As the file system gives them is no order.
        self.files.sort_by(|a, b| a.name.cmp(&b.name));
        self.left_out.sort();
        Ok(())
    }

    /// Takes one file, or says why not.
    fn take(
        &mut self,
        root: &Path,
        path: &Path,
        name: &str,
    ) -> Result<Option<&'static str>, Error> {
        let Ok(real) = fs::canonicalize(path) else {
            return Ok(Some("it leads nowhere"));
        };
        if !real.starts_with(root) {
            return Ok(Some("it leads out of the directory"));
        }
        let metadata = fs::metadata(&real).map_err(|error| unreadable(path, error))?;
        if !metadata.is_file() {
            return Ok(Some("it is no file, nor a link to one"));
        }
        let bytes = fs::read(&real).map_err(|error| unreadable(path, error))?;
        let modified = metadata.modified().ok();
        let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        self.files.push(FoundFile {
            name: name.to_owned(),
            bytes,
            modified: modified.map(|since_1970| since_1970.as_secs()),
        });
        Ok(None)
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::Unreadable(PathBuf::from(path), error)
}
