//! Slow start and congestion avoidance, in bytes (RFC 5681, 3.1).

/// The congestion window of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reno {
    /// Bytes that may be in flight.
    pub(crate) cwnd: u32,
    /// Below this, `cwnd` grows by slow start.
    pub(crate) ssthresh: u32,
    /// Bytes acknowledged towards the next step of congestion avoidance.
    acked: u32,
}

/// More than any path holds: keeps the arithmetic from overflowing.
const CWND_MAX: u32 = 1 << 30;

impl Reno {
    /// The window of a path of which nothing is known.
    pub(crate) fn new(mss: u16) -> Self {
        Self {
            cwnd: initial_window(mss),
            ssthresh: CWND_MAX,
            acked: 0,
        }
    }

    /// Nothing was sent for long: no more than the initial window at once (RFC 5681, 4.1).
    pub(crate) fn restart_after_idle(&mut self, mss: u16) {
        self.cwnd = self.cwnd.min(initial_window(mss));
    }

    /// Whether this much in flight uses the window: within one segment of it is as full as whole
    /// segments make it; in slow start, half of it (so that a window that just doubled counts).
    pub(crate) fn is_used_by(&self, in_flight: u32, mss: u16) -> bool {
        in_flight.saturating_add(u32::from(mss)) > self.cwnd
            || (self.cwnd < self.ssthresh && in_flight > self.cwnd / 2)
    }

    /// New data was acknowledged outside of a recovery. The window grows only if it was used when
    /// that data was sent (RFC 7661, 4.1).
    pub(crate) fn on_ack(&mut self, mut acked: u32, was_used: bool, mss: u16) {
        let mss = u32::from(mss);
        if !was_used {
            return;
        }
        // Slow start. One acknowledgement may stand for a whole super-frame, so bytes are counted
        // (RFC 3465) and not acknowledgements; what goes beyond `ssthresh` counts for congestion
        // avoidance.
        let step = acked.min(self.ssthresh.saturating_sub(self.cwnd));
        self.cwnd += step;
        acked -= step;
        if self.cwnd < self.ssthresh {
            return;
        }
        self.acked += acked.min(self.cwnd);
        if self.acked >= self.cwnd {
            self.acked -= self.cwnd;
            self.cwnd = (self.cwnd + mss).min(CWND_MAX);
        }
    }

    /// A duplicate acknowledgement in fast recovery: a segment has left the path (RFC 5681, 3.2,
    /// step 4). Bounded, since a peer may send as many of them as it likes.
    pub(crate) fn inflate(&mut self, mss: u16) {
        self.cwnd = (self.cwnd + u32::from(mss)).min(CWND_MAX);
    }

    /// A loss: the path holds half of what was in flight (equation 4).
    pub(crate) fn halve(&mut self, in_flight: u32, mss: u16) {
        self.ssthresh = (in_flight / 2).max(2 * u32::from(mss));
        self.acked = 0;
    }

    /// A timeout: start again from one segment (3.1).
    pub(crate) fn restart(&mut self, mss: u16) {
        self.cwnd = u32::from(mss);
        self.acked = 0;
    }
}

/// RFC 6928, 2: ten segments, but no more than 14,600 bytes unless segments are larger.
fn initial_window(mss: u16) -> u32 {
    let mss = u32::from(mss);
    (10 * mss).min((2 * mss).max(14_600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initial_windows_of_rfc_6928() {
        assert_eq!(Reno::new(1460).cwnd, 14_600);
        assert_eq!(Reno::new(536).cwnd, 5360);
        assert_eq!(Reno::new(9000).cwnd, 18_000);
    }

    #[test]
    fn doubles_each_round_then_adds_a_segment() {
        let mut reno = Reno::new(1000);
        for _ in 0..10 {
            reno.on_ack(1000, true, 1000);
        }
        assert_eq!(reno.cwnd, 20_000);
        reno.halve(20_000, 1000);
        reno.cwnd = reno.ssthresh;
        for _ in 0..10 {
            assert_eq!(reno.cwnd, 10_000);
            reno.on_ack(1000, true, 1000);
        }
        assert_eq!(reno.cwnd, 11_000);
    }

    #[test]
    fn what_is_acknowledged_counts_to_the_byte() {
        let mut reno = Reno::new(1000);
        reno.halve(20_000, 1000);
        reno.cwnd = 9500;
        // 500 for slow start, and the rest for what follows.
        reno.on_ack(1000, true, 1000);
        assert_eq!(reno.cwnd, 10_000);
        for (acked, cwnd) in [
            (9499, 10_000),
            (1, 11_000),
            (10_999, 11_000),
            (1, 12_000),
            (11_999, 12_000),
            // A step at most, and 11,000 for the next one.
            (11_001, 13_000),
            (1999, 13_000),
            (1, 14_000),
        ] {
            reno.on_ack(acked, true, 1000);
            assert_eq!(reno.cwnd, cwnd, "{acked}");
        }
    }

    #[test]
    fn the_threshold_is_two_segments_at_least() {
        let mut reno = Reno::new(1000);
        for (in_flight, ssthresh) in [(0, 2000), (4001, 2000), (4002, 2001)] {
            reno.halve(in_flight, 1000);
            assert_eq!(reno.ssthresh, ssthresh);
        }
    }

    #[test]
    fn a_window_is_used_within_a_segment_of_it_or_by_half_of_it_in_slow_start() {
        let mut reno = Reno::new(1000);
        for (ssthresh, in_flight, is_used) in [
            (10_000, 5001, false),
            (10_000, 9000, false),
            (10_000, 9001, true),
            (10_001, 5000, false),
            (10_001, 5001, true),
            (10_001, u32::MAX, true),
        ] {
            reno.ssthresh = ssthresh;
            assert_eq!(reno.is_used_by(in_flight, 1000), is_used, "{in_flight}");
        }
    }

    #[test]
    fn an_unused_window_does_not_grow() {
        let mut reno = Reno::new(1000);
        assert!(!reno.is_used_by(1000, 1000));
        reno.on_ack(1000, false, 1000);
        assert_eq!(reno.cwnd, 10_000);
    }
}
