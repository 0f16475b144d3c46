//! The front, the wire's side: segments and time in, segments and deadlines out.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};

use packet::{Deadlines, Duration, Frame, Instant, Pool, Secrets, Slab};

use crate::demux::{Demux, Place};
use crate::ids::{ConnectionId, ListenerId};
use crate::input::{reset_of, segment_arrives};
use crate::isn::Numbers;
use crate::listener::Listeners;
use crate::notes::{Notes, What};
use crate::outbox::Outbox;
use crate::output::{self, Blocked, Output};
use crate::segment::{Packet, Segment};
use crate::seq::ORIGIN;
use crate::tcb::{Acknowledgement, Shared, Spare, Tcb};
use crate::time_wait::TimeWait;
use crate::timers::Timer;
use crate::{Config, Drop, Error, Flags, Seq, State, Stats};

/// All the TCP of one host.
///
/// After any call, ask [`Tcp::poll_event`] until it has no more and, once the users had their turn,
/// [`Tcp::poll_transmit`]; then wait until [`Tcp::poll_timeout`] at the latest.
pub struct Tcp {
    pub(crate) shared: Shared,
    pub(crate) connections: Slab<Tcb>,
    pub(crate) demux: Demux,
    pub(crate) listeners: Listeners,
    pub(crate) numbers: Numbers,
    pub(crate) time_wait: TimeWait,
    /// Connections that may have something to send. Each stands here once at most.
    pub(crate) ready: VecDeque<u32>,
    /// Connections whose next hop is not resolved. They count as ready.
    blocked: Vec<u32>,
    pub(crate) deadlines: Deadlines,
    /// What [`Tcp::poll_event`] hands out. Each connection and listener stands here once at most.
    pub(crate) events: VecDeque<Event>,
    /// Writers that the pool had no memory for. Each stands here once at most.
    pub(crate) starved: Vec<ConnectionId>,
    /// When they are woken.
    retry_at: Option<Instant>,
}

/// Something that somebody waits for has happened: look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection may be accepted.
    Listener(ListenerId),
    /// A connection can be read or written, is established or drained, or has ended.
    Connection(ConnectionId),
}

/// What an ICMP message says of a segment of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpError {
    /// Nobody is there: port or protocol unreachable (type 3, codes 2 and 3).
    Refused,
    /// A router knows no way now (the other codes, time exceeded): it may pass.
    Unreachable,
}

/// How long a writer waits for memory before it tries again.
const STARVED: Duration = Duration::from_millis(10);

impl Tcp {
    /// The TCP of a host without connections. Everything unguessable comes from `secrets`.
    #[must_use]
    pub fn new(config: Config, pool: Pool, secrets: &Secrets) -> Self {
        Self {
            connections: Slab::new(config.connections),
            demux: Demux::new(secrets),
            listeners: Listeners::new(&config),
            numbers: Numbers::new(secrets),
            time_wait: TimeWait::new(config.time_wait),
            ready: VecDeque::new(),
            blocked: Vec::new(),
            deadlines: Deadlines::new(),
            events: VecDeque::new(),
            starved: Vec::new(),
            retry_at: None,
            shared: Shared {
                pool,
                stats: Stats::default(),
                notes: Notes::new(),
                spare: Spare::default(),
                outbox: Outbox::new(config.resets_per_second),
                max_text: usize::from(config.mss()),
                max_parts: 1,
                config,
            },
        }
    }

    /// Tells what the link takes: its MTU, the most text in a super-frame (0 if it takes none) and
    /// the most pieces in a frame. Connections that exist keep the MSS that they announced.
    pub fn set_link(&mut self, mtu: u16, max_super_frame_text: usize, max_parts: usize) {
        self.shared.config.mtu = mtu;
        self.shared.max_text = max_super_frame_text;
        self.shared.max_parts = max_parts;
    }

    /// Takes a received segment: `packet` says where it lies in its frame.
    ///
    /// # Errors
    /// Why it, or a part of it, was thrown away; it is counted already.
    pub fn receive(&mut self, now: Instant, packet: &Packet, frame: Frame) -> Result<(), Drop> {
        let result = self.receive_segment(now, packet, frame);
        if let Err(reason) = result {
            self.shared.stats.drops[reason as usize] += 1;
        }
        result
    }

    fn receive_segment(&mut self, now: Instant, packet: &Packet, frame: Frame) -> Result<(), Drop> {
        self.shared.stats.segments_received += 1;
        let segment = Segment::parse(packet, &frame)?;
        self.shared.stats.segments_received += u64::from(segment.count()) - 1;
        self.shared.stats.urgent += u64::from(segment.flags.has(Flags::URG));
        match self.demux.find(segment.local, segment.remote) {
            Some(Place::Connection(slot)) => {
                let tcb = self.connections.get_mut(slot).ok_or(Drop::NoConnection)?;
                let result = segment_arrives(tcb, now, (&segment, frame), &mut self.shared);
                self.settle(slot, now);
                result
            }
            Some(Place::HalfOpen(slot)) => self.half_open_receives(slot, now, (&segment, frame)),
            Some(Place::TimeWait(slot)) => self.time_wait_receives(slot, now, &segment),
            None => self.listener_receives(now, &segment),
        }
    }

    /// Takes an ICMP error about a segment of ours. `quoted` is what it quotes of our TCP header; an
    /// error about nothing that is in flight is forged or late, and ignored (RFC 5927, 4.1).
    pub fn icmp_error(
        &mut self,
        now: Instant,
        (local, remote): (Ipv4Addr, Ipv4Addr),
        quoted: &[u8],
        error: IcmpError,
    ) {
        let Some(&[a, b, c, d, e, f, g, h]) = quoted.first_chunk() else {
            return;
        };
        let local = SocketAddrV4::new(local, u16::from_be_bytes([a, b]));
        let remote = SocketAddrV4::new(remote, u16::from_be_bytes([c, d]));
        let Some(Place::Connection(slot)) = self.demux.find(local, remote) else {
            return;
        };
        let Some(tcb) = self.connections.get_mut(slot) else {
            return;
        };
        let seq = tcb.snd.offset(Seq(u32::from_be_bytes([e, f, g, h])));
        let in_flight = (tcb.snd.una..tcb.snd.max).contains(&seq);
        // RFC 5927, 5.2: once synchronised, no ICMP message ends a connection.
        if in_flight && tcb.state == State::SynSent && error == IcmpError::Refused {
            tcb.close(Some(Error::Refused), &mut self.shared);
            self.settle(slot, now);
        }
    }

    /// Does what time asks for.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|at| at <= now) {
            self.time_out(now);
        }
    }

    #[inline(never)]
    fn time_out(&mut self, now: Instant) {
        while let Some(slot) = self.deadlines.pop_expired(now) {
            self.connection_times_out(slot, now);
            self.settle(slot, now);
        }
        self.end_failed_handshakes(now);
        while let Some((slot, entry)) = self.time_wait.pop_expired(now) {
            self.demux
                .remove(entry.local, entry.remote, Place::TimeWait(slot));
        }
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            while let Some(id) = self.starved.pop() {
                if let Some(tcb) = self.by_id(id) {
                    tcb.user.starved = false;
                    self.tell(id.slot, true);
                }
            }
        }
    }

    /// Forgets the handshakes that nobody completed, and those of a listener that is gone.
    pub(crate) fn end_failed_handshakes(&mut self, now: Instant) {
        while let Some(entry) = self.listeners.pop_failed(now) {
            if let Some(place @ Place::HalfOpen(_)) = self.demux.find(entry.local, entry.remote) {
                self.demux.remove(entry.local, entry.remote, place);
            }
        }
    }

    #[inline(never)]
    fn connection_times_out(&mut self, slot: u32, now: Instant) {
        let Some(tcb) = self.connections.get_mut(slot) else {
            return;
        };
        if tcb.timers.expired(Timer::DelayedAck, now) {
            tcb.ack = Acknowledgement::Now;
        }
        if tcb.timers.expired(Timer::Orphan, now) {
            self.shared
                .outbox
                .push(reset_of(tcb, now), &mut self.shared.stats);
            self.shared.stats.resets_sent += 1;
            tcb.close(Some(Error::TimedOut), &mut self.shared);
        } else if tcb.timers.expired(Timer::Retransmit, now) {
            retransmission_times_out(tcb, now, &mut self.shared);
        }
    }

    /// When [`Tcp::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [
            self.deadlines.next(),
            self.listeners.poll_timeout(),
            self.time_wait.poll_timeout(),
            self.retry_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Hands everything that may be sent now to `output`, in turns, until nothing is left or the
    /// link is full.
    pub fn poll_transmit(&mut self, now: Instant, output: &mut dyn Output) {
        if !self.starved.is_empty() {
            self.retry_at.get_or_insert(now + STARVED);
        }
        let has_replies = !self.shared.outbox.is_empty() || self.listeners.has_output();
        if has_replies && self.transmit_replies(now, output).is_err() {
            return;
        }
        while let Some(slot) = self.ready.pop_front() {
            let Some(tcb) = self.connections.get_mut(slot) else {
                continue;
            };
            tcb.user.ready = false;
            match output::transmit(tcb, now, &mut self.shared, output) {
                Ok(false) => {}
                Ok(true) => self.mark_ready(slot),
                Err(Blocked::Full) => {
                    tcb.user.ready = true;
                    self.ready.push_front(slot);
                    // What did leave in this turn has started timers.
                    self.rearm(slot);
                    return;
                }
                Err(Blocked::Unresolved) => {
                    tcb.user.ready = true;
                    self.blocked.push(slot);
                }
                Err(Blocked::Unreachable) => self.cannot_reach(slot, now),
            }
            self.rearm(slot);
        }
    }

    /// Sends what belongs to no control block.
    #[inline(never)]
    fn transmit_replies(&mut self, now: Instant, output: &mut dyn Output) -> Result<(), Blocked> {
        let Shared {
            outbox,
            stats,
            config,
            ..
        } = &mut self.shared;
        outbox.transmit(output, stats)?;
        self.listeners.transmit(now, config, stats, output)
    }

    /// Whether [`Tcp::poll_transmit`] has something to do.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.ready.is_empty() || !self.shared.outbox.is_empty()
    }

    /// A neighbour was resolved, or the link came up: what waited for it is ready again.
    pub fn resolved(&mut self) {
        self.ready.extend(self.blocked.drain(..));
    }

    /// There is no way to `remote` now (its neighbour does not answer): attempts to connect to it
    /// fail, connections go on trying.
    pub fn unreachable(&mut self, now: Instant, remote: Ipv4Addr) {
        self.shared.outbox.forget(remote);
        for slot in core::mem::take(&mut self.blocked) {
            let Some(tcb) = self.connections.get_mut(slot) else {
                continue;
            };
            if *tcb.remote.ip() == remote {
                tcb.user.ready = false;
                self.cannot_reach(slot, now);
                self.rearm(slot);
            } else {
                self.blocked.push(slot);
            }
        }
    }

    #[cold]
    fn cannot_reach(&mut self, slot: u32, now: Instant) {
        let Some(tcb) = self.connections.get_mut(slot) else {
            return;
        };
        if tcb.state == State::SynSent {
            tcb.close(Some(Error::Unreachable), &mut self.shared);
            self.settle(slot, now);
        } else if !tcb.timers.is_set(Timer::Retransmit) {
            // As if it had been lost on the way; no later than patience ends.
            let next = now + tcb.rtt.rto();
            let patience = tcb.patience(&self.shared.config);
            let since = *tcb.snd.unanswered_since.get_or_insert(now);
            tcb.timers
                .set(Timer::Retransmit, next.min(since + patience));
        }
    }

    /// What somebody who waits may want to look at.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        if let Event::Connection(id) = event
            && let Some(tcb) = self.by_id(id)
        {
            tcb.user.announced = false;
        }
        Some(event)
    }

    /// What was done so far.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.shared.stats
    }

    /// Whether the peers have confirmed everything that was to be sent, with its end where one was
    /// queued. Looks at every connection.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let mut tcbs = self
            .connections
            .slots()
            .filter_map(|slot| self.connections.get(slot));
        !self.has_output() && tcbs.all(|tcb| tcb.state == State::Closed || tcb.is_drained())
    }

    /// How many control blocks there are.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.connections.len()
    }

    pub(crate) fn by_id(&mut self, id: ConnectionId) -> Option<&mut Tcb> {
        self.connections.of_generation_mut(id.slot, id.generation)
    }
}

/// RFC 6298, 5.4 to 5.7, and RFC 9293, 3.8.6.1 for a closed window.
#[cold]
fn retransmission_times_out(tcb: &mut Tcb, now: Instant, shared: &mut Shared) {
    let patience = tcb.patience(&shared.config);
    if tcb
        .snd
        .unanswered_since
        .is_some_and(|since| now.since(since) >= patience)
    {
        tcb.close(Some(Error::TimedOut), shared);
        return;
    }
    shared.stats.timeouts += 1;
    let what = What::TimedOut(u32::try_from(tcb.rtt.rto().as_millis()).unwrap_or(u32::MAX));
    shared.notes.push(tcb.local, tcb.remote, what);
    let in_flight = tcb.snd.nxt > tcb.snd.una;
    if in_flight {
        let again = tcb.rtt.is_backed_off();
        let (una, max) = (tcb.snd.una, tcb.snd.max);
        tcb.recovery
            .on_timeout(una, max, again, &mut tcb.congestion, tcb.snd.mss);
        tcb.snd.nxt = una;
        tcb.snd.timed = None;
    }
    // RFC 6298, 5.4, and RFC 9293, 3.8.6.1: something goes, also where the window that is left is no
    // whole segment.
    tcb.snd.probe = una_is_text(tcb);
    tcb.rtt.back_off();
}

/// Whether the oldest unacknowledged offset is one of text.
fn una_is_text(tcb: &Tcb) -> bool {
    tcb.snd.una > ORIGIN && tcb.snd.una < tcb.snd.end
}

#[cfg(test)]
mod tests;
