//! A transport that plays a script, and a world whose time the test sets.
#![allow(dead_code, reason = "each test file uses some of it")]

use core::cell::{Cell, RefCell};
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::rc::Rc;

use embedded_io_async::{BufRead, ErrorKind, ErrorType, Read, Write};
use http::{Handler, Server};
use packet::{Chunk, Duration, Instant, Surroundings, Transport};

/// What the peer does next.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// It sends these bytes.
    Bytes(Chunk),
    /// It sends these bytes so much later.
    Later(Duration, Chunk),
    /// It sends nothing until the deadline has passed.
    Silence,
    /// It throws the connection away.
    Reset,
}

impl From<&[u8]> for Event {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(Chunk::from(&*bytes.to_vec().leak()))
    }
}

impl From<&str> for Event {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    TimedOut,
    Reset,
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl core::error::Error for Failure {}

impl embedded_io_async::Error for Failure {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TimedOut => ErrorKind::TimedOut,
            Self::Reset => ErrorKind::ConnectionReset,
        }
    }
}

/// What the peer saw, and what is left of the script.
#[derive(Default)]
pub(crate) struct Peer {
    pub(crate) script: VecDeque<Event>,
    /// All bytes, in order.
    pub(crate) wire: Vec<u8>,
    /// Those that were sent without a copy.
    pub(crate) chunks: Vec<Chunk>,
    /// Whether bytes are only counted.
    pub(crate) forgets: bool,
    pub(crate) received: u64,
    pub(crate) finished: bool,
    pub(crate) deadline: Option<Instant>,
    /// How far each wait that ended in silence was allowed to go.
    pub(crate) waited: Vec<Duration>,
}

/// This side's end of the connection. When the script is over, the peer has finished.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) peer: Rc<RefCell<Peer>>,
    world: World,
}

impl Script {
    pub(crate) fn new(world: &World, script: impl IntoIterator<Item = Event>) -> Self {
        let peer = Peer {
            script: script.into_iter().collect(),
            ..Peer::default()
        };
        Self {
            peer: Rc::new(RefCell::new(peer)),
            world: world.clone(),
        }
    }

    fn keep(&self, bytes: &[u8]) {
        let mut peer = self.peer.borrow_mut();
        assert!(!peer.finished, "sent after finish");
        peer.received += bytes.len() as u64;
        if !peer.forgets {
            peer.wire.extend_from_slice(bytes);
        }
    }
}

impl ErrorType for Script {
    type Error = Failure;
}

impl Read for Script {
    async fn read(&mut self, _: &mut [u8]) -> Result<usize, Failure> {
        unreachable!("http takes chunks")
    }
}

impl BufRead for Script {
    async fn fill_buf(&mut self) -> Result<&[u8], Failure> {
        unreachable!("http takes chunks")
    }

    fn consume(&mut self, _: usize) {}
}

impl Write for Script {
    /// Takes at most 100 bytes at once, as a transport may.
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        let count = bytes.len().min(100);
        self.keep(&bytes[..count]);
        Ok(count)
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

impl Transport for Script {
    async fn receive(&mut self) -> Result<Option<Chunk>, Failure> {
        let mut peer = self.peer.borrow_mut();
        match peer.script.pop_front() {
            Some(Event::Bytes(chunk)) => Ok(Some(chunk)),
            Some(Event::Later(time, chunk)) => {
                self.world.now.set(self.world.now() + time);
                Ok(Some(chunk))
            }
            Some(Event::Silence) => {
                let deadline = peer.deadline.expect("a wait without end");
                peer.waited.push(deadline.since(self.world.now()));
                self.world.now.set(deadline.max(self.world.now()));
                Err(Failure::TimedOut)
            }
            Some(Event::Reset) => Err(Failure::Reset),
            None => Ok(None),
        }
    }

    async fn send(&mut self, chunk: Chunk) -> Result<(), Failure> {
        self.keep(&chunk);
        let mut peer = self.peer.borrow_mut();
        if !peer.forgets {
            peer.chunks.push(chunk);
        }
        Ok(())
    }

    fn deadline(&mut self, at: Option<Instant>) {
        self.peer.borrow_mut().deadline = at;
    }

    fn finish(&mut self) {
        self.peer.borrow_mut().finished = true;
    }

    async fn drained(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// Time stands still unless somebody waits for it.
#[derive(Clone, Default)]
pub(crate) struct World {
    now: Rc<Cell<Instant>>,
    pub(crate) stopping: Rc<Cell<bool>>,
}

impl Surroundings for World {
    fn now(&self) -> Instant {
        self.now.get()
    }

    /// The example of RFC 9110.
    fn unix_time(&self) -> Duration {
        Duration::from_secs(784_111_777)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.get()
    }
}

/// Serves a connection whose peer plays `script`.
pub(crate) fn talk(
    server: &Server,
    world: &World,
    handler: &impl Handler,
    script: impl IntoIterator<Item = Event>,
) -> Peer {
    let script = Script::new(world, script);
    run(server.serve(script.clone(), handler));
    script.peer.take()
}

/// Runs a future that never waits for anything outside.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("waits for what will never come"),
    }
}
