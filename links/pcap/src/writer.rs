//! Writing pcapng (draft-ietf-opsawg-pcapng).

use core::time::Duration;
use std::io::{self, Write};

use ::link::Direction;

/// From how many bytes on they are handed to the file.
const BUFFER: usize = 64 * 1024;

/// Section header of version 1.0 and unknown length, in little-endian order.
const SECTION: [u32; 7] = [0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28];

/// One interface: Ethernet, nothing cut, and (option 9) nanoseconds.
const INTERFACE: [u32; 8] = [1, 32, 1, 0, 1 << 16 | 9, 9, 0, 32];

/// A block with a packet: the block's header and trailer, the packet's header, and the option that
/// tells the direction, with the option that ends the options.
const PACKET: u32 = 6;
const PACKET_OVERHEAD: usize = 12 + 20 + 8 + 4;
const FLAGS_OPTION: u32 = 4 << 16 | 2;

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
        let mut writer = Self {
            output,
            buffer: Vec::new(),
        };
        writer.words(&SECTION);
        writer.words(&INTERFACE);
        writer
    }

    /// Adds a frame that passed at `time` (since 1970-01-01 UTC).
    ///
    /// # Errors
    /// When the file takes no more.
    pub fn record(&mut self, time: Duration, way: Direction, frame: &[u8]) -> io::Result<()> {
        let padding = frame.len().next_multiple_of(4) - frame.len();
        let (Ok(nanos), Ok(len), Ok(block)) = (
            u64::try_from(time.as_nanos()),
            u32::try_from(frame.len()),
            u32::try_from(frame.len() + padding + PACKET_OVERHEAD),
        ) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let (high, low) = ((nanos >> 32) as u32, nanos as u32);
        self.words(&[PACKET, block, 0, high, low, len, len]);
        self.buffer.extend_from_slice(frame);
        self.buffer.resize(self.buffer.len() + padding, 0);
        let flags = match way {
            Direction::In => 1,
            Direction::Out => 2,
        };
        self.words(&[FLAGS_OPTION, flags, 0, block]);
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

    fn words(&mut self, words: &[u32]) {
        self.buffer
            .extend(words.iter().flat_map(|word| word.to_le_bytes()));
    }
}
