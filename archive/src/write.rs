//! Making an archive.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use packet::Secrets;
use zerocopy::IntoBytes;

use crate::format::is_visible;
use crate::format::{Coding, Entry, Header, MAGIC, Malformed, PAGE, Place, UNKNOWN, is_plain};

/// A file of an archive, or a compressed variant of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// Its path, parts joined by `/`.
    pub path: &'a str,
    /// Its media type: that of the file also for a variant.
    pub media: &'a str,
    /// How `bytes` are compressed.
    pub coding: Coding,
    /// When it changed, in seconds since 1970, if somebody knows.
    pub modified: Option<u64>,
    /// What it consists of.
    pub bytes: Cow<'a, [u8]>,
}

/// Puts `files` into an archive. The same files give the same bytes, in whatever order they come.
///
/// # Errors
/// As [`Malformed`] says: a path that is not plain, one that stands twice, a variant without its file.
pub fn write(mut files: Vec<File<'_>>) -> Result<Vec<u8>, Malformed> {
    files.sort_by(|a, b| (a.path, a.coding).cmp(&(b.path, b.coding)));
    check(&files)?;
    let index = size_of::<Header>() + files.len() * size_of::<Entry>();
    let texts = files.iter().map(|file| file.path.len() + file.media.len());
    let mut text_at = index;
    let mut start = (index + texts.sum::<usize>()).next_multiple_of(PAGE);
    let (mut entries, mut texts) = (Vec::new(), Vec::new());
    let tag = Secrets::new([0; 32]).key("archive etag");
    for file in &files {
        let mut place = |text: &str| {
            texts.extend_from_slice(text.as_bytes());
            let place = Place {
                start: u32::try_from(text_at)
                    .map_err(|_| Malformed::TooLarge)?
                    .into(),
                len: u16::try_from(text.len())
                    .map_err(|_| Malformed::TooLarge)?
                    .into(),
            };
            text_at += text.len();
            Ok(place)
        };
        entries.push(Entry {
            path: place(file.path)?,
            coding: file.coding as u8,
            zero: 0,
            media: place(file.media)?,
            zeros: 0.into(),
            start: (start as u64).into(),
            len: (file.bytes.len() as u64).into(),
            // Of the bytes alone, and no secret in it: the same wherever it is made.
            etag: tag.hash(&file.bytes).into(),
            modified: file.modified.unwrap_or(UNKNOWN).into(),
        });
        start += file.bytes.len().next_multiple_of(PAGE);
    }
    let header = Header {
        magic: MAGIC,
        entries: u32::try_from(files.len())
            .map_err(|_| Malformed::TooLarge)?
            .into(),
        zero: 0.into(),
        len: (start as u64).into(),
        zeros: 0.into(),
    };
    let mut archive = Vec::with_capacity(start);
    archive.extend_from_slice(header.as_bytes());
    archive.extend_from_slice(entries.as_bytes());
    archive.extend_from_slice(&texts);
    for file in &files {
        archive.resize(archive.len().next_multiple_of(PAGE), 0);
        archive.extend_from_slice(&file.bytes);
    }
    archive.resize(start, 0);
    Ok(archive)
}

fn check(files: &[File<'_>]) -> Result<(), Malformed> {
    let mut before: Option<&File<'_>> = None;
    for file in files {
        if !is_plain(file.path) {
            return Err(Malformed::Path);
        }
        if !is_visible(file.media) {
            return Err(Malformed::Media);
        }
        let same = before.is_some_and(|before| before.path == file.path);
        if same == (file.coding == Coding::Identity) {
            return Err(match same {
                true => Malformed::Order,
                false => Malformed::Coding,
            });
        }
        if same && before.is_some_and(|before| before.coding == file.coding) {
            return Err(Malformed::Order);
        }
        before = Some(file);
    }
    Ok(())
}
