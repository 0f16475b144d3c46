//! What a script runs against: a TCP, the calls of its applications, and its wire.

use core::time::Duration;

use crate::script::{Errno, SocketOption};

/// A TCP with sockets. Times count from the start of the script.
///
/// No call blocks: where a socket would, it says [`Errno::Again`] and is asked again later.
pub trait Host {
    /// The time.
    fn now(&self) -> Duration;

    /// A packet comes in.
    fn inject(&mut self, packet: &[u8]);

    /// Waits for the next packet that the host sends, `until` at most. Comes back early with
    /// nothing where a call that would block may go on.
    fn receive(&mut self, until: Duration) -> Option<Emitted>;

    /// Makes a socket.
    fn socket(&mut self) -> Result<Handle, Errno>;

    /// Binds it to a port.
    fn bind(&mut self, socket: Handle, port: u16) -> Result<(), Errno>;

    /// Makes it listen; this many connections may wait to be accepted.
    fn listen(&mut self, socket: Handle, backlog: usize) -> Result<(), Errno>;

    /// Takes the next connection and tells the peer's port.
    fn accept(&mut self, socket: Handle) -> Result<(Handle, u16), Errno>;

    /// Starts to connect to a port of the peer.
    fn connect(&mut self, socket: Handle, port: u16) -> Result<(), Errno>;

    /// How connecting went.
    fn connected(&mut self, socket: Handle) -> Result<(), Errno>;

    /// Reads; 0 at the end.
    fn read(&mut self, socket: Handle, bytes: &mut [u8]) -> Result<usize, Errno>;

    /// Writes some bytes, at least one.
    fn write(&mut self, socket: Handle, bytes: &[u8]) -> Result<usize, Errno>;

    /// Says that nothing more will be written.
    fn shutdown(&mut self, socket: Handle) -> Result<(), Errno>;

    /// Gives the socket back.
    fn close(&mut self, socket: Handle) -> Result<(), Errno>;

    /// Sets an option.
    fn set(&mut self, socket: Handle, option: SocketOption) -> Result<(), Errno>;
}

/// A socket of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handle(pub usize);

/// An IPv4 packet that the host sent.
#[derive(Clone, Debug)]
pub struct Emitted {
    /// When.
    pub at: Duration,
    /// The packet.
    pub packet: Vec<u8>,
}
