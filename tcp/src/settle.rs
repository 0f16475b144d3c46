//! What follows from a change of a connection, whoever made it.

use packet::Instant;

use crate::demux::Place;
use crate::ids::ConnectionId;
use crate::input::reset_of;
use crate::outbox::Reply;
use crate::tcb::Acknowledgement;
use crate::tcp::{Event, Tcp};
use crate::{Flags, State};

impl Tcp {
    /// Draws the conclusions from a change of a connection: it is told to its user, it may have
    /// something to send, its deadline may have moved, it may be over.
    pub(crate) fn settle(&mut self, slot: u32, now: Instant) {
        self.tell(slot, false);
        let Some(tcb) = self.connections.get_mut(slot) else {
            return;
        };
        self.shared.notes.look_at(tcb);
        if !matches!(tcb.state, State::Closed | State::TimeWait) {
            self.mark_ready(slot);
            self.rearm(slot);
            return;
        }
        if core::mem::take(&mut tcb.user.on_wire) {
            self.leave_wire(slot, now);
        }
        self.deadlines.set(slot, None);
        self.end_if_released(slot);
    }

    /// A connection is over: in TIME-WAIT a small entry takes its place.
    #[inline(never)]
    fn leave_wire(&mut self, slot: u32, now: Instant) {
        let Some(tcb) = self.connections.get_mut(slot) else {
            return;
        };
        let (local, remote) = (tcb.local, tcb.remote);
        self.shared.stats.failed += u64::from(tcb.user.error.is_some());
        if tcb.state != State::TimeWait {
            self.demux.remove(local, remote, Place::Connection(slot));
            return;
        }
        if self.time_wait.is_full()
            && let Some((oldest, entry)) = self.time_wait.pop_oldest()
        {
            self.demux
                .remove(entry.local, entry.remote, Place::TimeWait(oldest));
            self.shared.stats.time_wait_evicted += 1;
        }
        let entry = self.time_wait.insert(now, tcb);
        // The last ACK is the entry's to send, unless it went before ours came (CLOSING).
        let is_owed = tcb.ack != Acknowledgement::NotOwed;
        let reply = Reply {
            flags: Flags::ACK,
            window: u16::try_from(tcb.rcv.window() >> tcb.rcv.scale).unwrap_or(u16::MAX),
            ..reset_of(tcb, now)
        };
        if is_owed {
            self.shared.outbox.push(reply, &mut self.shared.stats);
        }
        tcb.close(None, &mut self.shared);
        match entry {
            Some(entry) => self.demux.set(local, remote, Place::TimeWait(entry)),
            None => self.demux.remove(local, remote, Place::Connection(slot)),
        }
    }

    /// Frees the slot of a connection that neither the wire nor its user knows.
    #[inline(never)]
    fn end_if_released(&mut self, slot: u32) {
        let Some(tcb) = self.connections.get_mut(slot) else {
            return;
        };
        if tcb.user.released && tcb.state == State::Closed {
            tcb.drop_unread(&mut self.shared);
            self.connections.remove(slot);
        }
    }

    pub(crate) fn tell(&mut self, slot: u32, in_any_case: bool) {
        let Some(tcb) = self.connections.get_mut(slot) else {
            return;
        };
        let due = in_any_case || tcb.should_tell(self.shared.config.send_buffer);
        if due && !tcb.user.announced {
            tcb.user.announced = true;
            tcb.user.forget_waits();
            let generation = self.connections.generation(slot);
            self.events
                .push_back(Event::Connection(ConnectionId { slot, generation }));
        }
    }

    pub(crate) fn mark_ready(&mut self, slot: u32) {
        if let Some(tcb) = self.connections.get_mut(slot)
            && !core::mem::replace(&mut tcb.user.ready, true)
        {
            self.ready.push_back(slot);
        }
    }

    /// The entry among the deadlines moves only when a connection needs an earlier one; when it
    /// fires too early it is set anew.
    pub(crate) fn rearm(&mut self, slot: u32) {
        if let Some(at) = self.connections.get(slot).and_then(|tcb| tcb.timers.next()) {
            self.deadlines.set_no_later(slot, at);
        }
    }
}
