//! The kernel's TCP and UDP as a network: the same applications, another stack under them.
//!
//! Every socket is non-blocking and told of by one [`Reactor`], edge-triggered: what a socket can do
//! is remembered until a call says that it would block. Reading goes straight into a buffer of the
//! pool, which is lent to the application. What is sent gathers in a queue and leaves at the end of
//! the turn, so that a head, a body and the next response share one system call; the kernel copies,
//! which is all the copying there is.

mod bind;
mod connection;
mod error;
mod inspect;
mod listener;
mod network;
mod port;
mod queue;
mod slots;

use core::cell::RefCell;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::rc::{Rc, Weak};

use mio::Interest;
use mio::event::Event;
use packet::{Deadlines, Instant, Pool};
use runtime::{Driver, Error};

use self::connection::Connection;
use self::listener::Listening;
use self::port::Port;
use self::slots::Slots;
use crate::reactor::{Owner, Reactor, Sink};

/// How much there may be; the rest waits in the kernel or is refused.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections open at once. More are not accepted until one closes.
    pub connections: usize,
    /// Listeners open at once.
    pub listeners: usize,
    /// Ports bound for datagrams at once.
    pub ports: usize,
    /// Connections that the kernel keeps for each listener until they are accepted.
    pub backlog: u16,
}

impl Default for Limits {
    /// 65,536 connections, 16 listeners, 1,024 ports, 1,024 waiting to be accepted.
    fn default() -> Self {
        Self {
            connections: 65_536,
            listeners: 16,
            ports: 1024,
            backlog: 1024,
        }
    }
}

/// The kernel's sockets.
pub struct Sockets {
    reactor: Rc<Reactor>,
    owner: Owner,
    pool: Pool,
    limits: Limits,
    state: RefCell<State>,
    /// Where a datagram lies until its length is known.
    room: RefCell<Box<[u8]>>,
}

#[derive(Default)]
struct State {
    /// The time and the number of the turn.
    now: Instant,
    turn: u64,
    connections: Slots<Connection>,
    listeners: Slots<Listening>,
    ports: Slots<Port>,
    /// Bound by somebody else, for the next `listen` or `bind` on that port.
    provided: Vec<(u16, TcpListener)>,
    provided_ports: Vec<(u16, UdpSocket)>,
    name_servers: Vec<IpAddr>,
    /// Of connections; each fires at the earliest deadline set since the last one fired.
    deadlines: Deadlines,
    /// Connections with something to send, each once.
    dirty: Vec<u32>,
    /// Connections that wait for what no event tells of, each once: memory in the pool, or the
    /// peer's acknowledgement.
    retrying: Vec<u32>,
    /// Whether listeners wait for descriptors or memory.
    accept_retrying: bool,
    retry_at: Option<Instant>,
}

/// In which table a key of the reactor names a slot.
#[derive(Clone, Copy)]
enum Kind {
    Connection,
    Listener,
    Port,
}

impl Kind {
    const fn key(self, slot: u32) -> u32 {
        slot << 2 | self as u32
    }
}

/// How long to wait for what no event tells of.
const RETRY: Duration = Duration::from_millis(20);

/// And this much for each who waits, so that asking the kernel (0.5 µs each) never takes more than a
/// small part of the time.
const RETRY_EACH: Duration = Duration::from_micros(20);

/// How long a connection whose application has gone may take to send its last bytes.
const LINGER: Duration = Duration::from_secs(30);

impl Sockets {
    /// No sockets yet. Buffers come from `pool`.
    #[must_use]
    pub fn new(reactor: &Rc<Reactor>, pool: &Pool, limits: Limits) -> Rc<Self> {
        Rc::new_cyclic(|sockets: &Weak<Self>| {
            let sink: Weak<dyn Sink> = sockets.clone();
            Self {
                reactor: Rc::clone(reactor),
                owner: reactor.add_sink(sink),
                pool: pool.clone(),
                limits,
                state: RefCell::default(),
                room: RefCell::new(vec![0; port::LARGEST].into()),
            }
        })
    }

    /// Gives a listener that is bound already (to one address only, or in another namespace): the
    /// next `listen` on `port` uses it.
    pub fn provide(&self, port: u16, listener: TcpListener) {
        self.state.borrow_mut().provided.push((port, listener));
    }

    /// Gives a socket for datagrams that is bound already: the next `bind` of `port` uses it.
    pub fn provide_port(&self, port: u16, socket: UdpSocket) {
        let mut state = self.state.borrow_mut();
        state.provided_ports.push((port, socket));
    }

    /// Tells who is to be asked for the addresses of names.
    pub fn set_name_servers(&self, servers: Vec<IpAddr>) {
        self.state.borrow_mut().name_servers = servers;
    }

    /// Tells the reactor of a new connection and gives it a slot, or says why not.
    fn add(&self, state: &mut State, connection: Connection) -> Result<(u32, u32), Error> {
        if state.connections.len() >= self.limits.connections.min(slots::MOST) {
            return Err(Error::NoBuffer);
        }
        let (slot, generation) = state.connections.insert(connection);
        let registered = state.connections.at(slot).map(|connection| {
            let interest = Interest::READABLE | Interest::WRITABLE;
            let key = Kind::Connection.key(slot);
            self.reactor
                .register(&mut connection.stream, self.owner, key, interest)
        });
        if let Some(Err(error)) = registered {
            state.connections.remove(slot);
            return Err(error::of(&error));
        }
        Ok((slot, generation))
    }
}

impl State {
    fn mark_dirty(&mut self, slot: u32) {
        if let Some(connection) = self.connections.at(slot)
            && !core::mem::replace(&mut connection.dirty, true)
        {
            self.dirty.push(slot);
        }
    }

    /// Has the tasks of `slot` look again soon.
    fn retry(&mut self, slot: u32) {
        if let Some(connection) = self.connections.at(slot)
            && !core::mem::replace(&mut connection.retrying, true)
        {
            self.retrying.push(slot);
        }
        self.schedule_retry();
    }

    fn schedule_retry(&mut self) {
        let wait = RETRY + RETRY_EACH * u32::try_from(self.retrying.len()).unwrap_or(u32::MAX);
        self.retry_at.get_or_insert(self.now + wait);
    }

    /// Sends what `slot` has queued, and closes it if that was the last and nobody holds it.
    fn flush(&mut self, slot: u32) {
        let Some(connection) = self.connections.at(slot) else {
            return;
        };
        connection.flush();
        if connection.released && !connection.has_more_to_say() {
            self.remove(slot);
        }
    }

    /// Closes a connection. Linux resets it if it was told to, or if received bytes are unread.
    fn remove(&mut self, slot: u32) {
        let Some(mut connection) = self.connections.remove(slot) else {
            return;
        };
        self.deadlines.set(slot, None);
        connection.wake();
        // There is room for another one now.
        for listener in self.listeners.iter() {
            listener.wake();
        }
    }

    fn expire_deadlines(&mut self) {
        while let Some(slot) = self.deadlines.pop_expired(self.now) {
            let Some(connection) = self.connections.at(slot) else {
                continue;
            };
            match connection.deadline {
                Some(at) if at > self.now => self.deadlines.set(slot, Some(at)),
                Some(_) if connection.released => {
                    connection.reset_on_close();
                    self.remove(slot);
                }
                Some(_) => connection.wake(),
                None => {}
            }
        }
    }

    fn expire_retry(&mut self) {
        if self.retry_at.is_none_or(|at| at > self.now) {
            return;
        }
        self.retry_at = None;
        for slot in self.retrying.drain(..) {
            if let Some(connection) = self.connections.at(slot) {
                connection.retrying = false;
                connection.wake();
            }
        }
        if core::mem::take(&mut self.accept_retrying) {
            for listener in self.listeners.iter() {
                listener.wake();
            }
        }
    }
}

impl Sink for Sockets {
    fn event(&self, key: u32, event: &Event) {
        let mut state = self.state.borrow_mut();
        let slot = key >> 2;
        if key == Kind::Listener.key(slot) {
            if let Some(listener) = state.listeners.at(slot) {
                listener.ready = true;
                listener.wake();
            }
        } else if key == Kind::Port.key(slot) {
            if let Some(port) = state.ports.at(slot) {
                port.event(event);
            }
        } else if let Some(connection) = state.connections.at(slot) {
            connection.event(event);
            if connection.has_more_to_say() {
                state.mark_dirty(slot);
            }
        }
    }
}

impl Driver for Sockets {
    /// Never asks to be called again: what happens later ends the next wait, and asking the kernel
    /// costs as much as that.
    fn receive(&self, now: Instant) -> bool {
        {
            let mut state = self.state.borrow_mut();
            state.now = now;
            state.turn += 1;
            state.expire_deadlines();
            state.expire_retry();
        }
        report(self.reactor.look());
        false
    }

    fn transmit(&self, now: Instant) {
        let mut state = self.state.borrow_mut();
        state.now = now;
        for index in 0..state.dirty.len() {
            let slot = state.dirty[index];
            if let Some(connection) = state.connections.at(slot) {
                connection.dirty = false;
                state.flush(slot);
            }
        }
        state.dirty.clear();
    }

    fn next_event(&self) -> Option<Instant> {
        let state = self.state.borrow();
        state
            .deadlines
            .next()
            .into_iter()
            .chain(state.retry_at)
            .min()
    }

    /// The kernel is always armed: an event since the last look ends the wait at once.
    fn arm(&self) -> bool {
        false
    }

    fn is_quiet(&self) -> bool {
        let mut state = self.state.borrow_mut();
        !state
            .connections
            .iter()
            .any(|connection| connection.has_more_to_say())
    }
}

/// An IPv4 address at a socket for both looks like ::ffff:10.0.0.1.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// A poll that fails is a bug of ours (a bad descriptor), and nothing a connection can be told.
fn report(result: io::Result<()>) {
    if let Err(error) = result {
        log::error!("waiting for sockets: {error}");
    }
}

#[cfg(test)]
mod tests;
