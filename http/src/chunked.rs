//! The chunked transfer coding (RFC 9112, 7.1), read.

use heapless::Vec;
use packet::Chunk;

use crate::{Refusal, grammar};

/// Decodes a chunked body. Data is lent where it lies; only the lines between, which may come in
/// pieces, are put together here.
pub(crate) struct Decoder {
    state: State,
    line: Line,
    /// Bytes of extensions and trailers that are still allowed.
    overhead_left: usize,
}

enum State {
    /// In a chunk-size line.
    Size,
    /// In the data of a chunk, so many bytes before its end.
    Data(u64),
    /// In the empty line behind the data.
    DataEnd,
    /// In the trailer section.
    Trailer,
    /// Behind it.
    Done,
}

/// Bytes of extensions and trailers in one body: nobody needs them, and each costs work that brings
/// no data (as in CVE-2023-39326).
const MAX_OVERHEAD: usize = 4096;

impl Decoder {
    pub(crate) const fn new() -> Self {
        Self {
            state: State::Size,
            line: Line(Vec::new()),
            overhead_left: MAX_OVERHEAD,
        }
    }

    pub(crate) const fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Takes the next data out of `unread`; `None` when it wants more bytes or is done.
    pub(crate) fn take(&mut self, unread: &mut Chunk) -> Result<Option<Chunk>, Refusal> {
        while !unread.is_empty() && !self.is_done() {
            if let State::Data(left) = self.state {
                let data = unread.split_to(usize::try_from(left).unwrap_or(usize::MAX));
                let left = left - data.len() as u64;
                self.state = if left == 0 {
                    State::DataEnd
                } else {
                    State::Data(left)
                };
                return Ok(Some(data));
            }
            let used = self.line.gather(unread)?;
            unread.advance(used);
            if let Some(line) = self.line.whole() {
                self.state = next(&self.state, line, &mut self.overhead_left)?;
                self.line.0.clear();
            }
        }
        Ok(None)
    }
}

/// What comes after `line`.
fn next(state: &State, line: &[u8], overhead_left: &mut usize) -> Result<State, Refusal> {
    let mut spend = |bytes: usize| {
        *overhead_left = overhead_left
            .checked_sub(bytes)
            .ok_or(Refusal::HeadTooLarge)?;
        Ok(())
    };
    match state {
        State::Size => {
            let text = line.strip_suffix(b"\r\n").unwrap_or_default();
            let (size, extensions) = grammar::chunk_line(text).ok_or(Refusal::Chunk)?;
            spend(extensions)?;
            Ok(if size == 0 {
                State::Trailer
            } else {
                State::Data(size)
            })
        }
        State::DataEnd if line == b"\r\n" => Ok(State::Size),
        State::Trailer if line == b"\r\n" => Ok(State::Done),
        State::Trailer => {
            spend(line.len())?;
            let _discarded = grammar::field_line(line).map_err(|_| Refusal::Chunk)?;
            Ok(State::Trailer)
        }
        State::DataEnd | State::Data(_) | State::Done => Err(Refusal::Chunk),
    }
}

/// A line as it comes. A longer one is refused: chunk sizes are short, and trailers are thrown away.
struct Line(Vec<u8, 256>);

impl Line {
    /// Takes bytes up to the end of the line; tells how many.
    fn gather(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        for (at, byte) in bytes.iter().enumerate() {
            let after_cr = self.0.last() == Some(&b'\r');
            if after_cr != (*byte == b'\n') || *byte == 0 {
                return Err(Refusal::Chunk);
            }
            self.0.push(*byte).map_err(|_| Refusal::HeadTooLarge)?;
            if *byte == b'\n' {
                return Ok(at + 1);
            }
        }
        Ok(bytes.len())
    }

    fn whole(&self) -> Option<&[u8]> {
        self.0.ends_with(b"\r\n").then_some(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn decode(body: &[u8], step: usize) -> Result<(Vec<u8>, bool, usize), Refusal> {
        let mut decoder = Decoder::new();
        let mut data = Vec::new();
        let mut left = 0;
        for piece in body.chunks(step) {
            let mut unread = Chunk::from(&*piece.to_vec().leak());
            while let Some(chunk) = decoder.take(&mut unread)? {
                data.extend_from_slice(&chunk);
            }
            left += unread.len();
        }
        Ok((data, decoder.is_done(), left))
    }

    #[test]
    fn data_is_the_same_however_it_was_cut() {
        let body = b"5\r\nhello\r\n00006 ; name=value;other = \"qu\\\"oted\"\r\n world\r\n\
            0\r\nTrailer: thrown away\r\n\r\nGET";
        for step in 1..body.len() {
            let result = decode(body, step);
            assert_eq!(result, Ok((b"hello world".to_vec(), true, 3)), "{step}");
        }
    }

    #[test]
    fn an_unfinished_body_is_not_done() {
        for end in 0..b"2\r\nab\r\n0\r\n\r\n".len() {
            let (_, done, left) = decode(&b"2\r\nab\r\n0\r\n\r\n"[..end], 3).unwrap();
            assert!(!done && left == 0, "{end}");
        }
    }

    #[test]
    fn what_breaks_the_grammar_is_refused() {
        for (body, refusal) in [
            (&b"\r\n"[..], Refusal::Chunk),
            (b"-1\r\n", Refusal::Chunk),
            (b"0x1\r\n", Refusal::Chunk),
            (b" 1\r\n", Refusal::Chunk),
            (b"1 \r\n", Refusal::Chunk),
            (b"1\n", Refusal::Chunk),
            (b"1\ra", Refusal::Chunk),
            (b"1;\r\n", Refusal::Chunk),
            (b"1;a=\r\n", Refusal::Chunk),
            (b"1;a=\"b\r\n", Refusal::Chunk),
            (b"1;a\0\r\n", Refusal::Chunk),
            (b"00000000000000001\r\n", Refusal::Chunk),
            (b"1\r\nab\r\n", Refusal::Chunk),
            (b"1\r\na\n", Refusal::Chunk),
            (b"0\r\nname : space\r\n", Refusal::Chunk),
            (b"0\r\nname\r\n", Refusal::Chunk),
            (b"0\r\nname: a\r\n folded\r\n", Refusal::Chunk),
        ] {
            assert_eq!(decode(body, 100), Err(refusal), "{body:?}");
        }
    }

    #[test]
    fn lines_extensions_and_trailers_are_bounded() {
        let long = [b"1;a=".to_vec(), [b'b'; 300].to_vec()].concat();
        assert_eq!(decode(&long, 100), Err(Refusal::HeadTooLarge));
        let extensions = b"1;a=bbbbbbbbbbbbbbb\r\na\r\n".repeat(300);
        assert_eq!(decode(&extensions, 100), Err(Refusal::HeadTooLarge));
        let trailers = [b"0\r\n".to_vec(), b"a: bbbbbbbbbb\r\n".repeat(300)].concat();
        assert_eq!(decode(&trailers, 100), Err(Refusal::HeadTooLarge));
    }
}
