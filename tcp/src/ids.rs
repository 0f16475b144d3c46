//! Names of connections and listeners, which know which use of their slot they mean.

/// Names a connection. A stale one is recognised by its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    /// Which slot.
    pub slot: u32,
    /// How often the slot was used before.
    pub generation: u32,
}

/// Names a listener. A stale one is recognised by its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId {
    /// Which slot.
    pub slot: u32,
    /// How often the slot was used before.
    pub generation: u32,
}
