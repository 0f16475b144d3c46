//! Linux as a host: kernel sockets, reached over a tap in a network namespace of their own.
//!
//! Real time, so the tolerance has to be larger; otherwise scripts run as against our stack.

mod namespace;

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use link::{Burst, Link, Offload, Transmit};
use packet::Frame;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{self, AddressFamily, Shutdown, SocketFlags, SocketType, ipproto, sockopt};
use tap::Tap;

use crate::frame;
use crate::host::{Emitted, Handle, Host};
use crate::script::{Errno, SocketOption};
use crate::wire::PEER;

/// Where the protocol is in an IPv4 packet.
const PROTOCOL: usize = 9;
const TCP: u8 = 6;

/// The kernel of the namespace that this process is in.
pub struct Linux {
    tap: Tap,
    /// Frames read from the tap and not looked at yet.
    waiting: VecDeque<Vec<u8>>,
    start: Instant,
    /// A socket a handle; `None` once closed.
    sockets: Vec<Option<OwnedFd>>,
}

impl Linux {
    /// Sets the namespace up: the tap, its address, the settings that scripts rely on. It must be
    /// a fresh one in which this process is root, and none that anybody else uses.
    ///
    /// # Errors
    /// What the machine refused.
    pub fn new() -> Result<Self, String> {
        let tap = namespace::set_up()?;
        Ok(Self {
            tap,
            waiting: VecDeque::new(),
            start: Instant::now(),
            sockets: Vec::new(),
        })
    }

    fn socket_of(&self, handle: Handle) -> Result<&OwnedFd, Errno> {
        let socket = self.sockets.get(handle.0).and_then(Option::as_ref);
        socket.ok_or(Errno::Other)
    }

    fn keep(&mut self, socket: OwnedFd) -> Handle {
        self.sockets.push(Some(socket));
        Handle(self.sockets.len() - 1)
    }

    fn wait_readable(&self, timeout: Duration) {
        let timeout = Timespec::try_from(timeout).ok();
        // Interrupted or failed: the caller reads, finds nothing and looks at the clock.
        let _ = poll(
            &mut [PollFd::new(&self.tap, PollFlags::IN)],
            timeout.as_ref(),
        );
    }

    /// The next IPv4 packet with TCP in it, if one waits. Linux's own chatter is skipped.
    fn read_packet(&mut self) -> Option<Vec<u8>> {
        if self.waiting.is_empty() {
            let mut burst = Burst::new();
            // A tap that is gone sends nothing, which the script will find.
            let _ = self.tap.receive(packet::Instant::ZERO, &mut burst);
            let bytes = |frame: Frame| frame.parts().flat_map(|part| part.to_vec()).collect();
            self.waiting.extend(burst.drain().map(bytes));
        }
        while let Some(frame) = self.waiting.pop_front() {
            let packet = frame::ipv4_packet(&frame);
            if let Some(packet) = packet.filter(|packet| packet.get(PROTOCOL) == Some(&TCP)) {
                return Some(packet.to_vec());
            }
        }
        None
    }
}

impl Host for Linux {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn inject(&mut self, packet: &[u8]) {
        let frame = Transmit {
            head: &frame::ethernet(packet),
            payload: &[],
            offload: Offload::default(),
        };
        // A tap always has room; the kernel behind it drops what it cannot take.
        let _ = self.tap.transmit(packet::Instant::ZERO, frame);
    }

    fn receive(&mut self, until: Duration) -> Option<Emitted> {
        let left = until.saturating_sub(self.now());
        let mut packet = self.read_packet();
        if packet.is_none() {
            self.wait_readable(left);
            packet = self.read_packet();
        }
        let packet = packet?;
        let at = self.now();
        Some(Emitted { at, packet })
    }

    fn socket(&mut self) -> Result<Handle, Errno> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let stream = SocketType::STREAM;
        let tcp = Some(ipproto::TCP);
        let socket = net::socket_with(AddressFamily::INET, stream, flags, tcp).map_err(errno)?;
        Ok(self.keep(socket))
    }

    fn bind(&mut self, socket: Handle, port: u16) -> Result<(), Errno> {
        let address = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
        net::bind(self.socket_of(socket)?, &address).map_err(errno)
    }

    fn listen(&mut self, socket: Handle, backlog: usize) -> Result<(), Errno> {
        let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
        net::listen(self.socket_of(socket)?, backlog).map_err(errno)
    }

    fn accept(&mut self, socket: Handle) -> Result<(Handle, u16), Errno> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let listener = self.socket_of(socket)?;
        let (accepted, peer) = net::acceptfrom_with(listener, flags).map_err(errno)?;
        let peer = peer.and_then(|peer| SocketAddrV4::try_from(peer).ok());
        namespace::delay_acknowledgements(&accepted);
        Ok((self.keep(accepted), peer.map_or(0, |peer| peer.port())))
    }

    fn connect(&mut self, socket: Handle, port: u16) -> Result<(), Errno> {
        let address = SocketAddrV4::new(PEER, port);
        net::connect(self.socket_of(socket)?, &address).map_err(errno)
    }

    fn connected(&mut self, socket: Handle) -> Result<(), Errno> {
        let socket = self.socket_of(socket)?;
        let mut polled = [PollFd::new(socket, PollFlags::OUT)];
        let ready = poll(&mut polled, Some(&Timespec::default())).map_err(errno)?;
        if ready == 0 {
            return Err(Errno::Again);
        }
        sockopt::socket_error(socket)
            .map_err(errno)?
            .map_err(errno)?;
        namespace::delay_acknowledgements(socket);
        Ok(())
    }

    fn read(&mut self, socket: Handle, bytes: &mut [u8]) -> Result<usize, Errno> {
        rustix::io::read(self.socket_of(socket)?, bytes).map_err(errno)
    }

    fn write(&mut self, socket: Handle, bytes: &[u8]) -> Result<usize, Errno> {
        // As `write`, but a closed connection is an error and not a signal.
        net::send(self.socket_of(socket)?, bytes, net::SendFlags::NOSIGNAL).map_err(errno)
    }

    fn shutdown(&mut self, socket: Handle) -> Result<(), Errno> {
        net::shutdown(self.socket_of(socket)?, Shutdown::Write).map_err(errno)
    }

    fn close(&mut self, socket: Handle) -> Result<(), Errno> {
        let socket = self.sockets.get_mut(socket.0).and_then(Option::take);
        socket.map(drop).ok_or(Errno::Other)
    }

    fn set(&mut self, socket: Handle, option: SocketOption) -> Result<(), Errno> {
        let socket = self.socket_of(socket)?;
        match option {
            SocketOption::NoDelay(on) => sockopt::set_tcp_nodelay(socket, on),
            SocketOption::SendBuffer(size) => sockopt::set_socket_send_buffer_size(socket, size),
            SocketOption::ReceiveBuffer(size) => sockopt::set_socket_recv_buffer_size(socket, size),
            SocketOption::UserTimeout(millis) => sockopt::set_tcp_user_timeout(socket, millis),
            SocketOption::Abort => sockopt::set_socket_linger(socket, Some(Duration::ZERO)),
        }
        .map_err(errno)
    }
}

fn errno(errno: rustix::io::Errno) -> Errno {
    use rustix::io::Errno as Kernel;
    match errno {
        Kernel::AGAIN => Errno::Again,
        Kernel::INPROGRESS => Errno::InProgress,
        Kernel::CONNREFUSED => Errno::ConnectionRefused,
        Kernel::CONNRESET => Errno::ConnectionReset,
        Kernel::TIMEDOUT => Errno::TimedOut,
        Kernel::PIPE => Errno::BrokenPipe,
        Kernel::NOTCONN => Errno::NotConnected,
        Kernel::HOSTUNREACH => Errno::HostUnreachable,
        Kernel::ADDRINUSE => Errno::AddressInUse,
        _ => Errno::Other,
    }
}

/// Tells what an operation that failed was for.
fn context(what: &str) -> impl Fn(io::Error) -> String {
    move |error| format!("{what}: {error}")
}
