//! One connected socket.

use core::net::SocketAddr;
use core::task::{Context, Waker};
use core::time::Duration;
use std::io::{self, ErrorKind, Read as _};
use std::net::Shutdown;

use mio::event::Event;
use mio::net::TcpStream;
use packet::{Chunk, Class, Instant, Part, Pool};
use runtime::Error;

use super::error;
use super::queue::Queue;
use crate::sys;

/// The most one connection receives in a turn, so that a fast sender leaves time for the others.
const TURN_BYTES: usize = 256 * 1024;

pub(super) struct Connection {
    pub(super) stream: TcpStream,
    /// Not established yet.
    connecting: bool,
    /// What the socket can do, as far as is known; a call that would block says otherwise.
    readable: bool,
    writable: bool,
    /// No event will tell of more to read: the peer has finished, or an error is waiting.
    read_closed: bool,
    /// An error may be waiting.
    suspect: bool,
    queue: Queue,
    finish: Finish,
    failed: Option<Error>,
    /// Its application is done with it; only the queue keeps it.
    pub(super) released: bool,
    pub(super) deadline: Option<Instant>,
    /// Whether it is in the list of that name.
    pub(super) dirty: bool,
    pub(super) retrying: bool,
    /// Which buffer the next read takes.
    class: Class,
    /// The turn of the last read, and the bytes read in it.
    turn: u64,
    received: usize,
    reader: Option<Waker>,
    writer: Option<Waker>,
    drainer: Option<Waker>,
}

#[derive(PartialEq)]
enum Finish {
    No,
    /// To be sent after the queue.
    Asked,
    Sent,
}

/// How a wait ended, or why it goes on.
pub(super) enum Wait<T> {
    Over(Result<T, Error>),
    /// Until an event.
    Event,
    /// Until something of which no event tells.
    Retry,
}

impl Connection {
    /// A connection that the kernel has accepted. It can probably be read and written at once.
    pub(super) fn accepted(stream: TcpStream) -> Self {
        Self::new(stream, false)
    }

    /// # Errors
    /// When the attempt failed at once.
    pub(super) fn connect(remote: SocketAddr) -> Result<Self, Error> {
        match TcpStream::connect(remote) {
            Ok(stream) => Ok(Self::new(stream, true)),
            Err(error) => Err(error::of(&error)),
        }
    }

    fn new(stream: TcpStream, connecting: bool) -> Self {
        // What is sent leaves at the end of a turn, whole responses at a time: Nagle's delay has
        // nothing to gain. It can fail only for a socket that is dead already, which a read tells.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            connecting,
            readable: !connecting,
            writable: !connecting,
            read_closed: false,
            suspect: false,
            queue: Queue::default(),
            finish: Finish::No,
            failed: None,
            released: false,
            deadline: None,
            dirty: false,
            retrying: false,
            class: Class::Page,
            turn: 0,
            received: 0,
            reader: None,
            writer: None,
            drainer: None,
        }
    }

    /// Why it cannot be used any more, if so.
    pub(super) fn check(&self, now: Instant) -> Result<(), Error> {
        match self.failed {
            _ if self.released => Err(Error::Closed),
            Some(error) => Err(error),
            None if self.deadline.is_some_and(|at| at <= now) => Err(Error::TimedOut),
            None => Ok(()),
        }
    }

    /// Whether bytes or the end of them are still to be given to the kernel.
    pub(super) fn has_more_to_say(&self) -> bool {
        self.failed.is_none() && (!self.queue.is_empty() || self.finish == Finish::Asked)
    }

    pub(super) fn event(&mut self, event: &Event) {
        self.read_closed |= event.is_read_closed() || event.is_error();
        self.suspect |= event.is_write_closed() || event.is_error();
        self.readable |= event.is_readable() || self.read_closed;
        self.writable |= event.is_writable() || self.suspect;
        self.wake();
    }

    /// Has everybody who waits look again.
    pub(super) fn wake(&mut self) {
        for waiter in [&mut self.reader, &mut self.writer, &mut self.drainer] {
            if let Some(waiter) = waiter.take() {
                waiter.wake();
            }
        }
    }

    pub(super) fn poll_connect(&mut self, cx: &Context<'_>) -> Wait<()> {
        if self.connecting && self.writable {
            match self.stream.take_error().and_then(|error| match error {
                Some(error) => Err(error),
                None => self.stream.peer_addr(),
            }) {
                Ok(_) => {
                    self.connecting = false;
                    self.readable = true;
                }
                Err(error) if error.kind() == ErrorKind::NotConnected => self.writable = false,
                Err(error) => return Wait::Over(Err(self.fail(&error))),
            }
        }
        if !self.connecting {
            return Wait::Over(Ok(()));
        }
        wait(&mut self.writer, cx);
        Wait::Event
    }

    pub(super) fn poll_receive(
        &mut self,
        pool: &Pool,
        turn: u64,
        cx: &Context<'_>,
    ) -> Wait<Option<Chunk>> {
        if self.turn != turn {
            (self.turn, self.received) = (turn, 0);
        }
        while self.readable {
            if self.received >= TURN_BYTES {
                cx.waker().wake_by_ref();
                return Wait::Event;
            }
            let Some(mut buf) = self.buffer(pool) else {
                wait(&mut self.reader, cx);
                return Wait::Retry;
            };
            let bytes = buf.bytes_mut().unwrap_or_default();
            let room = bytes.len();
            match self.stream.read(bytes) {
                // And so will the next one be: it stays readable.
                Ok(0) => return Wait::Over(Ok(None)),
                Ok(count) => {
                    self.read_some(count, room);
                    return Wait::Over(Ok(Some(Part::new(buf, 0..count).into())));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Wait::Over(Err(self.fail(&error))),
            }
        }
        wait(&mut self.reader, cx);
        Wait::Event
    }

    pub(super) fn poll_send(&mut self, chunk: &mut Option<Chunk>, cx: &Context<'_>) -> Wait<()> {
        if self.finish != Finish::No {
            return Wait::Over(Err(Error::Closed));
        }
        if self.queue.is_full() {
            wait(&mut self.writer, cx);
            return Wait::Event;
        }
        if let Some(chunk) = chunk.take().filter(|chunk| !chunk.is_empty()) {
            self.queue.push(chunk);
        }
        Wait::Over(Ok(()))
    }

    pub(super) fn poll_write(
        &mut self,
        pool: &Pool,
        bytes: &[u8],
        cx: &Context<'_>,
    ) -> Wait<usize> {
        if self.finish != Finish::No {
            return Wait::Over(Err(Error::Closed));
        }
        if bytes.is_empty() {
            return Wait::Over(Ok(0));
        }
        if self.queue.is_full() {
            wait(&mut self.writer, cx);
            return Wait::Event;
        }
        match self.queue.write(pool, bytes) {
            Some(count) => Wait::Over(Ok(count)),
            None => {
                wait(&mut self.writer, cx);
                Wait::Retry
            }
        }
    }

    /// Waits until nothing is unacknowledged. Linux tells of the acknowledgement of our FIN by an
    /// event; for bytes alone it has to be asked again and again.
    pub(super) fn poll_drained(&mut self, cx: &Context<'_>) -> Wait<()> {
        self.flush();
        if self.suspect
            && let Ok(Some(error)) = self.stream.take_error()
        {
            return Wait::Over(Err(self.fail(&error)));
        }
        if let Some(error) = self.failed {
            return Wait::Over(Err(error));
        }
        if !self.has_more_to_say() {
            match sys::unacknowledged(&self.stream) {
                Ok(0) => return Wait::Over(Ok(())),
                Ok(_) => {}
                Err(error) => return Wait::Over(Err(self.fail(&error))),
            }
        }
        wait(&mut self.drainer, cx);
        Wait::Retry
    }

    pub(super) fn finish(&mut self) {
        if self.finish == Finish::No {
            self.finish = Finish::Asked;
        }
    }

    /// Gives the kernel as much as it takes.
    pub(super) fn flush(&mut self) {
        if self.connecting || self.failed.is_some() {
            return;
        }
        while self.writable && !self.queue.is_empty() {
            match self.queue.write_to(&mut self.stream) {
                Ok(all) => self.writable = all,
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.fail(&error);
                }
            }
        }
        if self.queue.is_empty() && self.finish == Finish::Asked {
            self.finish = Finish::Sent;
            // Fails only for a connection that is gone, which whoever waits is told anyway.
            let _ = self.stream.shutdown(Shutdown::Write);
        }
        if !self.queue.is_full()
            && let Some(writer) = self.writer.take()
        {
            writer.wake();
        }
    }

    /// Whether the kernel holds received bytes that nobody has read.
    pub(super) fn has_unread(&self) -> bool {
        self.stream.peek(&mut [0]).is_ok_and(|count| count > 0)
    }

    /// Has the kernel send a reset instead of a FIN when the socket is closed (SO_LINGER of zero,
    /// socket(7)).
    pub(super) fn reset_on_close(&mut self) {
        // Fails only for a socket that has no connection any more.
        let _ = rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO));
    }

    /// A buffer for the next read: a bay where the last one was filled, else (or where there is no
    /// bay) a page.
    fn buffer(&self, pool: &Pool) -> Option<packet::Buf> {
        let page = || pool.take_receiving(Class::Page);
        pool.take_receiving(self.class).or_else(page)
    }

    fn read_some(&mut self, count: usize, room: usize) {
        self.received += count;
        if count == room {
            self.class = Class::Bay;
            return;
        }
        if count <= Class::Page.size() {
            self.class = Class::Page;
        }
        // Less than asked for: that was all, and an event will tell of more.
        self.readable = self.read_closed;
    }

    fn fail(&mut self, error: &io::Error) -> Error {
        let error = error::of(error);
        self.failed = Some(error);
        self.queue.clear();
        self.wake();
        error
    }
}

pub(super) fn wait(waiter: &mut Option<Waker>, cx: &Context<'_>) {
    match waiter {
        Some(waiter) => waiter.clone_from(cx.waker()),
        None => *waiter = Some(cx.waker().clone()),
    }
}
