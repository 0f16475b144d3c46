//! Challenge ACKs (RFC 5961): the answer to a segment that may be forged.

use packet::{Duration, Instant};

/// How many challenge ACKs one connection sends in one [`PERIOD`]. RFC 5961, 7 proposes 10 in five
/// seconds; the count belongs to the connection, since one that is shared tells an attacker about
/// other connections (CVE-2016-5696).
const LIMIT: u8 = 10;
const PERIOD: Duration = Duration::from_secs(1);

/// Limits the challenge ACKs of one connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limiter {
    since: Instant,
    count: u8,
}

impl Limiter {
    /// Whether one more may be sent now.
    pub(crate) fn allows(&mut self, now: Instant) -> bool {
        if self.count == 0 || now.since(self.since) >= PERIOD {
            *self = Self {
                since: now,
                count: 0,
            };
        }
        let allowed = self.count < LIMIT;
        self.count += u8::from(allowed);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_in_a_second() {
        let mut limiter = Limiter::default();
        let now = Instant::from_millis(5);
        assert_eq!((0..100).filter(|_| limiter.allows(now)).count(), 10);
        assert!(!limiter.allows(now + Duration::from_millis(999)));
        assert!(limiter.allows(now + Duration::from_millis(1000)));
    }
}
