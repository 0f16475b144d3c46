//! What a place shows of its inside.

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use packet::{Class, Pool};

use crate::Clock;

/// A look inside of a place, for whoever runs it. It is asked seldom, and each answer is of one moment;
/// what is shown lasts as long as the call.
pub trait Inspect {
    /// Shows every number to `show`. Those that have one name stand together.
    fn numbers(&self, show: &mut dyn FnMut(Number));

    /// Shows connections to `show`, until it has seen enough and answers `false`.
    fn connections(&self, show: &mut dyn FnMut(&Connection) -> bool);

    /// The headers of the last frames, with what happened to connections, as a capture file (pcapng);
    /// `None` where no frames are seen. `clock` says what time it is.
    fn trace(&self, clock: &Clock) -> Option<Vec<u8>>;
}

/// A number that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// Its name, as Prometheus wants them: `tcp_segments_sent_total`. One that ends with `_total` counts
    /// what happened so far, any other says how it is now.
    pub name: &'static str,
    /// What it counts, in a few words.
    pub help: &'static str,
    /// Which of those with this name it is, if there are several: the label and its value.
    pub label: Option<(&'static str, &'static str)>,
    /// How many.
    pub value: u64,
}

impl Number {
    /// The only one of its name.
    #[must_use]
    pub const fn new(name: &'static str, help: &'static str, value: u64) -> Self {
        Self {
            name,
            help,
            label: None,
            value,
        }
    }

    /// One of several.
    #[must_use]
    pub const fn labelled(self, label: &'static str, which: &'static str) -> Self {
        Self {
            label: Some((label, which)),
            ..self
        }
    }

    /// Whether it counts what happened, and never goes back.
    #[must_use]
    pub fn is_counter(&self) -> bool {
        self.name.ends_with("_total")
    }
}

/// A connection that is shown. `None`: the place does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Our end.
    pub local: SocketAddr,
    /// The peer's end.
    pub remote: SocketAddr,
    /// The name of its state in RFC 9293.
    pub state: &'static str,
    /// The smoothed round-trip time, once there was a sample.
    pub srtt: Option<Duration>,
    /// The retransmission timeout.
    pub rto: Duration,
    /// The congestion window, bytes.
    pub cwnd: u64,
    /// Sent and not acknowledged, bytes.
    pub in_flight: u64,
    /// Segments sent again so far.
    pub resent: u64,
    /// The peer's window, bytes.
    pub send_window: Option<u64>,
    /// The window that we offer, bytes.
    pub receive_window: Option<u64>,
    /// To be sent or acknowledged, bytes.
    pub queued: Option<u64>,
    /// Received and not read, bytes.
    pub unread: Option<u64>,
}

/// Shows tables and queues: of each its name, how many entries it has, and how many it may have.
pub fn show_tables(tables: &[(&'static str, usize, usize)], show: &mut dyn FnMut(Number)) {
    for (table, used, _) in tables {
        let help = "Entries of tables and queues.";
        let used = Number::new("table_entries", help, *used as u64);
        show(used.labelled("table", table));
    }
    for (table, _, limit) in tables {
        let help = "Entries that tables and queues may have.";
        let limit = Number::new("table_entries_limit", help, *limit as u64);
        show(limit.labelled("table", table));
    }
}

/// Shows the memory of a pool, for places that have one.
pub fn show_pool(pool: &Pool, show: &mut dyn FnMut(Number)) {
    let classes = [
        (Class::Cell, "cell"),
        (Class::Page, "page"),
        (Class::Bay, "bay"),
    ];
    for (class, name) in classes {
        let held = (pool.usage(class).held * class.size()) as u64;
        let number = Number::new("pool_held_bytes", "Memory for buffers that is held.", held);
        show(number.labelled("class", name));
    }
    for (class, name) in classes {
        let limit = (pool.usage(class).limit * class.size()) as u64;
        let number = Number::new("pool_limit_bytes", "Memory for buffers.", limit);
        show(number.labelled("class", name));
    }
}
