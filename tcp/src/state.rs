//! The connection states of RFC 9293, figure 5, and nothing else.

/// A state of RFC 9293, 3.3.2. LISTEN is a listener and a passive SYN-RECEIVED an entry of its
/// queue; TIME-WAIT is an entry of another table: neither has a control block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A SYN was sent.
    SynSent,
    /// SYNs crossed (simultaneous open): both were sent, ours is not acknowledged yet.
    SynReceived,
    /// Data flows both ways.
    Established,
    /// We have finished; the peer has neither acknowledged that nor finished.
    FinWait1,
    /// We have finished and the peer knows; it may still send.
    FinWait2,
    /// The peer has finished; we may still send.
    CloseWait,
    /// Both have finished at the same time; ours is not acknowledged yet.
    Closing,
    /// The peer has finished, then we; ours is not acknowledged yet.
    LastAck,
    /// Both have finished and both know.
    TimeWait,
    /// There is no connection (any more).
    Closed,
}

/// What moves a connection. Within one segment, the acknowledgement comes before the FIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The peer's SYN came, without an acknowledgement of ours.
    GotSyn,
    /// Both SYNs are known to both.
    Synchronised,
    /// The user has finished; a FIN stands behind the queued data.
    QueuedFin,
    /// The peer has acknowledged our FIN.
    AckedFin,
    /// The peer's FIN came, and everything before it.
    GotFin,
}

impl State {
    /// The whole of figure 5. An event that has no edge leaves the state as it is.
    #[must_use]
    pub(crate) const fn next(self, event: Event) -> Self {
        use Event::{AckedFin, GotFin, GotSyn, QueuedFin, Synchronised};
        match (self, event) {
            (Self::SynSent, GotSyn) => Self::SynReceived,
            (Self::SynSent | Self::SynReceived, Synchronised) => Self::Established,
            (Self::SynReceived | Self::Established, QueuedFin) => Self::FinWait1,
            (Self::SynReceived | Self::Established, GotFin) => Self::CloseWait,
            (Self::FinWait1, AckedFin) => Self::FinWait2,
            (Self::FinWait1, GotFin) => Self::Closing,
            (Self::CloseWait, QueuedFin) => Self::LastAck,
            (Self::FinWait2, GotFin) | (Self::Closing, AckedFin) => Self::TimeWait,
            (Self::LastAck, AckedFin) => Self::Closed,
            (state, _) => state,
        }
    }

    /// Its name in RFC 9293.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SynSent => "SYN-SENT",
            Self::SynReceived => "SYN-RECEIVED",
            Self::Established => "ESTABLISHED",
            Self::FinWait1 => "FIN-WAIT-1",
            Self::FinWait2 => "FIN-WAIT-2",
            Self::CloseWait => "CLOSE-WAIT",
            Self::Closing => "CLOSING",
            Self::LastAck => "LAST-ACK",
            Self::TimeWait => "TIME-WAIT",
            Self::Closed => "CLOSED",
        }
    }

    /// Whether the peer may still send data.
    #[must_use]
    pub const fn can_receive(self) -> bool {
        matches!(
            self,
            Self::SynReceived | Self::Established | Self::FinWait1 | Self::FinWait2
        )
    }

    /// Whether the user may still queue data.
    #[must_use]
    pub const fn can_send(self) -> bool {
        matches!(
            self,
            Self::SynSent | Self::SynReceived | Self::Established | Self::CloseWait
        )
    }

    /// Whether the peer's SYN is still missing, or ours is not known to be heard.
    #[must_use]
    pub const fn is_opening(self) -> bool {
        matches!(self, Self::SynSent | Self::SynReceived)
    }
}

#[cfg(test)]
mod tests {
    use super::Event::{AckedFin, GotFin, GotSyn, QueuedFin, Synchronised};
    use super::State::{self, *};

    #[test]
    fn every_way_through_figure_5() {
        let ways: [(State, &[super::Event], State); 6] = [
            (
                SynSent,
                &[Synchronised, GotFin, QueuedFin, AckedFin],
                Closed,
            ),
            (SynSent, &[GotSyn, Synchronised], Established),
            (Established, &[QueuedFin, AckedFin, GotFin], TimeWait),
            (Established, &[QueuedFin, GotFin, AckedFin], TimeWait),
            (SynReceived, &[QueuedFin, AckedFin], FinWait2),
            (
                TimeWait,
                &[GotFin, AckedFin, QueuedFin, Synchronised, GotSyn],
                TimeWait,
            ),
        ];
        for (from, events, to) in ways {
            assert_eq!(
                events.iter().fold(from, |state, event| state.next(*event)),
                to,
                "{from:?}"
            );
        }
    }
}
