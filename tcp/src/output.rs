//! What a connection may send now (RFC 9293, 3.8.6 and 3.10.7.4; RFC 5681, 3.1).
//!
//! Input and user calls only change the control block; here, once they have all run, it is decided
//! what follows from it. So an acknowledgement rides on the response, and many writes leave as one
//! super-frame.

use core::net::{Ipv4Addr, SocketAddrV4};

use packet::{Chunk, Class, Duration, Head, Instant, checksum};

use crate::handshake::initial_window;
use crate::header::PROTOCOL;
use crate::outbox::Reply;
use crate::send::MAX_CHUNKS;
use crate::seq::ORIGIN;
use crate::tcb::{Acknowledgement, Shared, Tcb};
use crate::timers::Timer;
use crate::{Flags, Options, State};

/// Takes the segments of a host, adds what lies below TCP, and hands them to a link.
pub trait Output {
    /// Sends one segment, or a super-frame of several.
    ///
    /// # Errors
    /// [`Blocked`] says why it was not sent; the connection keeps it.
    fn transmit(&mut self, segment: Outgoing<'_>) -> Result<(), Blocked>;
}

/// A segment, or a super-frame that the link cuts into segments.
#[derive(Debug)]
pub struct Outgoing<'a> {
    /// From which of our addresses.
    pub local: Ipv4Addr,
    /// To whom.
    pub remote: Ipv4Addr,
    /// The TCP header with its options, to which what lies below adds its own; in the checksum field,
    /// only the pseudo-header's sum.
    pub head: &'a mut Head,
    /// The text.
    pub payload: &'a [Chunk],
    /// For a super-frame: the text bytes of each segment.
    pub gso_size: Option<u16>,
    /// It, or a part of it, was sent before.
    pub again: bool,
}

/// Why a segment was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// The link has no room now.
    Full,
    /// The hardware address of the next hop is not known yet: call [`crate::Tcp::resolved`] when it
    /// is.
    Unresolved,
    /// There is no way to the destination.
    Unreachable,
}

/// How long an acknowledgement waits for data to ride on (RFC 9293, 3.8.6.3: less than 500 ms).
const DELAYED_ACK: Duration = Duration::from_millis(40);

/// The most frames that one connection sends before others have their turn.
const TURN: usize = 4;

/// The sum of the pseudo-header, for the checksum field.
pub(crate) fn pseudo_sum(local: SocketAddrV4, remote: SocketAddrV4, len: usize) -> u16 {
    checksum::pseudo_header(*local.ip(), *remote.ip(), PROTOCOL, len).fold()
}

/// What to send next.
#[derive(Debug)]
struct Plan {
    from: u64,
    /// Bytes of text.
    len: usize,
    flags: Flags,
}

impl Plan {
    /// The sequence numbers that it takes.
    fn takes(&self) -> u64 {
        let control = u64::from(self.flags.has(Flags::SYN)) + u64::from(self.flags.has(Flags::FIN));
        self.len as u64 + control
    }
}

/// Sends what may be sent, for one turn. `true` if the turn ended before it was all sent.
pub(crate) fn transmit(
    tcb: &mut Tcb,
    now: Instant,
    shared: &mut Shared,
    output: &mut dyn Output,
) -> Result<bool, Blocked> {
    if matches!(tcb.state, State::Closed | State::TimeWait) {
        return Ok(false);
    }
    restart_after_idle(tcb, now);
    for _ in 0..TURN {
        let Some(plan) = next(tcb, shared) else {
            wait(tcb, now);
            return Ok(false);
        };
        send(tcb, now, plan, shared, output)?;
        if is_done(tcb) {
            wait(tcb, now);
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a look for the next segment would find none: all that is queued has left, and with it an
/// acknowledgement that tells the window.
fn is_done(tcb: &Tcb) -> bool {
    let end = tcb.snd.end + u64::from(tcb.snd.fin);
    let is_sent = tcb.snd.nxt >= end && !tcb.recovery.resend_first;
    is_sent && tcb.ack != Acknowledgement::Now && !tcb.state.is_opening()
}

/// RFC 5681, 4.1: after a timeout's length of silence, what was learned about the path is old.
fn restart_after_idle(tcb: &mut Tcb, now: Instant) {
    if tcb.snd.una == tcb.snd.max && now > tcb.rtt.expiry(tcb.snd.last_sent) {
        tcb.congestion.restart_after_idle(tcb.snd.mss);
    }
}

fn next(tcb: &Tcb, shared: &Shared) -> Option<Plan> {
    if tcb.state.is_opening() {
        return next_syn(tcb);
    }
    if tcb.recovery.resend_first {
        let text = (tcb.snd.end.min(tcb.snd.max)).saturating_sub(tcb.snd.una);
        let len = (text as usize).min(usize::from(tcb.snd.mss));
        return Some(with_fin(tcb, tcb.snd.una, len));
    }
    next_text(tcb, shared).or_else(|| {
        let owed = tcb.ack == Acknowledgement::Now || wants_window_update(tcb, shared);
        owed.then_some(Plan {
            from: tcb.snd.standing(),
            len: 0,
            flags: Flags::ACK,
        })
    })
}

/// A SYN, a SYN-ACK when SYNs have crossed, or the acknowledgement of one that came again.
#[cold]
fn next_syn(tcb: &Tcb) -> Option<Plan> {
    let syn = tcb.snd.nxt == ORIGIN;
    let ack = tcb.state == State::SynReceived;
    let flags = Flags::default()
        .with_if(syn, Flags::SYN)
        .with_if(ack, Flags::ACK);
    let wanted = syn || (ack && tcb.ack == Acknowledgement::Now);
    wanted.then_some(Plan {
        from: tcb.snd.nxt,
        len: 0,
        flags,
    })
}

/// New data, or data that a timeout took back: as much as windows and politeness allow.
fn next_text(tcb: &Tcb, shared: &Shared) -> Option<Plan> {
    let snd = &tcb.snd;
    let queued = snd.end.saturating_sub(snd.nxt) as usize;
    let window = sendable_window(tcb);
    let available = queued.min(window);
    let mss = usize::from(snd.mss);
    if available == 0 {
        // A FIN takes no room at the peer: it goes even into a closed window.
        let fin = queued == 0 && snd.fin && snd.nxt == snd.end;
        if fin {
            return Some(with_fin(tcb, snd.nxt, 0));
        }
        return (queued > 0 && snd.probe).then(|| with_fin(tcb, snd.nxt, 1));
    }
    let limit = available.min(shared.max_text.max(mss));
    // Whole segments, and the rest if it may go too.
    let len = if limit == available && may_send_tail(tcb, available, queued) {
        limit
    } else {
        limit / mss * mss
    };
    (len > 0).then(|| with_fin(tcb, snd.nxt, len))
}

/// Bytes from `snd.nxt` on that the windows of peer and path allow.
fn sendable_window(tcb: &Tcb) -> usize {
    let snd = &tcb.snd;
    let path = tcb
        .congestion
        .cwnd
        .saturating_add(tcb.recovery.limited_transmit(snd.mss));
    let right = snd.una + u64::from(snd.wnd.min(path));
    right.saturating_sub(snd.nxt) as usize
}

/// Whether less than a whole segment may go at the end of what is available (RFC 9293, 3.8.6.2.1):
/// it is all there is and no small one is in flight (the Nagle algorithm, 3.7.4, as Minshall
/// relaxed it), or it is half of the largest window the peer ever had.
fn may_send_tail(tcb: &Tcb, available: usize, queued: usize) -> bool {
    let snd = &tcb.snd;
    // One that a timeout took back is not in flight: it must not wait for itself.
    let small_in_flight = (snd.una + 1..=snd.nxt).contains(&snd.small);
    let all = available == queued && (!snd.nagle || snd.fin || !small_in_flight);
    all || snd.probe || available >= (snd.max_wnd / 2).max(1) as usize
}

/// A plan for text at `from`, with PSH and FIN where they belong.
fn with_fin(tcb: &Tcb, from: u64, len: usize) -> Plan {
    let at_end = from + len as u64 == tcb.snd.end;
    let flags = Flags::ACK
        .with_if(at_end && len > 0, Flags::PSH)
        .with_if(at_end && tcb.snd.fin, Flags::FIN);
    Plan { from, len, flags }
}

fn send(
    tcb: &mut Tcb,
    now: Instant,
    plan: Plan,
    shared: &mut Shared,
    output: &mut dyn Output,
) -> Result<(), Blocked> {
    let mut payload = heapless::Vec::new();
    let plan = gather(tcb, plan, shared.max_parts, &mut payload);
    let edge = if plan.flags.has(Flags::ACK) {
        offered_edge(tcb, shared)
    } else {
        tcb.rcv.edge
    };
    let edge = edge.max(tcb.rcv.edge);
    let mut head = header(tcb, now, &plan, edge, shared).head(plan.len);
    let mss = usize::from(tcb.snd.mss);
    // Most have one, and a division costs as much as a checksum.
    let segments = if plan.len <= mss {
        1
    } else {
        plan.len.div_ceil(mss)
    };
    let again = plan.takes() > 0 && plan.from < tcb.snd.max;
    output.transmit(Outgoing {
        local: *tcb.local.ip(),
        remote: *tcb.remote.ip(),
        head: &mut head,
        payload: &payload,
        gso_size: (segments > 1).then_some(tcb.snd.mss),
        again,
    })?;
    shared.stats.segments_sent += segments as u64;
    if again {
        shared.stats.segments_resent += segments as u64;
        tcb.snd.resent = tcb.snd.resent.saturating_add(segments as u32);
    }
    tcb.rcv.edge = edge;
    sent(tcb, now, &plan, shared);
    Ok(())
}

/// The text of a plan in chunks. Where these are too many for one frame it is cut at a whole
/// segment, so that no small one stands in the middle.
fn gather(
    tcb: &Tcb,
    plan: Plan,
    max_parts: usize,
    payload: &mut heapless::Vec<Chunk, MAX_CHUNKS>,
) -> Plan {
    let Some(queue) = tcb.snd.queue.as_ref().filter(|_| plan.len > 0) else {
        return plan;
    };
    let parts = max_parts.clamp(1, MAX_CHUNKS);
    let len = queue.gather(plan.from, plan.len, parts, payload);
    if len == plan.len {
        return plan;
    }
    payload.clear();
    let mss = usize::from(tcb.snd.mss);
    let len = if len > mss { len / mss * mss } else { len };
    queue.gather(plan.from, len, parts, payload);
    with_fin(tcb, plan.from, len)
}

/// The header of a planned segment that offers a window up to `edge`.
fn header(tcb: &Tcb, now: Instant, plan: &Plan, edge: u64, shared: &Shared) -> Reply {
    let is_syn = plan.flags.has(Flags::SYN);
    let mut options = Options {
        timestamps: tcb.clock.as_ref().map(|clock| clock.stamp(now)),
        ..Options::default()
    };
    if is_syn {
        options.mss = Some(shared.config.mss());
        // In a SYN-ACK only if the peer scales (RFC 7323, 2.2).
        options.window_scale = (tcb.rcv.scale > 0).then_some(tcb.rcv.scale);
    }
    let window = if is_syn {
        initial_window(&shared.config)
    } else {
        u16::try_from(edge.saturating_sub(tcb.rcv.nxt) >> tcb.rcv.scale).unwrap_or(u16::MAX)
    };
    Reply {
        local: tcb.local,
        remote: tcb.remote,
        seq: tcb.snd.seq(plan.from),
        ack: if plan.flags.has(Flags::ACK) {
            tcb.rcv.seq(tcb.rcv.nxt)
        } else {
            crate::Seq(0)
        },
        flags: plan.flags,
        window,
        options,
    }
}

/// Where the window could end: the buffer less what is unread. With little memory left, nothing new
/// is offered, but what was offered stays (RFC 9293, 3.8.6: a window does not shrink).
fn offered_edge(tcb: &Tcb, shared: &Shared) -> u64 {
    let room = shared.config.receive_buffer.saturating_sub(tcb.unread());
    let largest = usize::from(u16::MAX) << tcb.rcv.scale;
    let edge = tcb.rcv.nxt + room.min(largest) as u64;
    // RFC 9293, 3.8.6.2.2: it moves by a worthwhile step, or it stays.
    let half = (shared.config.receive_buffer / 2) as u64;
    let step = edge.saturating_sub(tcb.rcv.edge.max(tcb.rcv.nxt));
    let is_low = |class| shared.pool.is_low(class);
    if step < half.min(u64::from(tcb.rcv.mss)) || is_low(Class::Page) || is_low(Class::Bay) {
        tcb.rcv.edge
    } else {
        edge
    }
}

/// Whether a window that has moved is told by itself: only when little is still on offer (half of a
/// window that is not scaled, or of the buffer); else the next acknowledgement says it.
fn wants_window_update(tcb: &Tcb, shared: &Shared) -> bool {
    if !tcb.state.can_receive() || tcb.user.released {
        return false;
    }
    let half = (shared.config.receive_buffer / 2) as u64;
    let offered = u64::from(tcb.rcv.window());
    let little = half.min(u64::from(u16::MAX / 2));
    offered < little && offered_edge(tcb, shared) > tcb.rcv.edge
}

/// What changes once a segment has left.
fn sent(tcb: &mut Tcb, now: Instant, plan: &Plan, shared: &mut Shared) {
    let takes = plan.takes();
    if plan.flags.has(Flags::ACK) {
        // Of several that are alike each goes by itself; one with text is not like them.
        tcb.rcv.duplicates = tcb.rcv.duplicates.saturating_sub(u8::from(takes == 0));
        tcb.ack = match tcb.rcv.duplicates {
            0 => Acknowledgement::NotOwed,
            _ => Acknowledgement::Now,
        };
        tcb.rcv.acked = tcb.rcv.nxt;
        tcb.timers.stop(Timer::DelayedAck);
    }
    if takes == 0 {
        return;
    }
    let snd = &mut tcb.snd;
    let end = plan.from + takes;
    if plan.from < snd.max {
        // Karn: what is sent twice is not timed.
        snd.timed = None;
    } else if snd.timed.is_none() {
        snd.timed = Some((end, now));
    }
    let mss = usize::from(snd.mss);
    if plan.len > 0 && (plan.len < mss || !plan.len.is_multiple_of(mss)) {
        snd.small = end;
    }
    // A probe of a closed window does not count as sent: what it carried is sent again.
    let is_probe = core::mem::take(&mut snd.probe) && snd.wnd == 0;
    let resent_first = core::mem::take(&mut tcb.recovery.resend_first);
    if !resent_first && !is_probe {
        snd.nxt = end;
    }
    snd.max = snd.max.max(end);
    snd.last_sent = now;
    let since = *snd.unanswered_since.get_or_insert(now);
    if resent_first || !tcb.timers.is_set(Timer::Retransmit) {
        // No later than patience ends.
        let last = since + tcb.patience(&shared.config);
        tcb.timers
            .set(Timer::Retransmit, last.min(tcb.rtt.expiry(now)));
    }
}

/// Nothing more may be sent: what has to happen if nothing comes?
fn wait(tcb: &mut Tcb, now: Instant) {
    if tcb.ack == Acknowledgement::Owed && !tcb.timers.is_set(Timer::DelayedAck) {
        tcb.timers.set(Timer::DelayedAck, now + DELAYED_ACK);
    }
    if tcb.congestion.is_used_by(tcb.in_flight(), tcb.snd.mss) {
        tcb.snd.used_until = tcb.snd.nxt;
    }
    // Data waits for a window while nothing is in flight whose acknowledgement could open it: nothing
    // was sent, or a timeout took it back.
    let stuck = tcb.snd.una == tcb.snd.nxt && tcb.snd.end > tcb.snd.nxt;
    if stuck && !tcb.state.is_opening() && !tcb.timers.is_set(Timer::Retransmit) {
        tcb.timers.set(Timer::Retransmit, tcb.rtt.expiry(now));
    }
}

#[cfg(test)]
mod tests;
