//! Looking in from outside: connections, and how full the tables are.

use core::net::SocketAddrV4;

use packet::Pool;

use crate::ids::ConnectionId;
use crate::stats::{Info, Positions};
use crate::tcb::Tcb;
use crate::tcp::Tcp;

/// How full a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Entries in it.
    pub used: usize,
    /// Entries that it may have.
    pub limit: usize,
}

/// How full the tables of a host's TCP are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tables {
    /// Control blocks.
    pub connections: Fill,
    /// Handshakes under way that others began.
    pub half_open: Fill,
    /// Connections in TIME-WAIT.
    pub time_wait: Fill,
    /// Replies that wait for the link.
    pub outbox: Fill,
}

impl Tcp {
    /// A look at a connection.
    #[must_use]
    pub fn info(&mut self, id: ConnectionId) -> Option<Info> {
        self.by_id(id).map(|tcb| look(tcb))
    }

    /// A look at every connection: our end of it, the peer's, and what is known of it.
    pub fn connections(&self) -> impl Iterator<Item = (SocketAddrV4, SocketAddrV4, Info)> {
        let blocks = self
            .connections
            .slots()
            .filter_map(|slot| self.connections.get(slot));
        blocks.map(|tcb| (tcb.local, tcb.remote, look(tcb)))
    }

    /// Whether anybody listens.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        !self.listeners.is_empty()
    }

    /// Where its memory comes from.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.shared.pool
    }

    /// How full the tables are.
    #[must_use]
    pub fn tables(&self) -> Tables {
        let config = &self.shared.config;
        let fill = |used, limit| Fill { used, limit };
        Tables {
            connections: fill(self.connections.len(), config.connections),
            half_open: fill(self.listeners.half_open_count(), config.half_open),
            time_wait: fill(self.time_wait.len(), config.time_wait),
            outbox: self.shared.outbox.fill(),
        }
    }
}

fn look(tcb: &Tcb) -> Info {
    Info {
        state: tcb.state,
        srtt: tcb.rtt.srtt(),
        rttvar: tcb.rtt.rttvar(),
        rto: tcb.rtt.rto(),
        cwnd: tcb.congestion.cwnd,
        ssthresh: tcb.congestion.ssthresh,
        in_flight: tcb.in_flight(),
        resent: tcb.snd.resent,
        snd_wnd: tcb.snd.wnd,
        rcv_wnd: tcb.rcv.window(),
        mss: tcb.snd.mss,
        queued: tcb.queued(),
        unread: tcb.unread(),
        positions: Positions {
            una: tcb.snd.una,
            nxt: tcb.snd.nxt,
            max: tcb.snd.max,
            end: tcb.snd.end + u64::from(tcb.snd.fin),
            received: tcb.rcv.nxt,
            edge: tcb.rcv.edge,
        },
    }
}
