//! Files that are part of a program.

use core::cell::RefCell;
use core::task::{Context, Poll};
use std::collections::BTreeMap;

use packet::Chunk;
use runtime::{FileId, Metadata, Storage, StorageError};

/// Files by path, each with its contents.
#[derive(Debug, Default)]
pub struct Files {
    files: BTreeMap<&'static str, &'static [u8]>,
    open: RefCell<Vec<Slot>>,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    contents: Option<&'static [u8]>,
}

/// The most files open together.
const MAX_OPEN: usize = 1024;

/// The most that one read gives: what fits a page.
const PAGE: usize = 4096;

impl Files {
    /// These files.
    #[must_use]
    pub fn new(files: &[(&'static str, &'static [u8])]) -> Self {
        Self {
            files: files.iter().copied().collect(),
            open: RefCell::default(),
        }
    }

    pub(super) fn contents(&self, file: FileId) -> Result<&'static [u8], StorageError> {
        let open = self.open.borrow();
        open.get(file.slot as usize)
            .filter(|slot| slot.generation == file.generation)
            .and_then(|slot| slot.contents)
            .ok_or(StorageError::Io)
    }
}

impl Storage for Files {
    fn open(&self, path: &str) -> Result<FileId, StorageError> {
        let Some(contents) = self.files.get(path) else {
            let inside = format!("{path}/");
            let is_directory =
                path.is_empty() || self.files.keys().any(|name| name.starts_with(&inside));
            return Err(match is_directory {
                true => StorageError::IsDirectory,
                false => StorageError::NotFound,
            });
        };
        let mut open = self.open.borrow_mut();
        let free = open.iter().position(|slot| slot.contents.is_none());
        let slot = free.unwrap_or(open.len());
        if slot >= MAX_OPEN {
            return Err(StorageError::Busy);
        }
        if free.is_none() {
            open.push(Slot::default());
        }
        open[slot].contents = Some(contents);
        Ok(FileId {
            slot: slot as u32,
            generation: open[slot].generation,
        })
    }

    fn poll_open(&self, file: FileId, _: &mut Context<'_>) -> Poll<Result<Metadata, StorageError>> {
        Poll::Ready(self.contents(file).map(|contents| Metadata {
            len: contents.len() as u64,
            // They never change.
            etag: 1,
            ..Metadata::default()
        }))
    }

    fn poll_read(
        &self,
        file: FileId,
        offset: u64,
        len: usize,
        _: &mut Context<'_>,
    ) -> Poll<Result<Chunk, StorageError>> {
        Poll::Ready(self.contents(file).map(|contents| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let rest = contents.get(start..).unwrap_or_default();
            Chunk::Static(&rest[..rest.len().min(len).min(PAGE)])
        }))
    }

    fn close(&self, file: FileId) {
        if self.contents(file).is_ok() {
            let slot = &mut self.open.borrow_mut()[file.slot as usize];
            slot.contents = None;
            slot.generation += 1;
        }
    }
}
