//! A packet script as it is read: steps in time, each a segment or a call.

mod cursor;
mod parse;
mod segment;

use core::fmt;
use core::time::Duration;

pub use crate::script::segment::{Damage, Flags, Options, Segment, SegmentOption, Value, pattern};

/// A script, read and understood.
#[derive(Clone, Debug)]
pub struct Script {
    /// Where it was read from, for people.
    pub name: String,
    /// Its first line: a sentence and the section of the RFC that it is about.
    pub title: String,
    /// Why it is not true of Linux, if it is not.
    pub linux_differs: Option<String>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// What is wrong, as `file:line: …`.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        parse::script(name, text)
    }
}

/// One line of a script.
#[derive(Clone, Debug)]
pub struct Step {
    /// The line in the file, from 1.
    pub line: usize,
    /// When it happens.
    pub when: When,
    /// What happens.
    pub action: Action,
}

/// When a step happens: a point from which it may, and how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// Whether `from` counts from the step before rather than from the start.
    pub relative: bool,
    /// The point.
    pub from: Duration,
    /// What may lie between the point and the event.
    pub span: Span,
}

/// How a step's time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// `+.1`: at the point.
    Point,
    /// `+.1~+.3`: between the point and this one.
    Window(Duration),
    /// `*`: at any time.
    Any,
    /// `+0...0.2`: the call starts at the point and blocks until this one.
    Blocking(Duration),
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Action {
    /// `<`: a segment comes in.
    Inject(Segment),
    /// `>`: the host sends this segment.
    Expect(Segment),
    /// `< icmp unreachable …`: a router or the peer complains about a segment of ours.
    Complain(Unreachable),
    /// The application calls the host.
    Call(Call),
}

/// An ICMP destination-unreachable message that quotes a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// The code (RFC 792): 0 network, 1 host, 2 protocol, 3 port.
    pub code: u8,
    /// The quoted segment's sequence number, counted from our first.
    pub seq: u32,
}

/// A call and what it must return.
#[derive(Clone, Debug)]
pub struct Call {
    /// The call.
    pub what: What,
    /// Its result.
    pub result: Result<usize, Errno>,
    /// As it is written, for people.
    pub text: String,
}

/// A file descriptor, as a script numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Descriptor(pub u32);

/// The calls there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// `socket(..., SOCK_STREAM, IPPROTO_TCP) = 3`
    Socket,
    /// `bind(3, ..., ...) = 0`
    Bind(Descriptor),
    /// `listen(3, 5) = 0`
    Listen(Descriptor, usize),
    /// `accept(3, ..., ...) = 4`; with `#2` for the address, the connection must be that peer's.
    Accept(Descriptor, Option<u16>),
    /// `connect(3, ..., ...) = 0`; with `#2` for the address, to that peer.
    Connect(Descriptor, u16),
    /// `read(4, ..., 1000) = 500`
    Read(Descriptor, usize),
    /// `write(4, ..., 1000) = 1000`
    Write(Descriptor, usize),
    /// `shutdown(4, SHUT_WR) = 0`
    Shutdown(Descriptor),
    /// `close(4) = 0`
    Close(Descriptor),
    /// `fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0`
    Nonblocking(Descriptor),
    /// `setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0`
    Set(Descriptor, SocketOption),
}

/// What can be set on a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketOption {
    /// `TCP_NODELAY`: whether Nagle's algorithm is off.
    NoDelay(bool),
    /// `SO_SNDBUF`, in bytes.
    SendBuffer(usize),
    /// `SO_RCVBUF`, in bytes.
    ReceiveBuffer(usize),
    /// `TCP_USER_TIMEOUT`, in milliseconds: how long sent data may stay unacknowledged.
    UserTimeout(u32),
    /// `SO_LINGER {onoff=1, linger=0}`: closing resets.
    Abort,
}

/// The errors a call may end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errno {
    /// It would block.
    Again,
    /// Connecting goes on.
    InProgress,
    /// Nobody listens there.
    ConnectionRefused,
    /// The peer reset the connection.
    ConnectionReset,
    /// The peer does not answer.
    TimedOut,
    /// Sent after the end was sent, or after a reset.
    BrokenPipe,
    /// There is no connection.
    NotConnected,
    /// No way to that host.
    HostUnreachable,
    /// The port is taken.
    AddressInUse,
    /// Anything else.
    Other,
}

impl Errno {
    const NAMES: [(Self, &str); 10] = [
        (Self::Again, "EAGAIN"),
        (Self::InProgress, "EINPROGRESS"),
        (Self::ConnectionRefused, "ECONNREFUSED"),
        (Self::ConnectionReset, "ECONNRESET"),
        (Self::TimedOut, "ETIMEDOUT"),
        (Self::BrokenPipe, "EPIPE"),
        (Self::NotConnected, "ENOTCONN"),
        (Self::HostUnreachable, "EHOSTUNREACH"),
        (Self::AddressInUse, "EADDRINUSE"),
        (Self::Other, "another error"),
    ];

    /// The error that C calls `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(_, known)| *known == name);
        found.map(|(errno, _)| *errno)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::NAMES.iter().find(|(errno, _)| errno == self);
        f.write_str(found.map_or("", |(_, name)| name))
    }
}
