//! The timestamps of a connection (RFC 7323).

use packet::{Duration, Instant};

use crate::options::Timestamps;

/// What a connection remembers of timestamps. Its clock ticks every millisecond (RFC 7323, 5.4).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Where our timestamps started: hides the uptime of the host.
    pub(crate) offset: u32,
    /// TS.Recent: the value that is echoed.
    pub(crate) recent: u32,
    /// When it was taken, in seconds: after 24 days it says nothing any more (5.5).
    pub(crate) recent_at: u32,
}

/// RFC 7323, 5.5: a timestamp older than this cannot be told from a newer one.
const OUTDATED: u32 = 24 * 24 * 3600;

impl Clock {
    pub(crate) fn new(now: Instant, offset: u32, recent: u32) -> Self {
        Self {
            offset,
            recent,
            recent_at: seconds(now),
        }
    }

    /// The option of a segment that leaves now.
    pub(crate) fn stamp(&self, now: Instant) -> Timestamps {
        Timestamps {
            value: ticks(now).wrapping_add(self.offset),
            echo: self.recent,
        }
    }

    /// PAWS (5.3, R1): whether a segment with this value is older than one that was taken before.
    pub(crate) fn is_old(&self, now: Instant, value: u32) -> bool {
        let older = (value.wrapping_sub(self.recent) as i32) < 0;
        older && seconds(now).wrapping_sub(self.recent_at) < OUTDATED
    }

    /// Remembers the value of a segment that stands where the last acknowledgement ended (4.3).
    pub(crate) fn take(&mut self, now: Instant, value: u32) {
        self.recent = value;
        self.recent_at = seconds(now);
    }

    /// The round-trip time that an echo tells; `None` for an echo of something we never sent.
    pub(crate) fn round_trip(&self, now: Instant, echo: u32) -> Option<Duration> {
        let elapsed = ticks(now).wrapping_add(self.offset).wrapping_sub(echo);
        // An honest echo is younger than the longest timeout.
        (echo != 0 && elapsed < 120_000).then(|| Duration::from_millis(u64::from(elapsed)))
    }
}

fn ticks(now: Instant) -> u32 {
    now.as_millis() as u32
}

fn seconds(now: Instant) -> u32 {
    (now.as_millis() / 1000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_means_before_the_recent_one_for_24_days() {
        let now = Instant::from_millis(1000);
        let clock = Clock::new(now, 0, 5);
        assert!(clock.is_old(now, 4));
        assert!(!clock.is_old(now, 5));
        assert!(
            clock.is_old(now, 5u32.wrapping_sub(1 << 30)),
            "wraps around"
        );
        let outdated = now + Duration::from_secs(u64::from(OUTDATED));
        assert!(clock.is_old(outdated - Duration::from_secs(1), 4));
        assert!(!clock.is_old(outdated, 4));
    }

    #[test]
    fn an_echo_tells_the_round_trip() {
        let clock = Clock::new(Instant::ZERO, u32::MAX - 3, 0);
        let sent = clock.stamp(Instant::from_millis(10)).value;
        assert_eq!(
            clock.round_trip(Instant::from_millis(35), sent),
            Some(Duration::from_millis(25))
        );
        assert_eq!(
            clock.round_trip(Instant::from_millis(5), sent),
            None,
            "from the future"
        );
        for (millis, is_believed) in [(10 + 119_999, true), (10 + 120_000, false)] {
            let trip = clock.round_trip(Instant::from_millis(millis), sent);
            assert_eq!(trip.is_some(), is_believed);
        }
    }
}
