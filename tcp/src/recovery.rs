//! What was lost: duplicate acknowledgements, fast recovery and timeouts (RFC 5681, RFC 6582).
//!
//! SACK and RACK will answer the same question from better evidence; their places are here.

use crate::congestion::Reno;

/// Where the recovery of a connection stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recovery {
    phase: Phase,
    /// Duplicate acknowledgements since the last new one.
    duplicates: u8,
    /// The first unacknowledged segment is to be sent again.
    pub(crate) resend_first: bool,
    /// Everything up to here was sent before the last loss: the `recover` of RFC 6582.
    recover: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing is known to be lost.
    Open,
    /// Fast recovery, until `recover` is acknowledged.
    Fast,
    /// After a timeout, until `recover` is acknowledged.
    Timeout,
}

/// RFC 5681, 3.2: so many duplicates mean a loss.
const THRESHOLD: u8 = 3;

impl Recovery {
    /// `iss` is the first offset: nothing was sent before it.
    pub(crate) const fn new(iss: u64) -> Self {
        Self {
            phase: Phase::Open,
            duplicates: 0,
            resend_first: false,
            recover: iss,
        }
    }

    /// Whether duplicates have told of a loss that is not made good yet.
    pub(crate) const fn is_fast(&self) -> bool {
        matches!(self.phase, Phase::Fast)
    }

    /// An acknowledgement of nothing new while `una..max` is in flight (RFC 6582, 3.2, steps 1-3).
    #[inline(never)]
    pub(crate) fn on_duplicate(&mut self, una: u64, max: u64, congestion: &mut Reno, mss: u16) {
        self.duplicates = self.duplicates.saturating_add(1);
        match self.phase {
            // Each duplicate says that a segment has left the path.
            Phase::Fast => congestion.inflate(mss),
            // Below `recover`, duplicates may come from our own retransmissions (step 2).
            Phase::Open if self.duplicates == THRESHOLD && una > self.recover => {
                // Not counting what the first two duplicates let go (step 2).
                let in_flight = u32::try_from(max - una).unwrap_or(u32::MAX);
                congestion.halve(in_flight.min(congestion.cwnd), mss);
                congestion.cwnd = congestion.ssthresh + u32::from(THRESHOLD) * u32::from(mss);
                (self.phase, self.recover, self.resend_first) = (Phase::Fast, max, true);
            }
            _ => {}
        }
    }

    /// `una` moved forward by `acked` bytes; `was_used` says whether the congestion window was used
    /// when they were sent.
    pub(crate) fn on_ack(
        &mut self,
        una: u64,
        acked: u32,
        was_used: bool,
        congestion: &mut Reno,
        mss: u16,
    ) {
        self.duplicates = 0;
        self.resend_first = false;
        match self.phase {
            Phase::Open => congestion.on_ack(acked, was_used, mss),
            Phase::Fast if una >= self.recover => {
                // Full acknowledgement (step 3, second option, as Linux does; the first one starts
                // again from what little is in flight then, and costs a tenth of the goodput).
                congestion.cwnd = congestion.ssthresh;
                self.phase = Phase::Open;
            }
            Phase::Fast => {
                // Partial: the next hole is lost too; deflate by what has left (step 5).
                self.resend_first = true;
                let smss = u32::from(mss);
                let back = if acked >= smss { smss } else { 0 };
                congestion.cwnd = congestion.cwnd.saturating_sub(acked).max(smss) + back;
            }
            Phase::Timeout => {
                if una >= self.recover {
                    self.phase = Phase::Open;
                }
                congestion.on_ack(acked, true, mss);
            }
        }
    }

    /// The retransmission timer expired with `una..max` in flight; `again` if it is not the first
    /// time for this data (RFC 5681, 3.1: then `ssthresh` stays).
    pub(crate) fn on_timeout(
        &mut self,
        una: u64,
        max: u64,
        again: bool,
        congestion: &mut Reno,
        mss: u16,
    ) {
        if !again {
            congestion.halve(u32::try_from(max - una).unwrap_or(u32::MAX), mss);
        }
        congestion.restart(mss);
        *self = Self {
            phase: Phase::Timeout,
            duplicates: 0,
            resend_first: false,
            recover: max,
        };
    }

    /// Bytes beyond the congestion window that the first two duplicates allow (RFC 3042).
    pub(crate) fn limited_transmit(&self, mss: u16) -> u32 {
        match self.phase {
            Phase::Open => u32::from(self.duplicates.min(THRESHOLD - 1)) * u32::from(mss),
            Phase::Fast | Phase::Timeout => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seq::ORIGIN;

    const MSS: u16 = 1000;

    /// Ten segments in flight from `una` on, the window full.
    fn ten_in_flight() -> (Recovery, Reno, u64, u64) {
        let una = ORIGIN + 1;
        (Recovery::new(ORIGIN), Reno::new(MSS), una, una + 10_000)
    }

    #[test]
    fn the_third_duplicate_halves_and_resends() {
        let (mut recovery, mut reno, una, max) = ten_in_flight();
        for duplicate in 1..=2 {
            recovery.on_duplicate(una, max, &mut reno, MSS);
            assert!(!recovery.resend_first);
            assert_eq!(recovery.limited_transmit(MSS), duplicate * 1000);
        }
        recovery.on_duplicate(una, max, &mut reno, MSS);
        assert!(recovery.resend_first);
        assert_eq!((reno.ssthresh, reno.cwnd), (5000, 8000));
        recovery.on_duplicate(una, max, &mut reno, MSS);
        assert_eq!(reno.cwnd, 9000, "each further one lets one more out");
        assert_eq!(recovery.limited_transmit(MSS), 0);
    }

    #[test]
    fn the_path_holds_half_of_what_is_in_flight() {
        let (mut recovery, mut reno, una, _) = ten_in_flight();
        for _ in 0..3 {
            recovery.on_duplicate(una, una + 6000, &mut reno, MSS);
        }
        assert_eq!(reno.ssthresh, 3000);
    }

    /// RFC 6582, 3.2, step 2: those below `recover` may be our own doing. The first two let a
    /// segment out each all the same (RFC 3042).
    #[test]
    fn duplicates_at_the_end_of_a_recovery_start_no_other() {
        let (mut recovery, mut reno, una, max) = ten_in_flight();
        for _ in 0..3 {
            recovery.on_duplicate(una, max, &mut reno, MSS);
        }
        recovery.on_ack(max, 10_000, true, &mut reno, MSS);
        for _ in 0..5 {
            recovery.on_duplicate(max, max + 5000, &mut reno, MSS);
        }
        assert!(!recovery.resend_first);
        assert_eq!(recovery.limited_transmit(MSS), 2000);
    }

    #[test]
    fn what_a_timeout_found_lost_is_over_once_it_is_all_acknowledged() {
        for (acked, is_over) in [(9999, false), (10_000, true)] {
            let (mut recovery, mut reno, una, max) = ten_in_flight();
            recovery.on_timeout(una, max, false, &mut reno, MSS);
            recovery.on_ack(una + acked, acked as u32, true, &mut reno, MSS);
            for _ in 0..3 {
                recovery.on_duplicate(max + 1, max + 5000, &mut reno, MSS);
            }
            assert_eq!(recovery.resend_first, is_over);
        }
    }

    #[test]
    fn a_partial_acknowledgement_resends_the_next_hole_and_a_full_one_ends_it() {
        let (mut recovery, mut reno, una, max) = ten_in_flight();
        for _ in 0..3 {
            recovery.on_duplicate(una, max, &mut reno, MSS);
        }
        recovery.resend_first = false;
        recovery.on_ack(una + 4000, 4000, true, &mut reno, MSS);
        assert!(recovery.resend_first);
        assert_eq!(reno.cwnd, 8000 - 4000 + 1000);
        recovery.on_ack(max, 6000, true, &mut reno, MSS);
        assert!(!recovery.resend_first);
        assert_eq!((reno.ssthresh, reno.cwnd), (5000, 5000));
    }

    #[test]
    fn a_peer_that_repeats_itself_for_ever_overflows_nothing() {
        let (mut recovery, mut reno, una, max) = ten_in_flight();
        for _ in 0..3 {
            recovery.on_duplicate(una, max, &mut reno, MSS);
        }
        reno.cwnd = u32::MAX / 4;
        recovery.on_duplicate(una, max, &mut reno, MSS);
        let bound = reno.cwnd;
        recovery.on_duplicate(una, max, &mut reno, MSS);
        assert_eq!(reno.cwnd, bound);
    }

    #[test]
    fn duplicates_of_what_a_timeout_resent_start_no_recovery() {
        let (mut recovery, mut reno, una, max) = ten_in_flight();
        recovery.on_timeout(una, max, false, &mut reno, MSS);
        assert_eq!((reno.cwnd, reno.ssthresh), (1000, 5000));
        for _ in 0..5 {
            recovery.on_duplicate(una + 2000, max, &mut reno, MSS);
        }
        assert!(!recovery.resend_first);
        recovery.on_timeout(una, max, true, &mut reno, MSS);
        assert_eq!(reno.ssthresh, 5000, "a second timeout says nothing new");
    }
}
