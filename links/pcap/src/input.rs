//! The bytes of a file, with their offset.

use std::io::{self, Read};

use crate::{Error, Wrong};

/// A file that is read once, from start to end.
pub(crate) struct Input<R> {
    file: R,
    /// Where the next byte is.
    offset: u64,
    /// The bytes at hand; kept for its memory.
    bytes: Vec<u8>,
}

impl<R: Read> Input<R> {
    pub(crate) fn new(file: R) -> Self {
        let bytes = Vec::new();
        Self {
            file,
            offset: 0,
            bytes,
        }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes that were read last.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads the next `count` bytes, or what is left if there are fewer. Memory grows with what is
    /// there, not with what a length claims.
    pub(crate) fn read(&mut self, count: u32) -> Result<&[u8], Error> {
        self.bytes.clear();
        let read = self
            .file
            .by_ref()
            .take(count.into())
            .read_to_end(&mut self.bytes);
        self.advance(read.map(|count| count as u64))?;
        Ok(&self.bytes)
    }

    /// The next `N` bytes; `None` at the end of the file.
    pub(crate) fn header<const N: usize>(&mut self) -> Result<Option<[u8; N]>, Error> {
        let start = self.offset;
        // Headers are a few bytes.
        let bytes = self.read(N as u32)?;
        match bytes.first_chunk() {
            Some(header) => Ok(Some(*header)),
            None if bytes.is_empty() => Ok(None),
            None => Err(truncated(start)),
        }
    }

    /// Reads exactly `count` bytes of the record that started at `start`.
    pub(crate) fn body(&mut self, start: u64, count: u32) -> Result<&[u8], Error> {
        let bytes = self.read(count)?;
        if bytes.len() < count as usize {
            return Err(truncated(start));
        }
        Ok(bytes)
    }

    /// Skips `count` bytes of the record that started at `start`.
    pub(crate) fn skip(&mut self, start: u64, count: u64) -> Result<(), Error> {
        let skipped = io::copy(&mut self.file.by_ref().take(count), &mut io::sink());
        if self.advance(skipped)? < count {
            return Err(truncated(start));
        }
        Ok(())
    }

    fn advance(&mut self, read: io::Result<u64>) -> Result<u64, Error> {
        let offset = self.offset;
        let count = read.map_err(|error| Error {
            offset,
            wrong: Wrong::Input(error),
        })?;
        self.offset += count;
        Ok(count)
    }
}

fn truncated(offset: u64) -> Error {
    let wrong = Wrong::Truncated;
    Error { offset, wrong }
}

/// The order of the bytes in a file's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        })
    }

    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        })
    }

    pub(crate) fn i64(self, bytes: &[u8], at: usize) -> Option<i64> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => i64::from_le_bytes(bytes),
            Self::Big => i64::from_be_bytes(bytes),
        })
    }
}
