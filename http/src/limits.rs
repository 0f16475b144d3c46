//! How much a peer may ask of this side, and how long it may take.

use packet::Duration;

/// What one connection, and all of them together, may cost. Each number says what happens beyond it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a request line; beyond it 414.
    pub request_line: usize,
    /// Bytes of a head in all; beyond it 431.
    pub head: usize,
    /// Header lines of a head; beyond it 431.
    pub fields: usize,
    /// Bytes of a request body; beyond it 413.
    pub body: u64,
    /// Bytes of memory for heads that came in more than one piece, over all connections; beyond it
    /// 503. Heads that came in one piece need none.
    pub gathered: usize,
    /// Requests on one connection; the last is answered with `Connection: close`.
    pub requests: u32,
    /// How long a connection may rest between requests; then it is closed.
    pub idle: Duration,
    /// How long a head may take from its first byte; then 408.
    pub head_time: Duration,
    /// How long a head and its body may take; then 408.
    pub request_time: Duration,
    /// How long a peer may send no byte of a body it owes (then 408), or take none of ours (then the
    /// connection is dropped).
    pub stall: Duration,
    /// How long the peer of a closing connection may take to acknowledge what was sent to it.
    pub deliver: Duration,
    /// How long a closing connection listens for the rest of what its peer was sending.
    pub drain_time: Duration,
    /// Bytes of it that are thrown away before the connection is dropped.
    pub drain: u64,
}

impl Default for Limits {
    /// For a server that strangers can reach.
    fn default() -> Self {
        Self {
            request_line: 8 * 1024,
            head: 16 * 1024,
            fields: 100,
            body: 1024 * 1024,
            gathered: 4 * 1024 * 1024,
            requests: u32::MAX,
            idle: Duration::from_secs(60),
            head_time: Duration::from_secs(10),
            request_time: Duration::from_secs(600),
            stall: Duration::from_secs(30),
            deliver: Duration::from_secs(120),
            drain_time: Duration::from_secs(2),
            drain: 256 * 1024,
        }
    }
}
