//! What a host may be told about its UDP.

/// Limits. Each table and queue has its limit here, with what happens when it is full.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The largest IP packet of the link: what is sent fits into one.
    pub mtu: u16,
    /// Ports bound at once. Full: `bind` fails with `NoBuffer`.
    pub ports: usize,
    /// Datagrams received and not taken yet, for each port. Full: a new one is dropped.
    pub received: usize,
    /// The pool's memory that they hold, for each port. Full: a new one is dropped.
    pub received_memory: usize,
    /// Datagrams not sent yet, for each port. Full: the sender waits.
    pub unsent: usize,
    /// Datagrams not sent yet, of all ports. Full: sending fails with `NoBuffer`.
    pub all_unsent: usize,
    /// Datagrams that wait for the hardware address of their next hop, of all ports. Full: the oldest
    /// is dropped.
    pub unresolved: usize,
    /// What was heard of undelivered datagrams and not taken yet, for each port. Full: the oldest is
    /// forgotten.
    pub undelivered: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mtu: 1500,
            ports: 1024,
            received: 64,
            received_memory: 256 * 1024,
            unsent: 32,
            all_unsent: 1024,
            unresolved: 64,
            undelivered: 8,
        }
    }
}
