//! Where a capture file goes wrong.

use core::fmt;
use std::io;

/// A file that cannot be read on, and where.
#[derive(Debug)]
pub struct Error {
    /// Where the record (or header) starts that is wrong, in bytes from the start of the file.
    pub offset: u64,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// What is wrong with a capture file.
#[derive(Debug)]
pub enum Wrong {
    /// It does not start as a capture does.
    NotACapture,
    /// It ends within a record.
    Truncated,
    /// A record or block is longer than any can be, or shorter than its own header.
    Length(u32),
    /// The length at the end of a block is not that at its start.
    Trailer,
    /// A packet of an interface that was not described.
    Interface(u32),
    /// More interfaces than anybody has.
    TooManyInterfaces,
    /// A resolution of time that no clock has.
    Resolution(u8),
    /// The file could not be read.
    Input(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        match &self.wrong {
            Wrong::NotACapture => f.write_str("it is no pcap or pcapng file"),
            Wrong::Truncated => write!(f, "it ends within the record at offset {offset}"),
            Wrong::Length(len) => {
                write!(f, "the record at offset {offset} claims a length of {len}")
            }
            Wrong::Trailer => {
                write!(
                    f,
                    "the block at offset {offset} does not end as its length says"
                )
            }
            Wrong::Interface(number) => write!(
                f,
                "the packet at offset {offset} names interface {number}, which is not described"
            ),
            Wrong::TooManyInterfaces => {
                write!(f, "there are too many interfaces at offset {offset}")
            }
            Wrong::Resolution(code) => write!(
                f,
                "the interface at offset {offset} counts time in units of code {code}"
            ),
            Wrong::Input(error) => write!(f, "reading at offset {offset} failed: {error}"),
        }
    }
}

impl core::error::Error for Error {}
