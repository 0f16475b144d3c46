//! One open file.

use core::time::Duration;
use std::io::IoSliceMut;
use std::os::fd::OwnedFd;
use std::time::SystemTime;

use packet::{Buf, Part, Secrets};
use runtime::{Metadata, StorageError};
use rustix::fs::FileType;

use super::cache::{Key, PAGE};

/// An open file, and what it was when it was opened.
pub(super) struct OpenFile {
    descriptor: OwnedFd,
    key: Key,
    /// Whether its times are old enough to tell the next change from the last one.
    settled: bool,
}

/// A change within the same tick of the file system's clock leaves the times as they are; none that
/// is in use ticks slower than this (FAT: 2 s).
const TICK: Duration = Duration::from_secs(2);

impl OpenFile {
    /// Takes a regular file; anything else is not there, as far as an application sees.
    pub(super) fn new(descriptor: OwnedFd) -> Result<Self, StorageError> {
        let stat = rustix::fs::fstat(&descriptor).map_err(|_| StorageError::Io)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {}
            FileType::Directory => return Err(StorageError::IsDirectory),
            _ => return Err(StorageError::NotFound),
        }
        let key = Key::of(&stat);
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Ok(Self {
            descriptor,
            key,
            settled: now.saturating_sub(key.changed().max(key.modified())) > TICK,
        })
    }

    pub(super) fn key(&self) -> Key {
        self.key
    }

    /// Whether a page read now may be shown to those who open the file later and find it unchanged.
    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    #[cfg(test)]
    pub(super) fn settle(&mut self) {
        self.settled = true;
    }

    pub(super) fn metadata(&self) -> Metadata {
        Metadata {
            len: self.key.len(),
            modified: Some(self.key.modified()),
            // The same after a restart, so that a browser's copy stays good: no secret in it.
            etag: Secrets::new([0; 32]).key("etag").hash(&self.key.to_bytes()),
            ..Metadata::default()
        }
    }

    /// Reads pages from `number` on into `blank` ones, as many as there are.
    ///
    /// # Errors
    /// [`StorageError::Io`] also when the file is no longer what it was when it was opened: what is
    /// sent is one version of it or an error, never a mixture.
    pub(super) fn read_pages(
        &self,
        number: u64,
        mut blank: Vec<Buf>,
    ) -> Result<Vec<Part>, StorageError> {
        let offset = number * PAGE;
        let left = self.key.len().saturating_sub(offset);
        let mut slices: Vec<IoSliceMut<'_>> = blank
            .iter_mut()
            .filter_map(Buf::bytes_mut)
            .map(IoSliceMut::new)
            .collect();
        let read =
            rustix::io::retry_on_intr(|| rustix::io::preadv(&self.descriptor, &mut slices, offset));
        let mut read = (read.map_err(|_| StorageError::Io)? as u64).min(left);
        let stat = rustix::fs::fstat(&self.descriptor).map_err(|_| StorageError::Io)?;
        if read == 0 || !self.key.is_of(&stat) {
            return Err(StorageError::Io);
        }
        // A page that the read ended in, before the file does, is left out: the next call reads it.
        let end = offset + read == self.key.len();
        let mut pages = Vec::with_capacity(blank.len());
        for buf in blank {
            let len = read.min(PAGE);
            if len == 0 || (len < PAGE && !end) {
                break;
            }
            pages.push(Part::new(buf, 0..len as usize));
            read -= len;
        }
        Ok(pages)
    }
}
