//! One question to servers: its number, and when it is asked again.

use core::net::Ipv4Addr;

use heapless::Vec;
use packet::{Duration, Instant, Random};

use crate::MAX_LEN;

/// RFC 2131, 4.1: 4 seconds at first, twice as many after each try up to 64, and up to a second more
/// or less.
const FIRST_DELAY: Duration = Duration::from_secs(4);
const MAX_DOUBLINGS: u32 = 4;
const JITTER: Duration = Duration::from_secs(1);

/// A message to be sent, from port 68 to port 67.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// From which address: 0.0.0.0 while there is none that we may rely on.
    pub source: Ipv4Addr,
    /// To whom: all hosts, or one server.
    pub destination: Ipv4Addr,
    /// What it says.
    pub message: Vec<u8, MAX_LEN>,
}

/// A question, asked once or more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange {
    /// What its answers are known by.
    pub(crate) xid: u32,
    /// When it was asked first.
    pub(crate) start: Instant,
    /// Seconds from there to the last DHCPDISCOVER.
    pub(crate) secs: u16,
    /// How often it was asked.
    pub(crate) tries: u32,
}

impl Exchange {
    pub(crate) fn new(now: Instant, random: &mut Random) -> Self {
        Self {
            xid: random.next_u64() as u32,
            start: now,
            secs: 0,
            tries: 0,
        }
    }

    /// What an offer is answered with: of the same number, and with the same `secs` (RFC 2131, 3.1,
    /// step 3). A lease is counted from here on.
    pub(crate) fn answered(self, now: Instant) -> Self {
        Self {
            start: now,
            tries: 0,
            ..self
        }
    }

    /// Counts a try; tells how long to wait for an answer.
    pub(crate) fn asked(&mut self, random: &mut Random) -> Duration {
        let doubled = FIRST_DELAY * (1 << self.tries.min(MAX_DOUBLINGS));
        self.tries += 1;
        let jitter = random.below(2 * JITTER.as_nanos() as u64 + 1);
        doubled - JITTER + Duration::from_nanos(jitter)
    }
}
