//! The fifth step of RFC 9293, 3.10.7.4: what an acknowledgement says.

use packet::Instant;

use crate::handshake;
use crate::input::{Seg, challenge, reset_of};
use crate::outbox::Reply;
use crate::state::Event;
use crate::tcb::{Shared, Tcb};
use crate::timers::Timer;
use crate::{Drop, Flags, State};

/// Takes the acknowledgement and the window of a segment.
pub(crate) fn acknowledge(
    tcb: &mut Tcb,
    now: Instant,
    seg: &Seg,
    shared: &mut Shared,
) -> Result<(), Drop> {
    if !seg.flags.has(Flags::ACK) {
        return Err(Drop::Flags);
    }
    if tcb.state == State::SynReceived {
        return complete_simultaneous_open(tcb, now, seg, shared);
    }
    // RFC 5961, 5.2: beyond what was sent, or further back than any window, is a blind guess.
    let oldest = tcb.snd.una.saturating_sub(u64::from(tcb.snd.max_wnd));
    if !(oldest..=tcb.snd.max).contains(&seg.ack) {
        let _ = challenge(tcb, now);
        return Err(Drop::BadAck);
    }
    if seg.ack > tcb.snd.una {
        take_new(tcb, now, seg, shared);
    } else if is_duplicate(tcb, seg) {
        let (una, max) = (tcb.snd.una, tcb.snd.max);
        tcb.recovery
            .on_duplicate(una, max, &mut tcb.congestion, tcb.snd.mss);
    }
    if seg.ack >= tcb.snd.una {
        update_window(tcb, seg);
    }
    if tcb.fin_is_acked() {
        tcb.on(Event::AckedFin);
        if tcb.state == State::Closed {
            tcb.close(None, shared);
        }
    }
    Ok(())
}

/// RFC 9293, 3.10.7.4, fifth, SYN-RECEIVED, for SYNs that crossed.
#[cold]
fn complete_simultaneous_open(
    tcb: &mut Tcb,
    now: Instant,
    seg: &Seg,
    shared: &mut Shared,
) -> Result<(), Drop> {
    if seg.ack <= tcb.snd.una || seg.ack > tcb.snd.max {
        let reset = Reply {
            seq: tcb.snd.seq(seg.ack),
            flags: Flags::RST,
            ..reset_of(tcb, now)
        };
        shared.stats.resets_sent += 1;
        shared.outbox.push(reset, &mut shared.stats);
        return Err(Drop::BadAck);
    }
    handshake::synchronised(tcb, now, seg.ack);
    shared.stats.connected += 1;
    set_window(tcb, seg);
    Ok(())
}

/// RFC 5681, 2: an acknowledgement that says nothing but that something else arrived.
fn is_duplicate(tcb: &Tcb, seg: &Seg) -> bool {
    seg.ack == tcb.snd.una
        && tcb.snd.nxt > tcb.snd.una
        && seg.text_len == 0
        && !seg.flags.has(Flags::FIN)
        && seg.wnd == tcb.snd.wnd
}

fn take_new(tcb: &mut Tcb, now: Instant, seg: &Seg, shared: &mut Shared) {
    let was_used = tcb.snd.una < tcb.snd.used_until;
    let acked = u32::try_from(seg.ack - tcb.snd.una).unwrap_or(u32::MAX);
    if tcb.snd.wnd == 0 && seg.wnd == 0 {
        // A probe found room although none was told (a window's last bytes, less than a step of its
        // scale, are not): the next comes later all the same (RFC 9293, 3.8.6.1).
        tcb.snd.timed = None;
    } else {
        sample_round_trip(tcb, now, seg);
    }
    tcb.snd.una = seg.ack;
    // After a timeout `nxt` went back; the peer had some of it all along.
    tcb.snd.nxt = tcb.snd.nxt.max(seg.ack);
    tcb.recovery
        .on_ack(seg.ack, acked, was_used, &mut tcb.congestion, tcb.snd.mss);
    release(tcb, shared);
    // RFC 6298, 5.2 and 5.3.
    if tcb.snd.una == tcb.snd.max {
        tcb.timers.stop(Timer::Retransmit);
        tcb.snd.unanswered_since = None;
    } else {
        tcb.timers.set(Timer::Retransmit, tcb.rtt.expiry(now));
        tcb.snd.unanswered_since = Some(now);
    }
    if tcb.timers.is_set(Timer::Orphan) {
        tcb.timers
            .set(Timer::Orphan, now + shared.config.orphan_timeout);
    }
}

/// Gives back what is acknowledged.
fn release(tcb: &mut Tcb, shared: &mut Shared) {
    let Some(queue) = &mut tcb.snd.queue else {
        return;
    };
    queue.acknowledge(tcb.snd.una);
    if queue.is_empty()
        && let Some(queue) = tcb.snd.queue.take()
    {
        shared.spare.give_send(queue);
    }
}

/// One sample from the timed segment or, where that had to be given up, from the echoed timestamp,
/// which tells apart what was sent twice (RFC 7323, 4.1).
fn sample_round_trip(tcb: &mut Tcb, now: Instant, seg: &Seg) {
    match tcb.snd.timed {
        Some((end, sent)) if seg.ack >= end => {
            tcb.snd.timed = None;
            tcb.rtt.sample(now.since(sent));
        }
        Some(_) => {}
        None => {
            let echo = tcb.clock.as_ref().zip(seg.timestamps);
            if let Some(rtt) = echo.and_then(|(clock, stamps)| clock.round_trip(now, stamps.echo)) {
                tcb.rtt.sample(rtt);
            }
        }
    }
}

/// RFC 9293, 3.10.7.4: only a segment newer than the last one that did may change the window, and
/// none is newer than one that acknowledges more. (By the letter of the RFC, text sent again would
/// move `una` and not the window, which would then end where the peer never said.)
fn update_window(tcb: &mut Tcb, seg: &Seg) {
    if tcb.snd.wl2 < seg.ack || tcb.snd.wl1 <= seg.seq {
        set_window(tcb, seg);
    }
}

/// Takes the window of a segment.
pub(crate) fn set_window(tcb: &mut Tcb, seg: &Seg) {
    let was_closed = tcb.snd.wnd == 0;
    tcb.snd.wnd = seg.wnd;
    tcb.snd.wl1 = seg.seq;
    tcb.snd.wl2 = seg.ack;
    tcb.snd.max_wnd = tcb.snd.max_wnd.max(seg.wnd);
    if tcb.snd.nxt == tcb.snd.una {
        // What waited for a window is sent by the ordinary rules again; and a peer that answers
        // probes is alive, however long its window stays closed (RFC 9293, 3.8.6.1).
        tcb.snd.unanswered_since = None;
        if was_closed && seg.wnd > 0 {
            tcb.rtt.reset_backoff();
            tcb.timers.stop(Timer::Retransmit);
        }
    }
}

#[cfg(test)]
mod tests;
