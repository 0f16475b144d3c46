//! Our stack as a host, in virtual time: a second of waiting costs nothing.

mod link;

use core::cell::RefCell;
use core::net::{SocketAddr, SocketAddrV4};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::rc::Rc;

use packet::{Chunk, Instant, Limits, Pool, Secrets};
use runtime::{Driver, Error, FlowId, ListenerId, Network};
use stack::{Cidr, Config, Net};

use crate::frame::{HOST_MAC, answer_arp, ethernet, ipv4_packet};
use crate::host::{Emitted, Handle, Host};
use crate::parhelion::link::{Wire, WireLink};
use crate::script::{Errno, SocketOption};
use crate::wire::{HOST, PEER};

/// Memory enough for the longest script.
const MEMORY: usize = 16 << 20;

/// A host on a wire. It is made at the first call that needs it: options that are set before, on
/// any socket, are the host's.
pub struct Parhelion {
    config: Config,
    secrets: Secrets,
    pool: Pool,
    net: Option<Net>,
    wire: Rc<RefCell<Wire>>,
    now: Duration,
    sockets: Vec<Socket>,
}

enum Socket {
    /// Made, and perhaps bound.
    Fresh {
        port: u16,
    },
    Listening(ListenerId),
    Connection(Connection),
    Closed,
}

struct Connection {
    flow: FlowId,
    /// Received, not yet read.
    unread: Option<Chunk>,
    /// Closing resets.
    abort: bool,
}

/// A pool for any script.
#[must_use]
pub fn pool() -> Pool {
    Pool::new(Limits::for_memory(MEMORY))
}

impl Parhelion {
    /// A host whose unguessable numbers come from `secrets`. The pool may be another host's before
    /// and after.
    ///
    /// # Panics
    /// Never: 24 bits are a network.
    #[must_use]
    pub fn new(secrets: Secrets, pool: Pool) -> Self {
        let network = Cidr::new(HOST, 24).expect("24 bits are a network");
        Self {
            config: Config::new(network),
            secrets,
            pool,
            net: None,
            wire: Rc::default(),
            now: Duration::ZERO,
            sockets: Vec::new(),
        }
    }

    fn net(&mut self) -> &Net {
        let (config, secrets, pool) = (&self.config, &self.secrets, &self.pool);
        let wire = &self.wire;
        self.net.get_or_insert_with(|| {
            let link = WireLink::new(HOST_MAC, pool.clone(), Rc::clone(wire));
            Net::new(Box::new(link), pool.clone(), secrets, config)
        })
    }

    fn instant(&self) -> Instant {
        Instant::ZERO + self.now
    }

    /// Lets the host do what there is to do now, and answers what it asks of its neighbour.
    fn turn(&mut self) {
        let now = self.instant();
        let net = self.net().clone();
        loop {
            net.receive(now);
            net.transmit(now);
            let mut wire = self.wire.borrow_mut();
            let Wire { to_host, from_host } = &mut *wire;
            let answers = from_host.iter().filter_map(|frame| answer_arp(frame));
            to_host.extend(answers);
            from_host.retain(|frame| ipv4_packet(frame).is_some());
            if to_host.is_empty() {
                return;
            }
        }
    }

    fn emitted(&mut self) -> Option<Emitted> {
        let frame = self.wire.borrow_mut().from_host.pop_front()?;
        let packet = ipv4_packet(&frame)?.to_vec();
        Some(Emitted {
            at: self.now,
            packet,
        })
    }

    fn keep(&mut self, socket: Socket) -> Handle {
        self.sockets.push(socket);
        Handle(self.sockets.len() - 1)
    }

    fn socket_of(&mut self, handle: Handle) -> Result<&mut Socket, Errno> {
        self.sockets.get_mut(handle.0).ok_or(Errno::Other)
    }

    fn connection(&mut self, handle: Handle) -> Result<&mut Connection, Errno> {
        match self.socket_of(handle)? {
            Socket::Connection(connection) => Ok(connection),
            _ => Err(Errno::NotConnected),
        }
    }

    /// What is there to be read; `None` at the end.
    fn next_chunk(&mut self, socket: Handle) -> Result<Option<&mut Chunk>, Errno> {
        let net = self.net().clone();
        let connection = self.connection(socket)?;
        connection.unread.take_if(|chunk| chunk.is_empty());
        if connection.unread.is_none() {
            let mut cx = Context::from_waker(Waker::noop());
            connection.unread = ready(net.poll_receive(connection.flow, &mut cx))?;
        }
        Ok(connection.unread.as_mut())
    }

    fn close_connection(&mut self, connection: Connection) {
        let net = self.net();
        if connection.abort || connection.unread.is_some_and(|chunk| !chunk.is_empty()) {
            net.abort(connection.flow);
        }
        net.release(connection.flow);
    }
}

impl Host for Parhelion {
    fn now(&self) -> Duration {
        self.now
    }

    fn inject(&mut self, packet: &[u8]) {
        self.wire.borrow_mut().to_host.push_back(ethernet(packet));
        self.turn();
    }

    fn receive(&mut self, until: Duration) -> Option<Emitted> {
        self.turn();
        if let Some(emitted) = self.emitted() {
            return Some(emitted);
        }
        // An event that is due and stays due would stop the clock: time goes on all the same.
        let soonest = self.now + Duration::from_micros(1);
        let next = self
            .net()
            .next_event()
            .map(|at| at.since(Instant::ZERO).max(soonest));
        self.now = next.map_or(until, |next| next.min(until)).max(self.now);
        self.turn();
        self.emitted()
    }

    fn socket(&mut self) -> Result<Handle, Errno> {
        Ok(self.keep(Socket::Fresh { port: 0 }))
    }

    fn bind(&mut self, socket: Handle, port: u16) -> Result<(), Errno> {
        *self.socket_of(socket)? = Socket::Fresh { port };
        Ok(())
    }

    fn listen(&mut self, socket: Handle, backlog: usize) -> Result<(), Errno> {
        let Socket::Fresh { port } = *self.socket_of(socket)? else {
            return Err(Errno::Other);
        };
        if self.net.is_none() {
            // Unix lets one more wait than `listen` is told.
            self.config.tcp.backlog = backlog + 1;
        }
        let listener = self.net().listen(port).map_err(errno)?;
        *self.socket_of(socket)? = Socket::Listening(listener);
        self.turn();
        Ok(())
    }

    fn accept(&mut self, socket: Handle) -> Result<(Handle, u16), Errno> {
        let Socket::Listening(listener) = *self.socket_of(socket)? else {
            return Err(Errno::Other);
        };
        let mut cx = Context::from_waker(Waker::noop());
        let (flow, peer) = ready(self.net().poll_accept(listener, &mut cx))?;
        let connection = Connection {
            flow,
            unread: None,
            abort: false,
        };
        let handle = self.keep(Socket::Connection(connection));
        self.turn();
        Ok((handle, peer.address.port()))
    }

    fn connect(&mut self, socket: Handle, port: u16) -> Result<(), Errno> {
        let remote = SocketAddr::V4(SocketAddrV4::new(PEER, port));
        // The host learns of its link, and so of its address, with its first turn.
        self.turn();
        let flow = self.net().connect(remote).map_err(errno)?;
        let connection = Connection {
            flow,
            unread: None,
            abort: false,
        };
        *self.socket_of(socket)? = Socket::Connection(connection);
        self.turn();
        Err(Errno::InProgress)
    }

    fn connected(&mut self, socket: Handle) -> Result<(), Errno> {
        let flow = self.connection(socket)?.flow;
        let mut cx = Context::from_waker(Waker::noop());
        ready(self.net().poll_connect(flow, &mut cx))
    }

    fn read(&mut self, socket: Handle, bytes: &mut [u8]) -> Result<usize, Errno> {
        let mut count = 0;
        let mut ended = Ok(0);
        // One read of the script may be several of the stack; what it sends is decided after.
        while count < bytes.len() {
            match self.next_chunk(socket) {
                Ok(Some(chunk)) => {
                    let taken = chunk.split_to(bytes.len() - count);
                    bytes[count..count + taken.len()].copy_from_slice(&taken);
                    count += taken.len();
                }
                Ok(None) => break,
                Err(errno) => {
                    ended = Err(errno);
                    break;
                }
            }
        }
        self.turn();
        // What comes after the bytes is told by the next call.
        if count > 0 { Ok(count) } else { ended }
    }

    fn write(&mut self, socket: Handle, bytes: &[u8]) -> Result<usize, Errno> {
        let flow = self.connection(socket)?.flow;
        let mut cx = Context::from_waker(Waker::noop());
        let mut written = 0;
        // One write of the script may be several of the stack; what it sends is decided after.
        while written < bytes.len() {
            match ready(self.net().poll_write(flow, &bytes[written..], &mut cx)) {
                Ok(count) => written += count,
                Err(errno) if written == 0 => return Err(errno),
                Err(_) => break,
            }
        }
        self.turn();
        Ok(written)
    }

    fn shutdown(&mut self, socket: Handle) -> Result<(), Errno> {
        let flow = self.connection(socket)?.flow;
        self.net().finish(flow);
        self.turn();
        Ok(())
    }

    fn close(&mut self, socket: Handle) -> Result<(), Errno> {
        match core::mem::replace(self.socket_of(socket)?, Socket::Closed) {
            Socket::Listening(listener) => self.net().unlisten(listener),
            Socket::Connection(connection) => self.close_connection(connection),
            Socket::Fresh { .. } => {}
            Socket::Closed => return Err(Errno::Other),
        }
        self.turn();
        Ok(())
    }

    fn set(&mut self, socket: Handle, option: SocketOption) -> Result<(), Errno> {
        match (option, &self.net) {
            (SocketOption::NoDelay(on), Some(_)) => {
                let flow = self.connection(socket)?.flow;
                self.net().set_nagle(flow, !on);
            }
            (SocketOption::Abort, _) => self.connection(socket)?.abort = true,
            (SocketOption::NoDelay(on), None) => self.config.tcp.nagle = !on,
            (SocketOption::SendBuffer(size), None) => self.config.tcp.send_buffer = size,
            (SocketOption::ReceiveBuffer(size), None) => self.config.tcp.receive_buffer = size,
            (SocketOption::UserTimeout(millis), None) => {
                self.config.tcp.user_timeout = Duration::from_millis(millis.into());
            }
            // A host that runs has its buffers and its patience.
            _ => return Err(Errno::Other),
        }
        Ok(())
    }
}

fn ready<T>(answer: Poll<Result<T, Error>>) -> Result<T, Errno> {
    match answer {
        Poll::Ready(result) => result.map_err(errno),
        Poll::Pending => Err(Errno::Again),
    }
}

fn errno(error: Error) -> Errno {
    match error {
        Error::Refused => Errno::ConnectionRefused,
        Error::Reset => Errno::ConnectionReset,
        Error::TimedOut => Errno::TimedOut,
        Error::Unreachable => Errno::HostUnreachable,
        Error::Closed => Errno::BrokenPipe,
        Error::InUse => Errno::AddressInUse,
        Error::NoBuffer | Error::Denied | Error::TooLarge => Errno::Other,
    }
}
