//! One end of a conversation: sends and reads at the same time, and knows every byte that must come.

use core::task::{Context, Poll, ready};
use std::collections::VecDeque;

use packet::{Chunk, Instant};
use runtime::{Error, Executor, FlowId, Network as _};
use stack::Net;

use super::plan::{Dice, Side};

/// All streams are cut from this, each from its own start on. The length is prime, so that no size
/// of a segment or a buffer brings the same bytes again; twice, so that a piece never wraps.
static BYTES: [u8; 2 * LEN] = bytes();
const LEN: usize = 65_521;

/// The most that is echoed and not yet accepted for sending.
const ECHOES: usize = 16;

const fn bytes() -> [u8; 2 * LEN] {
    let mut bytes = [0; 2 * LEN];
    let (mut at, mut state) = (0, 1u32);
    while at < LEN {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes[at] = (state >> 24) as u8;
        bytes[at + LEN] = bytes[at];
        at += 1;
    }
    bytes
}

/// One direction, seen from one end.
pub(super) struct Stream {
    start: u64,
    done: u64,
    total: u64,
}

impl Stream {
    /// The stream of this number, `total` bytes long.
    pub(super) fn new(number: u64, total: u64) -> Self {
        Self {
            start: number * 9973,
            done: 0,
            total,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.done == self.total
    }

    /// Its next bytes, `count` at most.
    fn next(&self, count: usize) -> &'static [u8] {
        let at = ((self.start + self.done) % LEN as u64) as usize;
        let left = usize::try_from(self.total - self.done).unwrap_or(usize::MAX);
        &BYTES[at..at + count.min(left).min(LEN)]
    }
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Everything came, and the end behind it.
    Whole,
    /// This side threw it away, as it was to.
    Aborted,
    /// The connection failed.
    Failed(Error),
}

pub(super) struct Talk<'a> {
    pub(super) net: &'a Net,
    pub(super) executor: &'a Executor,
    pub(super) id: FlowId,
    pub(super) side: &'a Side,
    pub(super) dice: Dice,
    pub(super) out: Stream,
    pub(super) coming: Stream,
    /// What goes back, where this side echoes.
    pub(super) echo: Option<VecDeque<Chunk>>,
    pub(super) kept: VecDeque<Chunk>,
    pub(super) reads_from: Instant,
    pub(super) has_finished: bool,
    pub(super) has_ended: bool,
    /// It is done when all bytes have come: neither side closes.
    pub(super) lingers: bool,
}

impl Talk<'_> {
    /// Goes on until it has ended.
    ///
    /// # Errors
    /// A wrong byte, one too many, or an end too soon.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Ended, String>> {
        loop {
            let bytes = self.out.done + self.coming.done;
            if self.side.aborts_after.is_some_and(|after| bytes >= after) {
                self.net.abort(self.id);
                return Poll::Ready(Ok(Ended::Aborted));
            }
            let wrote = match self.write(cx) {
                Ok(wrote) => wrote,
                Err(error) => return Poll::Ready(Ok(Ended::Failed(error))),
            };
            let read = match self.read(cx) {
                Poll::Pending => false,
                Poll::Ready(Ok(())) => true,
                Poll::Ready(Err(Wrong::Connection(error))) => {
                    return Poll::Ready(Ok(Ended::Failed(error)));
                }
                Poll::Ready(Err(Wrong::Bytes(what))) => return Poll::Ready(Err(what)),
            };
            let has_all = self.coming.is_done() && self.out.is_done() && self.echoed();
            let is_over = self.has_finished && (self.has_ended || self.side.leaves);
            if has_all && (is_over || self.lingers) {
                return Poll::Ready(Ok(Ended::Whole));
            }
            if !wrote && !read {
                return Poll::Pending;
            }
        }
    }

    /// Bytes that came, and were right.
    pub(super) fn bytes_read(&self) -> u64 {
        self.coming.done
    }

    fn echoed(&self) -> bool {
        self.echo.as_ref().is_none_or(VecDeque::is_empty)
    }

    /// Writes what can be written now. `true`: some.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<bool, Error> {
        if self.has_finished || (self.lingers && self.out.is_done()) {
            return Ok(false);
        }
        if self.out.is_done() && self.echoed() {
            // Also at an end that did not want to be first: the other may wait for it to leave.
            let finishes = self.side.closes_first || self.has_ended || self.side.leaves;
            if finishes && (self.echo.is_none() || self.coming.is_done()) {
                self.net.finish(self.id);
                self.has_finished = true;
            }
            return Ok(false);
        }
        let before = self.out.done;
        if self.echo.is_some() {
            self.write_echo(cx)?;
        } else {
            self.write_piece(cx)?;
        }
        Ok(self.out.done > before)
    }

    fn write_echo(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let Some(echo) = &mut self.echo else {
            return Ok(());
        };
        let Some(first) = echo.pop_front() else {
            return Ok(());
        };
        let len = first.len();
        let mut rest = Some(first);
        let sent = self.net.poll_send(self.id, &mut rest, cx);
        let left = rest.as_ref().map_or(0, |rest| rest.len());
        self.out.done += (len - left) as u64;
        if let Some(rest) = rest {
            echo.push_front(rest);
        }
        match sent {
            Poll::Ready(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }

    fn write_piece(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let most = 1 + self.dice.below(self.side.piece as u64) as usize;
        let piece = self.out.next(most);
        if self.side.copies {
            if let Poll::Ready(count) = self.net.poll_write(self.id, piece, cx) {
                self.out.done += count? as u64;
            }
            return Ok(());
        }
        let mut rest = Some(Chunk::Static(piece));
        let sent = self.net.poll_send(self.id, &mut rest, cx);
        let left = rest.map_or(0, |rest| rest.len());
        self.out.done += (piece.len() - left) as u64;
        match sent {
            Poll::Ready(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads once, if it does not pause.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Wrong>> {
        let echoes = self.echo.as_ref().map_or(0, VecDeque::len);
        if self.has_ended || echoes >= ECHOES {
            return Poll::Pending;
        }
        if self.reads_from > Instant::ZERO {
            ready!(self.executor.poll_deadline(self.reads_from));
            self.kept.clear();
            self.reads_from = Instant::ZERO;
        }
        let chunk = ready!(self.net.poll_receive(self.id, cx)).map_err(Wrong::Connection)?;
        let Some(chunk) = chunk else {
            self.has_ended = true;
            return Poll::Ready(match self.coming.is_done() {
                true => Ok(()),
                false => Err(Wrong::Bytes(format!(
                    "the stream ended after {} of {} bytes",
                    self.coming.done, self.coming.total
                ))),
            });
        };
        // In pieces: a chunk may be longer than what the streams are cut from.
        for piece in chunk.chunks(4096) {
            if self.coming.next(piece.len()) != piece {
                let what = format!(
                    "{} bytes at {} of {} are others than were sent",
                    piece.len(),
                    self.coming.done,
                    self.coming.total
                );
                return Poll::Ready(Err(Wrong::Bytes(what)));
            }
            self.coming.done += piece.len() as u64;
        }
        self.look_away();
        match &mut self.echo {
            Some(echo) => echo.push_back(chunk),
            None => self.keep(chunk),
        }
        Poll::Ready(Ok(()))
    }

    /// Stops reading for a while, now and then.
    fn look_away(&mut self) {
        let (chance, longest) = self.side.pauses;
        if self.dice.below(1000) < chance {
            let nanos = self.dice.below(longest.as_nanos() as u64);
            let pause = core::time::Duration::from_nanos(nanos);
            self.reads_from = self.executor.clock().now() + pause;
        }
    }

    fn keep(&mut self, chunk: Chunk) {
        self.kept.push_back(chunk);
        while self.kept.len() > self.side.keeps {
            self.kept.pop_front();
        }
    }
}

enum Wrong {
    Connection(Error),
    Bytes(String),
}
