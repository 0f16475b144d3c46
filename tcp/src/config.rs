//! What a host may be told about its TCP.

use packet::Duration;

/// Limits and durations. Each table and queue has its limit here, with what happens when it is full.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The largest IP packet of the link, from which our MSS follows.
    pub mtu: u16,
    /// Control blocks. Full: a connection attempt from outside is not completed (its SYN-ACK is
    /// repeated until there is room or it expires), one from inside fails with `NoBuffer`.
    pub connections: usize,
    /// Listeners. Full: `listen` fails with `NoBuffer`.
    pub listeners: usize,
    /// Connections that nobody has accepted yet, for each listener. Full: a SYN is dropped, and so
    /// is the last ACK of a handshake under way; the peer tries again.
    pub backlog: usize,
    /// Handshakes under way, all listeners together. Full: a SYN is dropped.
    pub half_open: usize,
    /// TIME-WAIT entries. Full: the oldest goes early.
    pub time_wait: usize,
    /// Bytes queued for sending, for each connection. Full: the writer waits.
    pub send_buffer: usize,
    /// Bytes received and not read yet, for each connection: the window that is offered.
    pub receive_buffer: usize,
    /// Whether small segments wait for the acknowledgement of earlier small ones (RFC 9293, 3.7.4;
    /// in the form of Minshall), unless a connection is told otherwise.
    pub nagle: bool,
    /// How long an unacknowledged connection lives (RFC 9293, 3.9.1.1: five minutes).
    pub user_timeout: Duration,
    /// How long an attempt to connect lives (RFC 9293, 3.8.3 [MUST-23]: three minutes at least).
    pub connect_timeout: Duration,
    /// How long a connection without an owner lives without progress.
    pub orphan_timeout: Duration,
    /// Resets for stray segments, in a second.
    pub resets_per_second: u32,
}

impl Config {
    /// The shift of the windows that we offer: enough for buffers of 4 MiB.
    pub(crate) const WINDOW_SCALE: u8 = 7;

    /// The largest segment that we take (RFC 9293, 3.7.1: the MTU less both fixed headers).
    #[must_use]
    pub const fn mss(&self) -> u16 {
        self.mtu.saturating_sub(40)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mtu: 1500,
            connections: 131_072,
            listeners: 64,
            backlog: 1024,
            half_open: 4096,
            time_wait: 65_536,
            send_buffer: 1024 * 1024,
            receive_buffer: 512 * 1024,
            nagle: true,
            user_timeout: Duration::from_secs(300),
            connect_timeout: Duration::from_secs(180),
            orphan_timeout: Duration::from_secs(60),
            resets_per_second: 1000,
        }
    }
}
