//! TIME-WAIT (RFC 9293, 3.6.1): what is left of a connection that we closed first, so that its old
//! segments cannot disturb a new one. An entry of 48 bytes, not a control block.

use alloc::collections::VecDeque;
use core::net::SocketAddrV4;

use packet::{Duration, Instant, Slab};

use crate::outbox::Reply;
use crate::segment::Segment;
use crate::tcb::Tcb;
use crate::timestamps::Clock;
use crate::{Flags, Options, Seq};

/// Twice the longest life of a segment: a minute, as everywhere in use (RFC 9293, 3.4.2 proposes
/// two minutes for one life).
const TWO_MSL: Duration = Duration::from_secs(60);

/// Places in the order that may be stale, beside as many as there are entries.
const SLACK: usize = 64;

/// What is left of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) local: SocketAddrV4,
    pub(crate) remote: SocketAddrV4,
    /// SND.NXT and RCV.NXT.
    seq: Seq,
    ack: Seq,
    clock: Option<Clock>,
    expires: Instant,
}

/// What a segment means for an entry.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// A new connection may start: the entry goes.
    NewConnection,
    /// The peer is told again what we know.
    Acknowledge(Reply),
    /// Nothing.
    Ignore,
}

impl Entry {
    fn new(now: Instant, tcb: &Tcb) -> Self {
        Self {
            local: tcb.local,
            remote: tcb.remote,
            seq: tcb.snd.seq(tcb.snd.max),
            ack: tcb.rcv.seq(tcb.rcv.nxt),
            clock: tcb.clock,
            expires: now + TWO_MSL,
        }
    }

    fn judge(&mut self, now: Instant, seg: &Segment) -> Verdict {
        // RFC 1337: a reset must not kill the entry, or old segments could.
        if seg.flags.has(Flags::RST) {
            return Verdict::Ignore;
        }
        if seg.flags.has(Flags::SYN) && !seg.flags.has(Flags::ACK) && self.is_newer(now, seg) {
            return Verdict::NewConnection;
        }
        let repeats_fin = seg.flags.has(Flags::FIN);
        if repeats_fin {
            self.expires = now + TWO_MSL;
        }
        if repeats_fin || seg.len() > 0 || seg.seq != self.ack {
            return Verdict::Acknowledge(self.acknowledgement(now));
        }
        Verdict::Ignore
    }

    /// Whether a SYN can only be of a new connection (RFC 6191, 2; RFC 9293, 3.6.1 [MAY-2]).
    fn is_newer(&self, now: Instant, syn: &Segment) -> bool {
        match (&self.clock, syn.options.timestamps) {
            (Some(clock), Some(stamps)) if stamps.value != clock.recent => {
                !clock.is_old(now, stamps.value)
            }
            _ => (syn.seq.0.wrapping_sub(self.ack.0) as i32) > 0,
        }
    }

    fn acknowledgement(&self, now: Instant) -> Reply {
        Reply {
            local: self.local,
            remote: self.remote,
            seq: self.seq,
            ack: self.ack,
            flags: Flags::ACK,
            window: 0,
            options: Options {
                timestamps: self.clock.as_ref().map(|clock| clock.stamp(now)),
                ..Options::default()
            },
        }
    }
}

/// All entries, each for a minute.
pub(crate) struct TimeWait {
    entries: Slab<Entry>,
    order: VecDeque<Due>,
}

/// When an entry is looked at. Sorted; an entry whose life was prolonged meanwhile goes to the end.
struct Due {
    at: Instant,
    slot: u32,
    generation: u32,
}

impl TimeWait {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            entries: Slab::new(limit.max(1)),
            order: VecDeque::new(),
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.entries.is_full()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds what is left of a connection. The caller makes room first.
    pub(crate) fn insert(&mut self, now: Instant, tcb: &Tcb) -> Option<u32> {
        let slot = self.entries.insert(Entry::new(now, tcb)).ok()?;
        self.look_at(slot, now + TWO_MSL);
        Some(slot)
    }

    pub(crate) fn judge(&mut self, now: Instant, slot: u32, seg: &Segment) -> Verdict {
        self.entries
            .get_mut(slot)
            .map_or(Verdict::NewConnection, |entry| entry.judge(now, seg))
    }

    pub(crate) fn remove(&mut self, slot: u32) -> Option<Entry> {
        self.entries.remove(slot)
    }

    /// Takes out the oldest entry, to make room.
    pub(crate) fn pop_oldest(&mut self) -> Option<(u32, Entry)> {
        loop {
            let due = self.order.pop_front()?;
            if self.is_current(&due) {
                return self.entries.remove(due.slot).map(|entry| (due.slot, entry));
            }
        }
    }

    /// Takes out one entry whose time is over.
    pub(crate) fn pop_expired(&mut self, now: Instant) -> Option<(u32, Entry)> {
        while self.order.front().is_some_and(|due| due.at <= now) {
            let due = self.order.pop_front()?;
            if !self.is_current(&due) {
                continue;
            }
            match self.entries.get(due.slot).map(|entry| entry.expires) {
                Some(expires) if expires > now => self.look_at(due.slot, expires),
                _ => return self.entries.remove(due.slot).map(|entry| (due.slot, entry)),
            }
        }
        None
    }

    /// When [`TimeWait::pop_expired`] may find something.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.order.front().map(|due| due.at)
    }

    fn look_at(&mut self, slot: u32, at: Instant) {
        // An entry that a new connection replaced leaves its place in the order behind: a client
        // that comes back quickly must not make that grow.
        if self.order.len() > 2 * self.entries.len() + SLACK {
            let entries = &self.entries;
            self.order
                .retain(|due| entries.generation(due.slot) == due.generation);
        }
        let at = self.order.back().map_or(at, |last| at.max(last.at));
        self.order.push_back(Due {
            at,
            slot,
            generation: self.entries.generation(slot),
        });
    }

    fn is_current(&self, due: &Due) -> bool {
        self.entries.generation(due.slot) == due.generation
    }
}

#[cfg(test)]
mod tests;
