//! The user of the connection, and what it must get.

use core::task::Poll;

use packet::{Chunk, Instant};
use tcp::{ConnectionId, State, Tcp};

use super::peer::{Peer, byte_at, origin};
use super::world::{PORT, US};

/// What is written: the byte at each place of the stream follows from the place.
static TEXT: [u8; 65_536 + 251] = {
    let mut text = [0; 65_536 + 251];
    let mut at = 0;
    while at < text.len() {
        text[at] = byte_at(at as u64);
        at += 1;
    }
    text
};

/// `len` bytes of the stream from `start` on.
fn text(start: u64, len: usize) -> &'static [u8] {
    // The stream repeats itself after 251 bytes.
    &TEXT[(start % 251) as usize..][..len]
}

pub(super) struct User {
    connection: Option<ConnectionId>,
    /// Our side's.
    pub(super) port: u16,
    origin: u64,
    released: bool,
    pub(super) is_connected: bool,
    /// Bytes that TCP took.
    pub(super) written: u64,
    /// The place of the peer's stream up to which it gave bytes.
    read: u64,
}

impl User {
    pub(super) fn new(number: usize) -> Self {
        Self {
            connection: None,
            port: PORT,
            origin: origin(number),
            released: false,
            is_connected: false,
            written: 0,
            read: 1,
        }
    }

    pub(super) fn connect(&mut self, tcp: &mut Tcp, now: Instant, peer: &Peer) {
        self.connection = tcp.connect(now, US, peer.address).ok();
        self.read = peer.start + 1;
    }

    pub(super) fn has_connection(&self) -> bool {
        self.connection.is_some()
    }

    /// Notices whether its connection lives: once it is over, its ports may be another's.
    pub(super) fn notice(&mut self, tcp: &mut Tcp) {
        let info = self.connection.and_then(|id| tcp.info(id));
        self.is_connected = info.is_some_and(|info| info.state != State::Closed);
        let local = self.connection.and_then(|id| tcp.local(id));
        self.port = local.map_or(self.port, |local| local.port());
    }

    pub(super) fn is_established(&self, tcp: &mut Tcp) -> bool {
        let info = self.connection.and_then(|id| tcp.info(id));
        info.is_some_and(|info| info.state == State::Established)
    }

    /// Takes a connection that was accepted.
    pub(super) fn take(&mut self, connection: ConnectionId, peer: &Peer) {
        self.connection = Some(connection);
        self.read = peer.start + 1;
    }

    pub(super) fn read(&mut self, tcp: &mut Tcp, peer: &Peer, count: u8) {
        let Some(connection) = self.connection else {
            return;
        };
        for _ in 0..=count % 8 {
            match tcp.read(connection) {
                Poll::Ready(Ok(Some(chunk))) => {
                    assert!(!chunk.is_empty(), "bytes without bytes");
                    let right = (self.read..).map(|place| byte_at(self.origin + place - 1));
                    assert!(
                        chunk
                            .iter()
                            .copied()
                            .zip(right)
                            .all(|(is, right)| is == right),
                        "other bytes than the peer sent"
                    );
                    self.read += chunk.len() as u64;
                    assert!(self.read <= peer.sent(), "more than the peer sent");
                }
                Poll::Ready(Ok(None)) => {
                    assert!(peer.has_finished, "an end that the peer did not send");
                    return;
                }
                _ => return,
            }
        }
    }

    pub(super) fn write(&mut self, tcp: &mut Tcp, len: u16) {
        let Some(connection) = self.connection else {
            return;
        };
        let text = text(self.origin + self.written, usize::from(len % 8192));
        if let Poll::Ready(Ok(count)) = tcp.write(connection, text) {
            assert!(count <= text.len());
            self.written += count as u64;
        }
    }

    pub(super) fn send(&mut self, tcp: &mut Tcp, len: u16) {
        let Some(connection) = self.connection else {
            return;
        };
        let text = text(self.origin + self.written, usize::from(len));
        let mut chunk = Some(Chunk::Static(text));
        if let Poll::Ready(Err(_)) = tcp.send(connection, &mut chunk) {
            return;
        }
        self.written += (text.len() - chunk.map_or(0, |rest| rest.len())) as u64;
    }

    pub(super) fn finish(&mut self, tcp: &mut Tcp, now: Instant) {
        if let Some(connection) = self.connection {
            tcp.finish(now, connection);
        }
    }

    /// The other calls.
    pub(super) fn call(&mut self, tcp: &mut Tcp, now: Instant, which: u8) {
        let Some(connection) = self.connection else {
            return;
        };
        match which % 16 {
            0 => tcp.abort(now, connection),
            1 => {
                tcp.release(now, connection);
                self.released = true;
            }
            2..=5 => tcp.set_nagle(connection, which & 1 == 0),
            6..=10 => {
                let _ = tcp.connected(connection);
            }
            _ => {
                let _ = tcp.drained(connection);
            }
        }
    }

    pub(super) fn release(&mut self, tcp: &mut Tcp, now: Instant) {
        if let Some(connection) = self.connection {
            tcp.release(now, connection);
            self.released = true;
        }
    }

    /// What a look at the connection must show.
    pub(super) fn look(&self, tcp: &mut Tcp) {
        let Some(info) = self.connection.and_then(|id| tcp.info(id)) else {
            assert!(
                self.connection.is_none() || self.released,
                "the connection of a user is gone"
            );
            return;
        };
        assert!(info.cwnd >= u32::from(info.mss), "{info:?}");
        // SYN and FIN count too.
        assert!(info.queued as u64 <= self.written + 1, "{info:?}");
        let at = info.positions;
        let in_order = [at.una, at.nxt, at.max, at.end].is_sorted();
        assert!(in_order && at.received <= at.edge, "{info:?}");
    }
}
