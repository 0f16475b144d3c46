//! Reading a capture, whichever of the two formats it has.

use core::time::Duration;
use std::io::Read;

use crate::blocks::Section;
use crate::classic::Classic;
use crate::input::Input;
use crate::{Error, LinkType, Wrong};

/// The most bytes of a packet: what libpcap takes (`MAXIMUM_SNAPLEN`).
pub(crate) const MAX_PACKET: u32 = 262_144;

/// A packet as a capture has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// When, since 1970-01-01 UTC.
    pub time: Duration,
    /// What it starts with.
    pub link_type: LinkType,
    /// How long it was. More than its bytes: the capture cut it.
    pub wire_len: usize,
    /// What was captured of it.
    pub bytes: &'a [u8],
}

/// What a format tells of a packet whose bytes the input holds.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) time: Duration,
    pub(crate) link_type: LinkType,
    pub(crate) wire_len: usize,
    /// Where the bytes lie in what was read last.
    pub(crate) start: usize,
    pub(crate) len: usize,
}

/// Reads a capture from start to end.
pub struct Reader<R> {
    input: Input<R>,
    format: Format,
    /// The file ended or went wrong: nothing more comes.
    ended: bool,
}

enum Format {
    Classic(Classic),
    Blocks(Section),
}

impl<R: Read> Reader<R> {
    /// Reads the start of a file. Files are read in small pieces: `file` should be buffered.
    ///
    /// # Errors
    /// When it is no capture, or cannot be read.
    pub fn new(file: R) -> Result<Self, Error> {
        let mut input = Input::new(file);
        let magic: [u8; 4] = match input.header() {
            Ok(Some(magic)) => magic,
            Err(error) if matches!(error.wrong, Wrong::Input(_)) => return Err(error),
            Ok(None) | Err(_) => return Err(not_a_capture()),
        };
        let format = match Section::is_start(magic) {
            true => Format::Blocks(Section::new(&mut input)?),
            false => Format::Classic(Classic::new(magic, &mut input)?.ok_or_else(not_a_capture)?),
        };
        Ok(Self {
            input,
            format,
            ended: false,
        })
    }

    /// The next packet; `None` at the end.
    ///
    /// # Errors
    /// Where the file goes wrong; after that there is no more.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, Error> {
        if self.ended {
            return Ok(None);
        }
        let found = match &mut self.format {
            Format::Classic(classic) => classic.next(&mut self.input),
            Format::Blocks(section) => section.next(&mut self.input),
        };
        self.ended = !matches!(found, Ok(Some(_)));
        Ok(found?.map(|found| {
            let bytes = self.input.bytes().get(found.start..).unwrap_or_default();
            Record {
                time: found.time,
                link_type: found.link_type,
                wire_len: found.wire_len,
                bytes: bytes.get(..found.len).unwrap_or(bytes),
            }
        }))
    }
}

fn not_a_capture() -> Error {
    Error {
        offset: 0,
        wrong: Wrong::NotACapture,
    }
}

#[cfg(test)]
mod tests;
