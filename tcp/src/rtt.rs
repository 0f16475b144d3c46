//! Round-trip times and the retransmission timeout (RFC 6298).

use packet::{Duration, Instant};

/// The bounds of the timeout, in nanoseconds as all times here. RFC 6298, 2.4 asks for at least a second; every system in use takes
/// 200 ms, and the delayed acknowledgements of peers stay below that.
const RTO_MIN: u64 = 200_000_000;
const RTO_MAX: u64 = 60_000_000_000;
/// RFC 6298, 2.1.
const RTO_INITIAL: u64 = 1_000_000_000;
/// RFC 6298, 5.7: after a lost SYN, data starts with three seconds.
const RTO_AFTER_LOST_SYN: u64 = 3_000_000_000;

/// Estimates the round-trip time of a connection, in nanoseconds (4.2 s fit).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Estimator {
    srtt: Option<core::num::NonZeroU32>,
    rttvar: u32,
    /// How often the timeout was doubled since the last sample.
    backoff: u8,
    lost_syn: bool,
}

impl Estimator {
    /// Takes one sample (2.2, 2.3); never one from a retransmitted segment (Karn, section 3).
    pub(crate) fn sample(&mut self, rtt: Duration) {
        let rtt = u32::try_from(rtt.as_nanos()).unwrap_or(u32::MAX);
        let srtt = match self.srtt {
            None => {
                self.rttvar = rtt / 2;
                rtt
            }
            Some(srtt) => {
                let srtt = srtt.get();
                self.rttvar = self.rttvar / 4 * 3 + srtt.abs_diff(rtt) / 4;
                srtt / 8 * 7 + rtt / 8
            }
        };
        self.srtt = core::num::NonZeroU32::new(srtt.max(1));
        self.reset_backoff();
        self.lost_syn = false;
    }

    /// The timeout of what is sent now.
    pub(crate) fn rto(&self) -> Duration {
        Duration::from_nanos(self.nanos())
    }

    /// When what is sent at `sent` times out. It happens for every segment, so it is done without
    /// the divisions that make a [`Duration`].
    pub(crate) fn expiry(&self, sent: Instant) -> Instant {
        Instant::from_nanos(sent.as_nanos().saturating_add(self.nanos()))
    }

    fn nanos(&self) -> u64 {
        let base = match self.srtt {
            None if self.lost_syn => RTO_AFTER_LOST_SYN,
            None => RTO_INITIAL,
            Some(srtt) => u64::from(srtt.get()) + u64::from(self.rttvar) * 4,
        };
        (base.max(RTO_MIN) << self.backoff).min(RTO_MAX)
    }

    /// A timeout was too short: double it (5.5).
    pub(crate) fn back_off(&mut self) {
        // 200 ms << 9 is beyond the upper bound already.
        self.backoff = (self.backoff + 1).min(9);
    }

    /// Whether the timeout is doubled now.
    pub(crate) fn is_backed_off(&self) -> bool {
        self.backoff > 0
    }

    /// New data was acknowledged or a window opened: the doubling ends.
    pub(crate) fn reset_backoff(&mut self) {
        self.backoff = 0;
    }

    /// The handshake is over; `lost_syn` says that the SYN had to be repeated.
    pub(crate) fn handshake_over(&mut self, lost_syn: bool) {
        self.lost_syn = lost_syn && self.srtt.is_none();
        self.reset_backoff();
    }

    pub(crate) fn srtt(&self) -> Option<Duration> {
        self.srtt
            .map(|srtt| Duration::from_nanos(u64::from(srtt.get())))
    }

    pub(crate) fn rttvar(&self) -> Duration {
        Duration::from_nanos(u64::from(self.rttvar))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn follows_rfc_6298() {
        let mut rtt = Estimator::default();
        assert_eq!(rtt.rto(), ms(1000));
        rtt.sample(ms(400));
        assert_eq!(rtt.rto(), ms(400 + 4 * 200));
        rtt.sample(ms(400));
        assert_eq!(rtt.rto(), ms(400 + 4 * 150));
        rtt.back_off();
        assert_eq!(rtt.rto(), ms(2000));
        rtt.sample(ms(800));
        // Both differ by 400 ms: 150 * 3/4 + 400 / 4, and 400 * 7/8 + 800 / 8.
        assert_eq!(rtt.srtt(), Some(ms(450)));
        assert_eq!(rtt.rttvar(), Duration::from_micros(212_500));
        for _ in 0..100 {
            rtt.back_off();
        }
        assert_eq!(rtt.rto(), ms(60_000));
        rtt.sample(ms(1));
        assert!(rtt.rto() < ms(60_000));
    }

    #[test]
    fn never_below_200_ms() {
        let mut rtt = Estimator::default();
        for _ in 0..50 {
            rtt.sample(Duration::from_micros(50));
        }
        assert_eq!(rtt.rto(), ms(200));
    }

    #[test]
    fn a_lost_syn_makes_the_first_timeout_three_seconds() {
        let mut rtt = Estimator::default();
        rtt.back_off();
        assert!(rtt.is_backed_off());
        rtt.handshake_over(true);
        assert!(!rtt.is_backed_off());
        assert_eq!(rtt.rto(), ms(3000));
        // It was another that was lost, or none.
        rtt.handshake_over(false);
        assert_eq!(rtt.rto(), ms(1000));
        rtt.sample(ms(100));
        rtt.handshake_over(true);
        assert_eq!(rtt.rto(), ms(300));
    }
}
