//! One open file.

use core::time::Duration;
use std::io::IoSliceMut;
use std::os::fd::OwnedFd;
use std::thread;

use packet::{Buf, Part, Secrets};
use runtime::{Metadata, StorageError};
use rustix::fs::{FileType, Stat};
use rustix::time::{ClockId, clock_gettime};

use super::cache::{Key, PAGE};

/// An open file, and what it was when it was opened.
pub(super) struct OpenFile {
    descriptor: OwnedFd,
    key: Key,
    /// Whether its times are old enough to tell the next change from the last one on any file system.
    settled: bool,
}

/// A change within the same tick of the file system's clock leaves the times as they are; none that
/// is in use ticks slower than this (FAT: 2 s).
const TICK: Duration = Duration::from_secs(2);

/// A file that changed in the kernel's current tick (1 to 10 ms) is looked at again so often, so much
/// later: more than two ticks in all.
const LOOKS: usize = 25;
const PAUSE: Duration = Duration::from_millis(1);

impl OpenFile {
    /// Takes a regular file; anything else is not there, as far as an application sees.
    pub(super) fn new(descriptor: OwnedFd) -> Result<Self, StorageError> {
        // A change after this tick is seen by its time; one more in the same tick would not be. So its
        // end is waited for: some milliseconds of everybody's, for a file that was saved just now.
        for _ in 0..LOOKS {
            let (stat, now) = (stat(&descriptor)?, tick());
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => {}
                FileType::Directory => return Err(StorageError::IsDirectory),
                _ => return Err(StorageError::NotFound),
            }
            let key = Key::of(&stat);
            if key.changed() != now {
                let settled = now.saturating_sub(key.changed().max(key.modified())) > TICK;
                return Ok(Self {
                    descriptor,
                    key,
                    settled,
                });
            }
            thread::sleep(PAUSE);
        }
        Err(StorageError::Busy)
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
        if read == 0 || !self.key.is_of(&stat(&self.descriptor)?) {
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

fn stat(file: &OwnedFd) -> Result<Stat, StorageError> {
    rustix::fs::fstat(file).map_err(|_| StorageError::Io)
}

/// The time since 1970 that the kernel gives to a file changed now.
pub(super) fn tick() -> Duration {
    let now = clock_gettime(ClockId::RealtimeCoarse);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
}
