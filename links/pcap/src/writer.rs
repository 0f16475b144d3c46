//! Writing pcapng: the blocks are made in [`::link::pcapng`].

use core::time::Duration;
use std::io::{self, Write};

use ::link::{Direction, pcapng};

/// From how many bytes on they are handed to the file.
const BUFFER: usize = 64 * 1024;

/// Writes Ethernet frames into a pcapng file, with nanoseconds. What is handed to the file always
/// ends with a whole block, so that a program that ends early leaves a readable file.
pub struct Writer<W> {
    output: W,
    /// Whole blocks that were not handed over yet; never much more than [`BUFFER`].
    buffer: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Starts a file.
    #[must_use]
    pub fn new(output: W) -> Self {
        let mut buffer = Vec::new();
        pcapng::begin(&mut buffer, 0);
        Self { output, buffer }
    }

    /// Adds a frame that passed at `time` (since 1970-01-01 UTC).
    ///
    /// # Errors
    /// When the file takes no more.
    pub fn record(&mut self, time: Duration, way: Direction, frame: &[u8]) -> io::Result<()> {
        let packet = pcapng::Packet {
            time,
            direction: way,
            bytes: frame,
            wire_len: frame.len(),
            comment: "",
        };
        pcapng::add(&mut self.buffer, &packet).ok_or(io::ErrorKind::InvalidInput)?;
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    /// Hands over what is kept back.
    ///
    /// # Errors
    /// When the file takes no more. What was kept back is gone then.
    pub fn flush(&mut self) -> io::Result<()> {
        let written = self.output.write_all(&self.buffer);
        self.buffer.clear();
        written.and_then(|()| self.output.flush())
    }
}
