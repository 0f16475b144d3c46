//! Segments for no control block: for a listener, for a handshake under way, for TIME-WAIT.

use packet::{Frame, Instant};

use crate::demux::Place;
use crate::handshake;
use crate::ids::ConnectionId;
use crate::input::segment_arrives;
use crate::listener::HalfOpen;
use crate::notes::What;
use crate::segment::Segment;
use crate::tcb::Acknowledgement;
use crate::tcp::{Event, Tcp};
use crate::time_wait::Verdict;
use crate::{Drop, Flags, Seq};

impl Tcp {
    /// RFC 9293, 3.10.7.1 and 3.10.7.2: nothing is there, or a listener.
    #[inline(never)]
    pub(crate) fn listener_receives(
        &mut self,
        now: Instant,
        segment: &Segment,
    ) -> Result<(), Drop> {
        let listener = self.listeners.on_port(segment.local.port());
        let wants_in = segment.flags.has(Flags::SYN) && !segment.flags.has(Flags::ACK);
        if listener.is_some() && !segment.flags.has(Flags::ACK) && !wants_in {
            // RFC 9293, 3.10.7.2, fourth: neither a SYN nor an acknowledgement.
            return Err(Drop::Flags);
        }
        let (Some(listener), true) = (listener, wants_in) else {
            self.shared
                .outbox
                .reset(now, segment, &mut self.shared.stats);
            return Err(Drop::NoConnection);
        };
        // Nobody honest sends these together (RFC 9293, 3.10.7.2: RST first, then SYN).
        if segment.flags.has(Flags::FIN) || segment.flags.has(Flags::RST) {
            return Err(Drop::Flags);
        }
        if self.is_backlog_full(listener) {
            return Err(Drop::BacklogFull);
        }
        let (local, remote) = (segment.local, segment.remote);
        let isn = self.numbers.isn(now, local, remote);
        let offset = self.numbers.timestamp_offset(*local.ip(), *remote.ip());
        let entry = HalfOpen::new(now, segment, listener, isn, offset);
        let slot = self.listeners.start(entry).ok_or(Drop::HalfOpenFull)?;
        self.demux.set(local, remote, Place::HalfOpen(slot));
        self.shared.notes.push(local, remote, What::Asked);
        Ok(())
    }

    /// RFC 9293, 3.10.7.4, for SYN-RECEIVED after a passive open.
    #[inline(never)]
    pub(crate) fn half_open_receives(
        &mut self,
        slot: u32,
        now: Instant,
        (segment, frame): (&Segment, Frame),
    ) -> Result<(), Drop> {
        let Some(entry) = self.listeners.half_open(slot) else {
            return Err(Drop::NoConnection);
        };
        let expected = Seq(entry.irs.0.wrapping_add(1));
        if segment.flags.has(Flags::RST) {
            // RFC 5961, 3.2: only exactly at the next number.
            if segment.seq != expected {
                return Err(Drop::OutsideWindow);
            }
            self.end_half_open(slot);
            return Err(Drop::Reset);
        }
        if segment.flags.has(Flags::SYN) {
            if segment.seq == entry.irs {
                self.listeners.send_again(slot);
                return Ok(());
            }
            let reply = entry.challenge(now, &self.shared.config);
            self.shared.outbox.push(reply, &mut self.shared.stats);
            return Err(Drop::Challenged);
        }
        if !segment.flags.has(Flags::ACK) {
            return Err(Drop::Flags);
        }
        if segment.ack != Seq(entry.iss.0.wrapping_add(1)) {
            self.shared
                .outbox
                .reset(now, segment, &mut self.shared.stats);
            return Err(Drop::BadAck);
        }
        self.establish(slot, now, (segment, frame))
    }

    /// The last ACK of a handshake: the entry becomes a connection, which takes the segment.
    fn establish(
        &mut self,
        half_open: u32,
        now: Instant,
        segment: (&Segment, Frame),
    ) -> Result<(), Drop> {
        let Some(entry) = self.listeners.half_open(half_open) else {
            return Err(Drop::NoConnection);
        };
        let listener_slot = u32::from(entry.listener);
        let listener_id = self.listeners.id(listener_slot);
        let entry = entry.clone();
        let is_full = self.is_backlog_full(listener_slot);
        let Some(listener) = self.listeners.by_slot(listener_slot) else {
            self.end_half_open(half_open);
            return Err(Drop::NoConnection);
        };
        if is_full || self.connections.is_full() {
            return Err(Drop::BacklogFull);
        }
        let mut tcb = handshake::passive_open(now, &entry, &self.shared.config);
        tcb.snd.nagle = self.shared.config.nagle;
        tcb.user.on_wire = true;
        let result = segment_arrives(&mut tcb, now, segment, &mut self.shared);
        if matches!(result, Err(Drop::OutsideWindow | Drop::OldTimestamp)) {
            // Not acceptable (first step): the handshake waits for one that is.
            if tcb.ack == Acknowledgement::Now {
                let reply = entry.challenge(now, &self.shared.config);
                self.shared.outbox.push(reply, &mut self.shared.stats);
            }
            return result;
        }
        let Ok(slot) = self.connections.insert(tcb) else {
            return Err(Drop::BacklogFull);
        };
        self.shared.stats.accepted += 1;
        let generation = self.connections.generation(slot);
        listener
            .accept_queue
            .push_back(ConnectionId { slot, generation });
        if core::mem::take(&mut listener.waits_to_accept) {
            self.events.push_back(Event::Listener(listener_id));
        }
        self.listeners.end(half_open);
        self.demux
            .set(entry.local, entry.remote, Place::Connection(slot));
        self.settle(slot, now);
        result
    }

    /// Whether as many connections wait for a listener as may.
    fn is_backlog_full(&mut self, listener: u32) -> bool {
        let backlog = self.shared.config.backlog;
        let listener = self.listeners.by_slot(listener);
        listener.is_some_and(|listener| listener.accept_queue.len() >= backlog)
    }

    fn end_half_open(&mut self, slot: u32) {
        if let Some(entry) = self.listeners.end(slot) {
            self.demux
                .remove(entry.local, entry.remote, Place::HalfOpen(slot));
        }
    }

    #[inline(never)]
    pub(crate) fn time_wait_receives(
        &mut self,
        slot: u32,
        now: Instant,
        segment: &Segment,
    ) -> Result<(), Drop> {
        match self.time_wait.judge(now, slot, segment) {
            Verdict::Ignore => Err(Drop::TimeWait),
            Verdict::Acknowledge(reply) => {
                self.shared.outbox.push(reply, &mut self.shared.stats);
                Err(Drop::TimeWait)
            }
            Verdict::NewConnection => {
                self.time_wait.remove(slot);
                self.demux
                    .remove(segment.local, segment.remote, Place::TimeWait(slot));
                self.listener_receives(now, segment)
            }
        }
    }
}

#[cfg(test)]
mod tests;
