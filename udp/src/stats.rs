//! Counters, and why datagrams were dropped.

/// Why a datagram was thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// Cut short, or with a length that cannot be.
    Malformed,
    /// The checksum is wrong.
    Checksum,
    /// Nobody is bound to its port; its sender may be told.
    NoPort,
    /// Its port has as many datagrams waiting as it may have.
    QueueFull,
    /// No memory to keep it.
    NoMemory,
    /// One to be sent: its next hop did not answer before too many others waited too.
    Unresolved,
    /// One to be sent: no way leads there (any more).
    Unreachable,
    /// One to be sent: the link carries less than when it was queued.
    TooLarge,
}

impl Drop {
    /// How many reasons there are.
    pub const COUNT: usize = Self::TooLarge as usize + 1;

    /// Every reason, in the order in which they are counted.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Malformed,
        Self::Checksum,
        Self::NoPort,
        Self::QueueFull,
        Self::NoMemory,
        Self::Unresolved,
        Self::Unreachable,
        Self::TooLarge,
    ];

    /// Its name among counters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Checksum => "checksum",
            Self::NoPort => "no_port",
            Self::QueueFull => "queue_full",
            Self::NoMemory => "no_memory",
            Self::Unresolved => "unresolved",
            Self::Unreachable => "unreachable",
            Self::TooLarge => "too_large",
        }
    }
}

/// What one host's UDP has done so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Datagrams received, good or bad.
    pub received: u64,
    /// Datagrams handed to the link.
    pub sent: u64,
    /// Errors heard about datagrams of ports that are bound.
    pub undelivered: u64,
    /// Datagrams thrown away, by [`Drop`].
    pub drops: [u64; Drop::COUNT],
}

impl Stats {
    /// How many datagrams were thrown away for `reason`.
    #[must_use]
    pub const fn dropped(&self, reason: Drop) -> u64 {
        self.drops[reason as usize]
    }

    pub(crate) const fn drop(&mut self, reason: Drop) {
        self.drops[reason as usize] += 1;
    }
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
