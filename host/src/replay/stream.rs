//! What one end has sent: for counting requests or responses, and what a recording lacks.

use super::segment::{Numbers, SYN, Segment};

/// Pieces behind a hole that are remembered. Full: the hole is taken for filled.
const MAX_PIECES: usize = 64;

/// In every request line, and in little else.
pub(crate) const REQUEST: &[u8] = b" HTTP/1.";

/// At the start of every response of ours, and in little else.
pub(crate) const RESPONSE: &[u8] = b"HTTP/1.1 ";

/// The stream of one end.
pub(crate) struct Stream {
    numbers: Numbers,
    /// Up to here all of it has come.
    next: u64,
    /// The end of what has come.
    end: u64,
    /// What has come behind holes: from, to.
    pieces: Vec<(u64, u64)>,
    /// How long a segment is of which only the first fragment was seen is not known.
    fragmented: bool,
    /// What is counted.
    mark: &'static [u8],
    /// The last bytes in order, shorter than that.
    tail: Vec<u8>,
    /// How often it was there.
    pub(crate) marks: u64,
    /// Segments that were sent again.
    pub(crate) repeated: u64,
}

impl Stream {
    pub(crate) fn new(initial: u32, mark: &'static [u8]) -> Self {
        Self {
            numbers: Numbers::new(initial),
            next: 0,
            end: 0,
            pieces: Vec::new(),
            fragmented: false,
            mark,
            tail: Vec::new(),
            marks: 0,
            repeated: 0,
        }
    }

    pub(crate) fn is_opened_by(&self, initial: u32) -> bool {
        self.numbers == Numbers::new(initial)
    }

    /// The number of what comes next.
    pub(crate) fn next_seq(&self) -> u32 {
        self.numbers.wrap(self.end)
    }

    /// Takes an undamaged segment; tells whether it brings anything new.
    pub(crate) fn take(&mut self, segment: &Segment<'_>) -> bool {
        let start = self.numbers.unwrap(self.end, segment.seq());
        let end = start + segment.len();
        let is_new = end > self.end;
        if start == end {
            return false;
        }
        if self.fragmented && start > self.next {
            self.next = start;
        }
        self.fragmented = segment.is_fragment();
        self.repeated += u64::from(!is_new);
        if start <= self.next && end > self.next {
            self.count(segment, self.next - start);
            self.next = end;
            self.join();
        } else if start > self.next && self.pieces.len() < MAX_PIECES {
            self.pieces.push((start, end));
            self.tail.clear();
            self.count(segment, 0);
        }
        self.end = self.end.max(end);
        is_new
    }

    /// Bytes that no segment of the recording has.
    pub(crate) fn missing(&self) -> u64 {
        let held: u64 = self.pieces.iter().map(|(start, end)| end - start).sum();
        (self.end - self.next).saturating_sub(held)
    }

    /// Goes on over pieces that have come already.
    fn join(&mut self) {
        while let Some(at) = self
            .pieces
            .iter()
            .position(|(start, _)| *start <= self.next)
        {
            let (_, end) = self.pieces.swap_remove(at);
            self.next = self.next.max(end);
        }
    }

    /// Counts in the text from its byte `known` on.
    fn count(&mut self, segment: &Segment<'_>, known: u64) {
        let syn = u64::from(segment.has(SYN));
        let known = known.saturating_sub(syn) as usize;
        let text = segment.text().get(known..).unwrap_or_default();
        self.tail.extend_from_slice(text);
        let lines = self.tail.windows(self.mark.len());
        self.marks += lines.filter(|line| *line == self.mark).count() as u64;
        let cut = self.tail.len().saturating_sub(self.mark.len() - 1);
        self.tail.drain(..cut);
    }
}
