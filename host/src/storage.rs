//! Files below one directory, read into the pool's pages.
//!
//! Nothing is mapped: a file that is truncated while it is sent must not kill the server. Opening and
//! reading do not wait for anything but the disk; only a lack of memory makes a reader wait.
//!
//! What is read of an open file is one version of it. One that another is renamed over is read to its
//! end; one that is written to, cut or lengthened cannot be read any further, as its times tell. What
//! they do not tell is not seen: a second change within a file system's tick where that is longer than
//! the kernel's (FAT), a server's clock that is behind ours, bytes changed through a mapping.
//!
//! A file has one form here: `page.html.gz` beside `page.html` may be of another version of it, and
//! nobody could tell. Compressed forms are an archive's.

mod beneath;
mod cache;
mod file;

use core::cell::RefCell;
use core::mem;
use core::task::{Context, Poll, Waker};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use packet::{Chunk, Class, Instant, Pool};
use runtime::{Driver, FileId, Metadata, Storage, StorageError};

use self::beneath::Root;
use self::cache::{Cache, PAGE};
use self::file::OpenFile;

/// A directory as an application's storage.
pub struct Directory {
    root: Root,
    pool: Pool,
    inner: RefCell<Inner>,
}

struct Inner {
    /// Open files by slot; absent where none is. Reused, so it is as long as the most that were ever
    /// open together.
    files: Vec<Slot>,
    free: Vec<u32>,
    cache: Cache,
    /// Readers that found no memory.
    waiting: Vec<Waker>,
}

struct Slot {
    generation: u32,
    file: Option<OpenFile>,
}

/// The most files open together; one more is refused as [`StorageError::Busy`], as it is when the
/// process may have no more file descriptors.
const MAX_OPEN: usize = 16_384;

/// The most pages that one call reads from the disk: what a super-frame carries.
const READ_AHEAD: usize = 16;

impl Directory {
    /// The files below `path`. The cache takes at most half of the pool's pages.
    ///
    /// # Errors
    /// As opening a directory fails.
    pub fn open(path: &Path, pool: &Pool) -> io::Result<Self> {
        let root = Root::open(path)?;
        let cache = Cache::new(pool.usage(Class::Page).limit / 2);
        Ok(Self {
            root,
            pool: pool.clone(),
            inner: RefCell::new(Inner {
                files: Vec::new(),
                free: Vec::new(),
                cache,
                waiting: Vec::new(),
            }),
        })
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }
}

impl Storage for Directory {
    fn open(&self, path: &str) -> Result<FileId, StorageError> {
        let mut inner = self.inner.borrow_mut();
        if inner.files.len() - inner.free.len() >= MAX_OPEN {
            return Err(StorageError::Busy);
        }
        let file = OpenFile::new(self.root.open_file(path)?)?;
        let slot = inner.free.pop().unwrap_or_else(|| {
            inner.files.push(Slot {
                generation: 0,
                file: None,
            });
            inner.files.len() as u32 - 1
        });
        let place = &mut inner.files[slot as usize];
        place.file = Some(file);
        Ok(FileId {
            slot,
            generation: place.generation,
        })
    }

    fn poll_open(&self, file: FileId, _: &mut Context<'_>) -> Poll<Result<Metadata, StorageError>> {
        let inner = self.inner.borrow();
        Poll::Ready(inner.file(file).map(OpenFile::metadata))
    }

    fn poll_read(
        &self,
        file: FileId,
        offset: u64,
        len: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Chunk, StorageError>> {
        let mut inner = self.inner.borrow_mut();
        match inner.read(&self.pool, file, offset, len) {
            Ok(Some(chunk)) => Poll::Ready(Ok(chunk)),
            Ok(None) => {
                // One entry a waiting task; a task that asks again is not entered twice.
                if !inner.waiting.iter().any(|w| w.will_wake(cx.waker())) {
                    inner.waiting.push(cx.waker().clone());
                }
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn close(&self, file: FileId) {
        let mut inner = self.inner.borrow_mut();
        let Some(slot) = inner.files.get_mut(file.slot as usize) else {
            return;
        };
        if slot.generation == file.generation && slot.file.take().is_some() {
            slot.generation = slot.generation.wrapping_add(1);
            inner.free.push(file.slot);
        }
    }
}

impl Inner {
    fn file(&self, id: FileId) -> Result<&OpenFile, StorageError> {
        self.files
            .get(id.slot as usize)
            .filter(|slot| slot.generation == id.generation)
            .and_then(|slot| slot.file.as_ref())
            .ok_or(StorageError::Io)
    }

    /// Reads within one page; `None` without memory to read into.
    fn read(
        &mut self,
        pool: &Pool,
        id: FileId,
        offset: u64,
        len: usize,
    ) -> Result<Option<Chunk>, StorageError> {
        let file = self.file(id)?;
        let left = file.metadata().len.saturating_sub(offset);
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(len);
        if len == 0 {
            return Ok(Some(Chunk::default()));
        }
        let (key, number) = (file.key(), offset / PAGE);
        let page = match self.cache.page(key, number) {
            Some(page) => page,
            None => {
                let within = (offset % PAGE) as usize;
                let count = (within + len).div_ceil(PAGE as usize).min(READ_AHEAD);
                let blank = self.cache.blank_pages(pool, count);
                if blank.is_empty() {
                    return Ok(None);
                }
                let file = self.file(id)?;
                let (cacheable, pages) = (file.is_settled(), file.read_pages(number, blank)?);
                let first = pages.first().cloned().ok_or(StorageError::Io)?;
                if cacheable {
                    self.cache.insert(key, number, pages);
                }
                first
            }
        };
        let start = (offset % PAGE) as usize;
        Ok(Some(Chunk::Part(
            page.slice(start..start.saturating_add(len)),
        )))
    }
}

/// Storage brings no events of its own: memory comes back when others are done with it, in a turn
/// that happens anyway.
impl Driver for Directory {
    fn receive(&self, _: Instant) -> bool {
        let mut inner = self.inner.borrow_mut();
        if inner.waiting.is_empty() || !inner.cache.can_take(&self.pool) {
            return false;
        }
        mem::take(&mut inner.waiting)
            .into_iter()
            .for_each(Waker::wake);
        true
    }

    fn transmit(&self, _: Instant) {}

    fn next_event(&self) -> Option<Instant> {
        None
    }

    fn arm(&self) -> bool {
        let inner = self.inner.borrow();
        !inner.waiting.is_empty() && inner.cache.can_take(&self.pool)
    }
}

#[cfg(test)]
mod tests;
