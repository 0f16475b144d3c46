//! An archive as a storage.

use core::ops::Range;
use core::task::{Context, Poll};
use core::time::Duration;

use packet::Chunk;
use runtime::{FileId, Metadata, Storage, StorageError};
use zerocopy::FromBytes;

use crate::File;
use crate::format::{Coding, Entry, Header, MAGIC, Malformed, PAGE, Place, UNKNOWN};
use crate::format::{is_plain, is_visible};

/// The files of an archive. All is checked when it is opened, so that later nothing can be wrong. One that
/// is there as long as the program is a storage.
#[derive(Debug)]
pub struct Archive<'a> {
    bytes: &'a [u8],
    entries: &'a [Entry],
}

impl<'a> Archive<'a> {
    /// Opens the archive that `bytes` begin with; what is behind it does not count.
    ///
    /// # Errors
    /// As [`Malformed`] says.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (header, _) = Header::ref_from_prefix(bytes).map_err(|_| Malformed::Magic)?;
        if header.magic != MAGIC {
            return Err(Malformed::Magic);
        }
        let len = usize::try_from(header.len.get()).map_err(|_| Malformed::Truncated)?;
        let bytes = bytes.get(..len).ok_or(Malformed::Truncated)?;
        let index = bytes
            .get(size_of::<Header>()..)
            .ok_or(Malformed::Truncated)?;
        let count = header.entries.get() as usize;
        let (entries, _) = <[Entry]>::ref_from_prefix_with_elems(index, count)
            .map_err(|_| Malformed::Truncated)?;
        let archive = Self { bytes, entries };
        let mut before = None;
        for entry in entries {
            archive.check(entry, before)?;
            before = Some(entry);
        }
        Ok(archive)
    }

    /// All that is in it: files and variants of them, in order, as they were given to [`write()`](crate::write()).
    pub fn files(&self) -> impl Iterator<Item = File<'a>> {
        self.entries.iter().map(|entry| File {
            path: self.path(entry),
            media: text(self.bytes, &entry.media).unwrap_or_default(),
            coding: Coding::of_number(entry.coding).unwrap_or(Coding::Identity),
            modified: modified(entry),
            bytes: self.bytes_of(entry).into(),
        })
    }

    /// How many bytes it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is no file in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn check(&self, entry: &Entry, before: Option<&Entry>) -> Result<(), Malformed> {
        let path = text(self.bytes, &entry.path).filter(|path| is_plain(path));
        let path = path.ok_or(Malformed::Path)?;
        let media = text(self.bytes, &entry.media).filter(|media| is_visible(media));
        media.ok_or(Malformed::Media)?;
        let coding = Coding::of_number(entry.coding).ok_or(Malformed::Coding)?;
        let before = before.map(|before| (self.path(before), before.coding));
        if before.is_some_and(|before| before >= (path, entry.coding)) {
            return Err(Malformed::Order);
        }
        let has_file = before.is_some_and(|(before, _)| before == path);
        if (coding == Coding::Identity) == has_file {
            return Err(Malformed::Coding);
        }
        let range = range(entry).filter(|range| range.start.is_multiple_of(PAGE));
        let is_inside = range.is_some_and(|range| self.bytes.get(range).is_some());
        is_inside.then_some(()).ok_or(Malformed::Place)
    }

    /// Checked when it was opened.
    fn path(&self, entry: &Entry) -> &'a str {
        text(self.bytes, &entry.path).unwrap_or_default()
    }

    /// The same as bytes, whose order is that of the text.
    fn path_bytes(&self, entry: &Entry) -> &'a [u8] {
        bytes_at(self.bytes, &entry.path).unwrap_or_default()
    }

    /// Which entry has this path and coding.
    fn find(&self, path: &str, coding: Coding) -> Option<usize> {
        let key = (path.as_bytes(), coding as u8);
        self.entries
            .binary_search_by(|entry| (self.path_bytes(entry), entry.coding).cmp(&key))
            .ok()
    }

    /// Whether a path is that of a directory: the next one begins with it and a `/`.
    fn is_directory(&self, path: &str) -> bool {
        let inside = |entry: &Entry| {
            let rest = self.path_bytes(entry).strip_prefix(path.as_bytes());
            rest.is_some_and(|rest| rest.starts_with(b"/"))
        };
        // Between `a` and what is in it stand such as `a-b`: `-` is before `/`.
        let start = self.entries.partition_point(|entry| {
            let before = path.bytes().chain([b'/']);
            self.path_bytes(entry).iter().copied().lt(before)
        });
        path.is_empty() || self.entries.get(start).is_some_and(inside)
    }

    fn bytes_of(&self, entry: &Entry) -> &'a [u8] {
        let bytes = range(entry).and_then(|range| self.bytes.get(range));
        bytes.unwrap_or_default()
    }

    fn entry(&self, file: FileId) -> Result<&'a Entry, StorageError> {
        self.entries.get(file.slot as usize).ok_or(StorageError::Io)
    }
}

impl Archive<'static> {
    fn metadata(&self, index: usize, entry: &Entry) -> Metadata {
        let variants = self.entries.get(index + 1..).unwrap_or_default().iter();
        let of_this = variants.take_while(|other| other.coding > 0 && entry.coding == 0);
        Metadata {
            len: entry.len.get(),
            modified: modified(entry).map(Duration::from_secs),
            etag: entry.etag.get(),
            media: text(self.bytes, &entry.media),
            codings: names(of_this.map(|variant| 1 << variant.coding).sum()),
        }
    }
}

impl Storage for Archive<'static> {
    fn open(&self, path: &str) -> Result<FileId, StorageError> {
        match self.find(path, Coding::Identity) {
            Some(index) => Ok(id(index)),
            None if self.is_directory(path) => Err(StorageError::IsDirectory),
            None => Err(StorageError::NotFound),
        }
    }

    fn open_coded(&self, path: &str, coding: &str) -> Result<FileId, StorageError> {
        let mut codings = Coding::ALL.into_iter().skip(1);
        let coding = codings.find(|known| known.name() == coding);
        let found = coding.and_then(|coding| self.find(path, coding));
        found.map(id).ok_or(StorageError::NotFound)
    }

    fn poll_open(&self, file: FileId, _: &mut Context<'_>) -> Poll<Result<Metadata, StorageError>> {
        let entry = self.entry(file);
        Poll::Ready(entry.map(|entry| self.metadata(file.slot as usize, entry)))
    }

    fn poll_read(
        &self,
        file: FileId,
        offset: u64,
        len: usize,
        _: &mut Context<'_>,
    ) -> Poll<Result<Chunk, StorageError>> {
        Poll::Ready(self.entry(file).map(|entry| {
            let from = usize::try_from(offset).unwrap_or(usize::MAX);
            let rest = self.bytes_of(entry).get(from..).unwrap_or_default();
            Chunk::Static(rest.get(..len).unwrap_or(rest))
        }))
    }

    /// Nothing is held open.
    fn close(&self, _: FileId) {}
}

/// Below 2^32: so many entries there may be.
fn id(index: usize) -> FileId {
    FileId {
        slot: index as u32,
        generation: 0,
    }
}

fn text<'a>(bytes: &'a [u8], place: &Place) -> Option<&'a str> {
    core::str::from_utf8(bytes_at(bytes, place)?).ok()
}

fn bytes_at<'a>(bytes: &'a [u8], place: &Place) -> Option<&'a [u8]> {
    let start = place.start.get() as usize;
    bytes.get(start..)?.get(..place.len.get().into())
}

fn modified(entry: &Entry) -> Option<u64> {
    Some(entry.modified.get()).filter(|at| *at != UNKNOWN)
}

fn range(entry: &Entry) -> Option<Range<usize>> {
    let start = usize::try_from(entry.start.get()).ok()?;
    let end = start.checked_add(usize::try_from(entry.len.get()).ok()?)?;
    Some(start..end)
}

/// The names of a set of codings, each given by the bit of its number.
const fn names(codings: u32) -> &'static [&'static str] {
    match codings >> 1 {
        0b001 => &["br"],
        0b010 => &["zstd"],
        0b011 => &["br", "zstd"],
        0b100 => &["gzip"],
        0b101 => &["br", "gzip"],
        0b110 => &["zstd", "gzip"],
        0b111 => &["br", "zstd", "gzip"],
        _ => &[],
    }
}
