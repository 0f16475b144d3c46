//! Counters, and a look at one connection.

use packet::Duration;

use crate::State;

/// Why a segment was thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// Lengths or header fields that cannot be.
    Malformed,
    /// The checksum is wrong.
    Checksum,
    /// No connection and no listener; answered with a reset unless it was one.
    NoConnection,
    /// It was a reset, and ended what it came for.
    Reset,
    /// Flags that make no sense where they came (SYN with FIN, no ACK).
    Flags,
    /// Outside of the receive window.
    OutsideWindow,
    /// An older timestamp than one seen before, or none where there must be one (RFC 7323, 5).
    OldTimestamp,
    /// Acknowledges what was never sent, or too long ago (RFC 5961, 5).
    BadAck,
    /// A reset or SYN in the window that was answered with a challenge (RFC 5961, 3 and 4).
    Challenged,
    /// Data for a connection that nobody reads any more; answered with a reset.
    NobodyReads,
    /// No memory to keep its text: the peer will send it again.
    NoMemory,
    /// Too many handshakes under way.
    HalfOpenFull,
    /// Too many connections that nobody has accepted, or connections at all.
    BacklogFull,
    /// Came for a connection in TIME-WAIT (RFC 9293, 3.10.7.4; RFC 1337).
    TimeWait,
}

impl Drop {
    /// How many reasons there are.
    pub const COUNT: usize = Self::TimeWait as usize + 1;

    /// Every reason, in the order in which they are counted.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Malformed,
        Self::Checksum,
        Self::NoConnection,
        Self::Reset,
        Self::Flags,
        Self::OutsideWindow,
        Self::OldTimestamp,
        Self::BadAck,
        Self::Challenged,
        Self::NobodyReads,
        Self::NoMemory,
        Self::HalfOpenFull,
        Self::BacklogFull,
        Self::TimeWait,
    ];

    /// Its name among counters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Checksum => "checksum",
            Self::NoConnection => "no_connection",
            Self::Reset => "reset",
            Self::Flags => "flags",
            Self::OutsideWindow => "outside_window",
            Self::OldTimestamp => "old_timestamp",
            Self::BadAck => "bad_ack",
            Self::Challenged => "challenged",
            Self::NobodyReads => "nobody_reads",
            Self::NoMemory => "no_memory",
            Self::HalfOpenFull => "half_open_full",
            Self::BacklogFull => "backlog_full",
            Self::TimeWait => "time_wait",
        }
    }
}

/// What one host's TCP has done so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Segments received, good or bad; a super-frame counts as its segments.
    pub segments_received: u64,
    /// Segments sent; a super-frame counts as its segments.
    pub segments_sent: u64,
    /// Segments sent again.
    pub segments_resent: u64,
    /// Resets sent.
    pub resets_sent: u64,
    /// Replies that did not fit the outbox or their rate limit.
    pub replies_dropped: u64,
    /// Connections that others opened.
    pub accepted: u64,
    /// Connections that we opened.
    pub connected: u64,
    /// Connections that ended with an error.
    pub failed: u64,
    /// Retransmission timeouts.
    pub timeouts: u64,
    /// Segments received with URG, which is ignored (RFC 6093).
    pub urgent: u64,
    /// TIME-WAIT entries that had to go early.
    pub time_wait_evicted: u64,
    /// Segments thrown away, by [`Drop`].
    pub drops: [u64; Drop::COUNT],
}

impl Stats {
    /// How many segments were thrown away for `reason`.
    #[must_use]
    pub const fn dropped(&self, reason: Drop) -> u64 {
        self.drops[reason as usize]
    }
}

/// A look at one connection (RFC 9293, 3.9.1.6: STATUS).
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// Where it stands.
    pub state: State,
    /// The smoothed round-trip time, once there was a sample.
    pub srtt: Option<Duration>,
    /// How much it varies.
    pub rttvar: Duration,
    /// The retransmission timeout of what is sent now.
    pub rto: Duration,
    /// The congestion window, bytes.
    pub cwnd: u32,
    /// Where slow start ends, bytes.
    pub ssthresh: u32,
    /// Sent and not acknowledged, bytes.
    pub in_flight: u32,
    /// Segments sent again.
    pub resent: u32,
    /// The window of the peer, bytes.
    pub snd_wnd: u32,
    /// The window that we offered, bytes.
    pub rcv_wnd: u32,
    /// The most text in a segment to the peer.
    pub mss: u16,
    /// Queued and not acknowledged, bytes.
    pub queued: usize,
    /// Received and not read, bytes.
    pub unread: usize,
    /// Where it stands in its two streams.
    pub positions: Positions,
}

/// Positions in the streams of a connection, both counted alike at both ends: one more for each SYN,
/// byte and FIN, from the same start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    /// The oldest that is not acknowledged: SND.UNA.
    pub una: u64,
    /// The next to be sent: SND.NXT. After a timeout it goes back.
    pub nxt: u64,
    /// Behind the last that was ever sent.
    pub max: u64,
    /// Behind all that is queued, a FIN included.
    pub end: u64,
    /// The next expected from the peer: RCV.NXT.
    pub received: u64,
    /// The right edge of the window offered to the peer.
    pub edge: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_stand_in_the_order_in_which_they_are_counted() {
        for (index, reason) in Drop::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index, "{}", reason.name());
        }
    }
}
