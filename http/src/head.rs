//! Finding where a head ends.
//!
//! A head that came in one piece is left where it lies. One that came in several is gathered in
//! memory of a common budget, and every byte is looked at once, however small the pieces: a peer
//! that sends single bytes costs linear work.

use alloc::vec::Vec;
use core::cell::Cell;
use core::ops::Deref;

use packet::Chunk;

use crate::{Limits, Refusal};

/// Reads one head from the chunks of a connection.
pub(crate) struct Reader<'a> {
    limits: &'a Limits,
    scanner: Scanner,
    gathered: Gathered<'a>,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(limits: &'a Limits, budget: &'a Budget) -> Self {
        Self {
            limits,
            scanner: Scanner::new(),
            gathered: Gathered::new(budget),
        }
    }

    /// Takes what belongs to the head out of `unread`; gives the head once it is whole, with the
    /// empty line that ends it.
    pub(crate) fn push(&mut self, unread: &mut Chunk) -> Result<Option<Head<'a>>, Refusal> {
        let end = self.scanner.scan(unread, self.limits)?;
        let blank = self.scanner.blank;
        let in_one_piece = self.gathered.bytes.is_empty();
        if let Some(end) = end
            && in_one_piece
        {
            let mut head = unread.split_to(end);
            head.advance(blank);
            return Ok(Some(Head::InPlace(head)));
        }
        let piece = unread.split_to(end.unwrap_or(unread.len()));
        self.gathered.extend(&piece, self.limits.head)?;
        if end.is_none() {
            return Ok(None);
        }
        let budget = self.gathered.budget;
        let gathered = core::mem::replace(&mut self.gathered, Gathered::new(budget));
        Ok(Some(Head::Gathered(gathered, blank)))
    }

    /// Whether anything but empty lines has come.
    pub(crate) const fn has_begun(&self) -> bool {
        self.scanner.scanned > self.scanner.blank
    }
}

/// A whole head.
pub(crate) enum Head<'a> {
    /// In the buffer that brought it.
    InPlace(Chunk),
    /// In memory of its own, behind so many bytes of empty lines.
    Gathered(Gathered<'a>, usize),
}

impl Deref for Head<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::InPlace(chunk) => chunk,
            Self::Gathered(gathered, blank) => gathered.bytes.get(*blank..).unwrap_or_default(),
        }
    }
}

/// Memory for heads in pieces, common to all connections of a server.
pub(crate) struct Budget {
    left: Cell<usize>,
}

impl Budget {
    pub(crate) const fn new(bytes: usize) -> Self {
        Self {
            left: Cell::new(bytes),
        }
    }

    fn take(&self, bytes: usize) -> Result<(), Refusal> {
        let left = self.left.get().checked_sub(bytes).ok_or(Refusal::Busy)?;
        self.left.set(left);
        Ok(())
    }

    fn give(&self, bytes: usize) {
        self.left.set(self.left.get() + bytes);
    }
}

/// Bytes on the budget, given back when dropped.
pub(crate) struct Gathered<'a> {
    bytes: Vec<u8>,
    budget: &'a Budget,
}

/// The smallest piece of memory for a gathered head: most heads fit.
const FIRST_CAPACITY: usize = 1024;

impl<'a> Gathered<'a> {
    const fn new(budget: &'a Budget) -> Self {
        Self {
            bytes: Vec::new(),
            budget,
        }
    }

    /// Appends; the memory doubles as it fills, up to `limit`.
    fn extend(&mut self, piece: &[u8], limit: usize) -> Result<(), Refusal> {
        let needed = self.bytes.len() + piece.len();
        let held = self.bytes.capacity();
        if needed > held {
            let wanted = needed
                .max(2 * held)
                .max(FIRST_CAPACITY)
                .min(limit.max(needed));
            self.budget.take(wanted - held)?;
            let grown = self.bytes.try_reserve_exact(wanted - self.bytes.len());
            // Whatever the allocator gave is what is charged.
            let surplus = (self.bytes.capacity() - held).abs_diff(wanted - held);
            if grown.is_err() {
                self.budget.give(surplus);
                return Err(Refusal::Busy);
            }
            self.budget.take(surplus)?;
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

impl Drop for Gathered<'_> {
    fn drop(&mut self) {
        self.budget.give(self.bytes.capacity());
    }
}

/// Looks for the empty line, each byte once, and refuses what no grammar below it could accept.
struct Scanner {
    state: State,
    /// Bytes seen.
    scanned: usize,
    /// Of these, empty lines before the head: some old clients send one after a body (RFC 9112, 2.2).
    blank: usize,
    /// Whether the first line has ended.
    first_line_ended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first byte of the head.
    Start,
    /// After a CR there.
    StartCr,
    /// In a line.
    Line,
    /// After a CR that ends a line.
    LineCr,
    /// At the start of a header line.
    Next,
    /// After a CR there: the empty line.
    NextCr,
}

/// Two empty lines before a head are forgiven.
const MAX_BLANK: usize = 4;

impl Scanner {
    const fn new() -> Self {
        Self {
            state: State::Start,
            scanned: 0,
            blank: 0,
            first_line_ended: false,
        }
    }

    /// Looks at `bytes`, which follow those of the last call; tells how many of them belong to the
    /// head once it has ended.
    fn scan(&mut self, bytes: &[u8], limits: &Limits) -> Result<Option<usize>, Refusal> {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            let plain = self.plain(rest);
            if plain > 0 {
                self.scanned += plain;
                rest = rest.get(plain..).unwrap_or_default();
            } else {
                let before = self.state;
                self.state = before.after(*byte).ok_or(Refusal::StartLine)?;
                self.scanned += 1;
                rest = after;
                match before {
                    State::NextCr => return Ok(Some(bytes.len() - rest.len())),
                    State::StartCr => self.blank = self.scanned,
                    State::LineCr => self.first_line_ended = true,
                    State::Start | State::Line | State::Next => {}
                }
            }
            self.check(limits)?;
        }
        Ok(None)
    }

    /// How many bytes from here on change nothing: most of a line.
    fn plain(&self, bytes: &[u8]) -> usize {
        if self.state != State::Line {
            return 0;
        }
        let special = bytes.iter().position(|b| matches!(b, 0 | b'\r' | b'\n'));
        special.unwrap_or(bytes.len())
    }

    const fn check(&self, limits: &Limits) -> Result<(), Refusal> {
        if self.blank > MAX_BLANK {
            return Err(Refusal::StartLine);
        }
        if self.scanned > limits.request_line && !self.first_line_ended {
            return Err(Refusal::LineTooLong);
        }
        if self.scanned > limits.head {
            return Err(Refusal::HeadTooLarge);
        }
        Ok(())
    }
}

impl State {
    /// `None` for a bare CR, a bare LF, or a NUL.
    const fn after(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (_, 0) => None,
            (Self::StartCr, b'\n') => Some(Self::Start),
            (Self::LineCr | Self::NextCr, b'\n') => Some(Self::Next),
            (Self::StartCr | Self::LineCr | Self::NextCr, _) | (_, b'\n') => None,
            (Self::Start, b'\r') => Some(Self::StartCr),
            (Self::Line, b'\r') => Some(Self::LineCr),
            (Self::Next, b'\r') => Some(Self::NextCr),
            (Self::Start | Self::Line | Self::Next, _) => Some(Self::Line),
        }
    }
}

#[cfg(test)]
mod tests;
