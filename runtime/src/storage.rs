//! Files to read, as a place offers them.

use alloc::rc::Rc;
use core::fmt;
use core::future::poll_fn;
use core::ops::Range;
use core::task::{Context, Poll};
use core::time::Duration;

use packet::Chunk;

/// Names an open file of a [`Storage`]. A stale one (its file is closed) is recognised, or names the same
/// file for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    /// Which slot of the storage's table.
    pub slot: u32,
    /// How often the slot was used before.
    pub generation: u32,
}

/// What is known of a file beside its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Its length when it was opened.
    pub len: u64,
    /// When it last changed, since 1970-01-01 UTC; `None` where nobody knows.
    pub modified: Option<Duration>,
    /// Another number whenever the contents may be others.
    pub etag: u64,
    /// Its media type, where the storage knows better than its name tells.
    pub media: Option<&'static str>,
    /// The content codings (RFC 9110, 8.4.1) in which it can be had too, the best first:
    /// [`Storage::open_coded`].
    pub codings: &'static [&'static str],
}

/// Why a file cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageError {
    /// There is no such file, or the path is not one that may be asked for: one that leaves the
    /// root, or is not plain (`//`, `.`, `..`, a zero byte).
    NotFound,
    /// The file may not be read.
    Denied,
    /// The path names a directory.
    IsDirectory,
    /// Too many files are open.
    Busy,
    /// The device failed, the file became shorter, or the id is stale.
    Io,
}

/// Files by path below one root that no path leaves. Object-safe and single-threaded.
///
/// Each `poll_*` remembers one waker a file: the last that asked.
pub trait Storage {
    /// Starts to open the file at `path`: relative to the root, parts joined by `/`; the root
    /// itself is the empty path. [`Storage::poll_open`] tells how it ended.
    ///
    /// # Errors
    /// As `poll_open`, where it is known at once.
    fn open(&self, path: &str) -> Result<FileId, StorageError>;

    /// As [`Storage::open`], for the file compressed already, by one of its [`Metadata::codings`].
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is no such variant.
    fn open_coded(&self, path: &str, coding: &str) -> Result<FileId, StorageError> {
        let _ = (path, coding);
        Err(StorageError::NotFound)
    }

    /// Waits until the file is open or could not be opened.
    fn poll_open(&self, file: FileId, cx: &mut Context<'_>)
    -> Poll<Result<Metadata, StorageError>>;

    /// Reads at most `len` bytes at `offset`, as many as fit one buffer, at least one unless `len`
    /// is zero or the file ends there. Waits also while there is no memory.
    fn poll_read(
        &self,
        file: FileId,
        offset: u64,
        len: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Chunk, StorageError>>;

    /// Closes the file. Chunks read from it stay.
    fn close(&self, file: FileId);
}

/// An open file; dropping it closes it.
pub struct File {
    storage: Rc<dyn Storage>,
    id: FileId,
    metadata: Metadata,
}

impl File {
    /// Opens the file at `path`. Cancel safe.
    ///
    /// # Errors
    /// Why it could not be opened.
    pub async fn open(storage: &Rc<dyn Storage>, path: &str) -> Result<Self, StorageError> {
        Self::opened(storage, storage.open(path)?).await
    }

    /// Opens the file at `path` compressed by `coding`, one of its [`Metadata::codings`]. Cancel safe.
    ///
    /// # Errors
    /// Why it could not be opened.
    pub async fn open_coded(
        storage: &Rc<dyn Storage>,
        path: &str,
        coding: &str,
    ) -> Result<Self, StorageError> {
        Self::opened(storage, storage.open_coded(path, coding)?).await
    }

    async fn opened(storage: &Rc<dyn Storage>, id: FileId) -> Result<Self, StorageError> {
        let mut file = Self {
            storage: Rc::clone(storage),
            id,
            metadata: Metadata::default(),
        };
        file.metadata = poll_fn(|cx| file.storage.poll_open(file.id, cx)).await?;
        Ok(file)
    }

    /// Length, time and version, as they were when it was opened.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        self.metadata
    }

    /// Reads the start of `range`: as many bytes as fit one buffer, at least one unless the range
    /// is empty. So a caller reads on at `range.start + chunk.len()`. Cancel safe.
    ///
    /// # Errors
    /// [`StorageError::Io`] also when the file has become shorter than the range.
    pub async fn read(&self, range: Range<u64>) -> Result<Chunk, StorageError> {
        let len = range.end.saturating_sub(range.start);
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let chunk = poll_fn(|cx| self.storage.poll_read(self.id, range.start, len, cx)).await?;
        if chunk.is_empty() && len > 0 {
            return Err(StorageError::Io);
        }
        Ok(chunk)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.storage.close(self.id);
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no such file",
            Self::Denied => "permission denied",
            Self::IsDirectory => "is a directory",
            Self::Busy => "too many open files",
            Self::Io => "input/output error",
        })
    }
}

impl core::error::Error for StorageError {}
