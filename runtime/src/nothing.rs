//! For places that lack something.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::task::{Context, Poll};

use packet::Chunk;

use crate::{Clock, Connection, Console, FileId, Inspect, Metadata, Number, Storage, StorageError};

/// A storage without files, a console that nobody reads or writes, and nothing to look at.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Console for Nothing {
    fn print(&self, _: fmt::Arguments<'_>) {}

    fn poll_line(&self, _: &mut Context<'_>) -> Poll<Option<String>> {
        Poll::Ready(None)
    }
}

impl Inspect for Nothing {
    fn numbers(&self, _: &mut dyn FnMut(Number)) {}

    fn connections(&self, _: &mut dyn FnMut(&Connection) -> bool) {}

    fn trace(&self, _: &Clock) -> Option<Vec<u8>> {
        None
    }
}

impl Storage for Nothing {
    fn open(&self, _: &str) -> Result<FileId, StorageError> {
        Err(StorageError::NotFound)
    }

    fn poll_open(&self, _: FileId, _: &mut Context<'_>) -> Poll<Result<Metadata, StorageError>> {
        Poll::Ready(Err(StorageError::Io))
    }

    fn poll_read(
        &self,
        _: FileId,
        _: u64,
        _: usize,
        _: &mut Context<'_>,
    ) -> Poll<Result<Chunk, StorageError>> {
        Poll::Ready(Err(StorageError::Io))
    }

    fn close(&self, _: FileId) {}
}
