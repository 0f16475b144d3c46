//! One question at a time over the store's ring (Xen's `io/xs_wire.h`), and watches in between. Nothing
//! here waits.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;
use core::task::Poll;

use zerocopy::FromBytes;

use super::message::{self, ERROR, Header, Kind, MAX_PAYLOAD, Outgoing, WATCH_EVENT};
use super::{Cause, Refusal, StoreError};
use crate::byte_ring::{Broken, Consumer, Layout, Producer};
use crate::{Events, Port, SharedPage};

/// A domain of ours watches few things: each device, and the order to shut down.
pub const MAX_WATCHES: usize = 16;

pub(crate) const REQUESTS: Layout = Layout {
    bytes: 0,
    len: 1024,
    consumed: 0x800,
    produced: 0x804,
};
pub(crate) const ANSWERS: Layout = Layout {
    bytes: 0x400,
    len: 1024,
    consumed: 0x808,
    produced: 0x80c,
};
/// What the daemon can; the bits say which of the two words after it mean something.
const FEATURES: usize = 0x810;
/// Other than 0: the daemon makes its side anew, and the ring is to be left alone.
const CONNECTION: usize = 0x814;
const DAEMON_ERROR: usize = 0x818;
const HAS_CONNECTION: u32 = 1;
const HAS_ERROR: u32 = 2;

/// The most bytes taken in at a time, so that a daemon that never stops to talk does not keep us.
const BURST: usize = 8192;

/// Names a path that is watched. Its number is never used again, so what comes late is not mistaken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch(u32);

impl Watch {
    /// As the daemon repeats it.
    pub(super) fn token(self) -> String {
        alloc::format!("{}", self.0)
    }
}

struct Watched {
    watch: Watch,
    path: String,
    has_changed: bool,
}

/// The connection.
pub(super) struct Client {
    page: SharedPage,
    requests: Producer,
    answers: Consumer,
    port: Port,
    events: Rc<dyn Events>,
    /// The rest of a question that the daemon has not taken yet.
    outgoing: Vec<u8>,
    /// A message, as far as it has come: header and payload.
    incoming: Vec<u8>,
    /// The question that waits for its answer.
    asked: Option<(u32, Kind)>,
    answer: Option<Result<Vec<u8>, StoreError>>,
    /// The numbers given out last.
    last_request: u32,
    last_watch: u32,
    watched: Vec<Watched>,
    dead: Option<Cause>,
}

impl Client {
    pub(super) fn new(page: SharedPage, port: Port, events: Rc<dyn Events>) -> Self {
        Self {
            requests: Producer::new(page.clone(), REQUESTS),
            answers: Consumer::new(page.clone(), ANSWERS),
            page,
            port,
            events,
            outgoing: Vec::new(),
            incoming: Vec::new(),
            asked: None,
            answer: None,
            last_request: 0,
            last_watch: 0,
            watched: Vec::new(),
            dead: None,
        }
    }

    pub(super) const fn port(&self) -> Port {
        self.port
    }

    /// Whether a question can be asked.
    pub(super) const fn is_free(&self) -> bool {
        self.asked.is_none() && self.outgoing.is_empty()
    }

    /// Asks. Only when [`Client::is_free`].
    pub(super) fn start(&mut self, mut message: Outgoing) -> Result<(), StoreError> {
        self.last_request = self.last_request.wrapping_add(1);
        message.set_request(self.last_request);
        self.asked = Some((self.last_request, message.kind));
        self.answer = None;
        self.outgoing = message.bytes;
        self.pump()
    }

    /// The answer to the last question.
    pub(super) fn answer(&mut self) -> Poll<Result<Vec<u8>, StoreError>> {
        self.answer.take().map_or(Poll::Pending, Poll::Ready)
    }

    /// Nobody waits for the answer any more.
    pub(super) fn give_up(&mut self) {
        self.asked = None;
        self.answer = None;
    }

    /// Moves bytes both ways, as far as that goes now.
    pub(super) fn pump(&mut self) -> Result<(), StoreError> {
        let moved = match self.dead {
            Some(cause) => Err(cause),
            None => self.send().and_then(|()| self.receive()),
        };
        moved.map_err(|cause| {
            self.dead = Some(cause);
            StoreError::Dead(cause)
        })
    }

    fn send(&mut self) -> Result<(), Cause> {
        // Before the ring is looked at: what comes afterwards rings again.
        self.events.take_pending(self.port);
        let features = self.page.u32(FEATURES).load(Ordering::Relaxed);
        let error = self.page.u32(DAEMON_ERROR).load(Ordering::Relaxed);
        if features & HAS_ERROR != 0 && error != 0 {
            return Err(Cause::Daemon(error));
        }
        if self.outgoing.is_empty() || !self.is_connected(features) {
            return Ok(());
        }
        let count = self.requests.write(&self.outgoing)?;
        if count > 0 {
            self.outgoing.drain(..count);
            self.events.notify(self.port);
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<(), Cause> {
        let features = self.page.u32(FEATURES).load(Ordering::Relaxed);
        let mut taken = 0;
        while taken < BURST && self.is_connected(features) {
            let missing = self.missing()?;
            let start = self.incoming.len();
            self.incoming
                .resize(start + missing.min(ANSWERS.len as usize), 0);
            let count = self.answers.read(&mut self.incoming[start..])?;
            self.incoming.truncate(start + count);
            if count == 0 {
                break;
            }
            taken += count;
            if self.missing()? == 0 {
                let message = core::mem::take(&mut self.incoming);
                self.take(&message);
            }
        }
        if taken > 0 {
            self.events.notify(self.port);
        }
        Ok(())
    }

    /// How much is missing of the message that is coming, as far as is known: of its header first.
    fn missing(&self) -> Result<usize, Cause> {
        let Ok((header, payload)) = Header::ref_from_prefix(&self.incoming) else {
            return Ok(size_of::<Header>() - self.incoming.len());
        };
        let len = header.len.get() as usize;
        if len > MAX_PAYLOAD {
            return Err(Cause::MessageLength);
        }
        Ok(len - payload.len())
    }

    /// Takes in a whole message. What nobody asked for is left aside.
    fn take(&mut self, message: &[u8]) {
        let Ok((header, payload)) = Header::ref_from_prefix(message) else {
            return;
        };
        let kind = header.kind.get();
        if kind == WATCH_EVENT {
            return self.note_change(payload);
        }
        let Some((_, asked)) = self.asked.filter(|(id, _)| *id == header.request.get()) else {
            return;
        };
        self.asked = None;
        self.answer = Some(match kind {
            ERROR => Err(StoreError::Refused(Refusal::named(payload))),
            kind if kind == asked as u32 => Ok(payload.into()),
            _ => Err(StoreError::Malformed),
        });
    }

    /// The payload is the path that has changed, and the token of a watch.
    fn note_change(&mut self, payload: &[u8]) {
        let token = payload.split(|byte| *byte == 0).nth(1);
        let watch = token.and_then(message::number).map(Watch);
        if let Some(watched) = self.watched.iter_mut().find(|w| Some(w.watch) == watch) {
            watched.has_changed = true;
        }
    }

    fn is_connected(&self, features: u32) -> bool {
        features & HAS_CONNECTION == 0 || self.page.u32(CONNECTION).load(Ordering::Acquire) == 0
    }

    pub(super) fn add_watch(&mut self, path: &str) -> Result<Watch, StoreError> {
        message::path(path)?;
        if self.watched.len() >= MAX_WATCHES {
            return Err(StoreError::TooMany);
        }
        self.last_watch = self.last_watch.wrapping_add(1);
        let watch = Watch(self.last_watch);
        self.watched.push(Watched {
            watch,
            path: path.into(),
            has_changed: false,
        });
        Ok(watch)
    }

    /// Forgets a watch, and tells what it was for.
    pub(super) fn remove_watch(&mut self, watch: Watch) -> Option<String> {
        let at = self.watched.iter().position(|w| w.watch == watch)?;
        Some(self.watched.swap_remove(at).path)
    }

    pub(super) fn has_changed(&self) -> bool {
        self.watched.iter().any(|watched| watched.has_changed)
    }

    pub(super) fn take_changed(&mut self, watch: Watch) -> bool {
        let watched = self.watched.iter_mut().find(|w| w.watch == watch);
        watched.is_some_and(|watched| core::mem::take(&mut watched.has_changed))
    }
}

impl From<Broken> for Cause {
    fn from(Broken: Broken) -> Self {
        Self::RingIndex
    }
}
