//! A limit on how often something is done.

use packet::Instant;

/// A token bucket: up to `burst` at once, `rate` a second in the long run.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    /// Nanoseconds in which one token comes.
    interval: u64,
    burst: u64,
    /// The time at which the bucket was empty; tokens have come since. Never more than `burst` of
    /// them ago.
    empty_at: u64,
}

impl TokenBucket {
    /// A full bucket. A `rate` of 0 counts as 1.
    #[must_use]
    pub const fn new(rate: u32, burst: u32) -> Self {
        let rate = if rate == 0 { 1 } else { rate };
        Self {
            interval: 1_000_000_000 / rate as u64,
            burst: burst as u64,
            empty_at: 0,
        }
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        // All times are moved on by the time in which the bucket fills, so that it is full at first.
        let full_after = self.interval * self.burst;
        let now = now.as_nanos().saturating_add(full_after);
        self.empty_at = self.empty_at.max(now - full_after);
        if self.empty_at + self.interval > now {
            return false;
        }
        self.empty_at += self.interval;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_a_burst_and_then_the_rate() {
        let mut bucket = TokenBucket::new(10, 3);
        let at = |millis| Instant::from_millis(millis);
        let taken = |bucket: &mut TokenBucket, now| (0..9).filter(|_| bucket.take(now)).count();
        assert_eq!(taken(&mut bucket, at(0)), 3);
        assert_eq!(taken(&mut bucket, at(99)), 0);
        assert_eq!(taken(&mut bucket, at(100)), 1);
        assert_eq!(taken(&mut bucket, at(350)), 2);
        assert_eq!(
            taken(&mut bucket, at(60_000)),
            3,
            "no more than a burst is saved"
        );
    }
}
