//! Opening files that cannot lie outside of a directory.
//!
//! The kernel itself refuses to leave the directory where it knows `openat2` (Linux 5.6): by `..`, by
//! an absolute path, by a symbolic link, or by a directory that is renamed meanwhile. Elsewhere the
//! path is walked part by part, and no symbolic link is followed at all.

use core::cell::Cell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use runtime::StorageError;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// The directory that no path leaves.
pub(super) struct Root {
    directory: OwnedFd,
    /// Whether the kernel is asked to keep paths in; until it says that it cannot.
    openat2: Cell<bool>,
}

/// How often an open that raced with a rename is tried again.
const TRIES: usize = 8;

/// A pipe must not make us wait for its writer, nor a terminal become ours.
const READING: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

impl Root {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            directory: rustix::fs::openat(CWD, path, flags, Mode::empty())?,
            openat2: Cell::new(true),
        })
    }

    #[cfg(test)]
    pub(super) fn walk_instead(&self) {
        self.openat2.set(false);
    }

    /// Opens what is at `path`, parts joined by `/`; empty for the directory itself.
    pub(super) fn open_file(&self, path: &str) -> Result<OwnedFd, StorageError> {
        if path.is_empty() {
            return Err(StorageError::IsDirectory);
        }
        let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
        if !path.split('/').all(plain) {
            return Err(StorageError::NotFound);
        }
        if self.openat2.get() {
            match self.resolve(path) {
                // Unknown to an old kernel; not permitted by an old container's filter.
                Err(Errno::NOSYS | Errno::PERM) => self.openat2.set(false),
                result => return result.map_err(error),
            }
        }
        self.walk(path).map_err(error)
    }

    fn resolve(&self, path: &str) -> Result<OwnedFd, Errno> {
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let open = || rustix::fs::openat2(&self.directory, path, READING, Mode::empty(), beneath);
        // `EAGAIN`: something was renamed meanwhile, and the kernel cannot tell whether we left.
        (1..TRIES)
            .map(|_| open())
            .find(|result| !matches!(result, Err(Errno::AGAIN)))
            .unwrap_or_else(open)
    }

    fn walk(&self, path: &str) -> Result<OwnedFd, Errno> {
        let (directories, name) = match path.rsplit_once('/') {
            Some((directories, name)) => (Some(directories), name),
            None => (None, path),
        };
        let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut here: Option<OwnedFd> = None;
        for part in directories.into_iter().flat_map(|path| path.split('/')) {
            let from = here.as_ref().unwrap_or(&self.directory);
            here = Some(rustix::fs::openat(from, part, step, Mode::empty())?);
        }
        let from = here.as_ref().unwrap_or(&self.directory);
        rustix::fs::openat(from, name, READING | OFlags::NOFOLLOW, Mode::empty())
    }
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// What the kernel's answer means to an application. A path that leaves the directory (`EXDEV`,
/// `ELOOP`) looks like one that is not there.
fn error(errno: Errno) -> StorageError {
    match errno {
        Errno::NOENT | Errno::NOTDIR | Errno::XDEV | Errno::LOOP | Errno::NAMETOOLONG => {
            StorageError::NotFound
        }
        Errno::ACCESS | Errno::PERM => StorageError::Denied,
        Errno::MFILE | Errno::NFILE | Errno::AGAIN => StorageError::Busy,
        // A socket, or a device without a driver: nothing to be read there.
        Errno::NXIO | Errno::NODEV => StorageError::NotFound,
        _ => StorageError::Io,
    }
}
