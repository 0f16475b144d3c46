//! What a segment does to a connection (RFC 9293, 3.10.7.4): one function for each numbered step.

use core::num::NonZeroU64;

use packet::{Frame, Instant};

use crate::acknowledge::acknowledge;
use crate::handshake;
use crate::options::Timestamps;
use crate::outbox::Reply;
use crate::recv::Text;
use crate::segment::Segment;
use crate::seq::ORIGIN;
use crate::state::Event;
use crate::tcb::{Acknowledgement, Shared, Tcb};
use crate::{Drop, Error, Flags, Options, Seq, State};

/// A segment in the offsets of its connection: the SEG variables of RFC 9293.
#[derive(Debug)]
pub(crate) struct Seg {
    pub(crate) seq: u64,
    pub(crate) ack: u64,
    /// Bytes, scaled.
    pub(crate) wnd: u32,
    pub(crate) flags: Flags,
    pub(crate) timestamps: Option<Timestamps>,
    /// Where the text begins in the frame.
    text_start: usize,
    pub(crate) text_len: u32,
    gso_size: u16,
}

impl Seg {
    /// Unwraps the numbers of a segment: the only place where it happens.
    pub(crate) fn new(tcb: &Tcb, segment: &Segment) -> Self {
        // The window of a SYN is never scaled (RFC 7323, 2.2).
        let scale = if segment.flags.has(Flags::SYN) {
            0
        } else {
            tcb.snd.scale
        };
        Self {
            seq: tcb.rcv.offset(segment.seq),
            ack: tcb.snd.offset(segment.ack),
            wnd: u32::from(segment.window) << scale,
            flags: segment.flags,
            timestamps: segment.options.timestamps,
            text_start: segment.text_start,
            text_len: segment.text_len,
            gso_size: segment.gso_size,
        }
    }

    fn has_fin(&self) -> bool {
        self.flags.has(Flags::FIN)
    }

    /// The offset behind its text and FIN.
    fn end(&self) -> u64 {
        self.seq + u64::from(self.text_len) + u64::from(self.has_fin())
    }

    /// Drops text before `nxt`.
    fn trim_front(&mut self, nxt: u64) {
        let cut = nxt.saturating_sub(self.seq).min(u64::from(self.text_len));
        self.text_start += cut as usize;
        self.text_len -= cut as u32;
        self.seq += cut;
    }

    /// Drops text and FIN from `edge` on.
    fn trim_back(&mut self, edge: u64) {
        if self.end() <= edge {
            return;
        }
        self.flags.0 &= !Flags::FIN.0;
        let keep = edge.saturating_sub(self.seq).min(u64::from(self.text_len));
        self.text_len = keep as u32;
    }
}

/// Takes one segment. An error says why it, or a part of it, was thrown away.
pub(crate) fn segment_arrives(
    tcb: &mut Tcb,
    now: Instant,
    (segment, frame): (&Segment, Frame),
    shared: &mut Shared,
) -> Result<(), Drop> {
    if tcb.state == State::SynSent {
        return handshake::in_syn_sent(tcb, now, segment, shared);
    }
    let mut seg = Seg::new(tcb, segment);
    skip_crossed_syn(tcb, &mut seg);
    check_sequence(tcb, now, &mut seg)?;
    check_reset(tcb, now, &seg, shared)?;
    // Third, security: there are no compartments (RFC 9293, A.1).
    check_syn(tcb, now, &seg)?;
    acknowledge(tcb, now, &seg, shared)?;
    // Sixth, urgent: delivered as ordinary data (RFC 6093, 5).
    take_text_and_fin(tcb, now, (&seg, frame), shared)
}

/// When SYNs cross, the SYN of the peer's SYN-ACK is one that we have already: without it the
/// segment stands at the next number and its acknowledgement completes the handshake.
fn skip_crossed_syn(tcb: &Tcb, seg: &mut Seg) {
    let crossed = tcb.state == State::SynReceived
        && seg.seq == ORIGIN
        && seg.flags.has(Flags::SYN.with(Flags::ACK));
    if crossed {
        seg.flags.0 &= !Flags::SYN.0;
        seg.seq += 1;
    }
}

/// First: is it in the window, and is it not an old duplicate? Cuts what lies outside.
fn check_sequence(tcb: &mut Tcb, now: Instant, seg: &mut Seg) -> Result<(), Drop> {
    check_timestamp(tcb, now, seg)?;
    let (nxt, edge) = (tcb.rcv.nxt, tcb.rcv.edge.max(tcb.rcv.nxt));
    if seg.seq == nxt && seg.end() <= edge && !seg.flags.has(Flags::SYN) {
        // What nearly every segment is: the next, and there is room for it.
        take_timestamp(tcb, now, seg);
        return Ok(());
    }
    check_position(tcb, now, seg, (nxt, edge))
}

/// As [`check_sequence`], for a segment anywhere.
#[cold]
fn check_position(
    tcb: &mut Tcb,
    now: Instant,
    seg: &mut Seg,
    (nxt, edge): (u64, u64),
) -> Result<(), Drop> {
    let len = seg.end() - seg.seq + u64::from(seg.flags.has(Flags::SYN));
    // With a closed window a segment at `nxt` is still good for its acknowledgement (RFC 9293,
    // 3.10.7.4): its text is cut below.
    let starts_inside = seg.seq == nxt || (nxt..edge).contains(&seg.seq);
    // A peer that has filled the window acknowledges from its edge. By the letter of 3.10.7.4 that is
    // outside while the window has a hole, and two such peers would never hear each other again.
    let at_edge = seg.seq == edge && len == 0 && !seg.flags.has(Flags::RST);
    let ends_inside = len > 0 && seg.seq < nxt && seg.seq + len > nxt;
    // Who has probed a closed window stands before its probe. If we had room for it all the same, that
    // is one back; two such peers would go on answering each other.
    let is_one_back = seg.seq + 1 == nxt && len == 0 && !seg.flags.has(Flags::RST);
    if !starts_inside && !ends_inside && !at_edge && !is_one_back {
        if !seg.flags.has(Flags::RST) && (seg.text_len > 0 || tcb.challenges.allows(now)) {
            tcb.ack = Acknowledgement::Now;
        }
        return Err(Drop::OutsideWindow);
    }
    take_timestamp(tcb, now, seg);
    if is_one_back {
        // As a keep-alive is.
        if tcb.challenges.allows(now) {
            tcb.ack = Acknowledgement::Now;
        }
    } else if seg.seq < nxt || seg.end() > edge {
        // Part of it is known already or does not fit: tell the peer where we are.
        tcb.ack = Acknowledgement::Now;
    }
    seg.trim_front(nxt);
    seg.trim_back(edge);
    Ok(())
}

/// RFC 7323, 4.3: what is echoed is the timestamp of the segment where the last acknowledgement ended.
fn take_timestamp(tcb: &mut Tcb, now: Instant, seg: &Seg) {
    if let (Some(clock), Some(timestamps)) = (&mut tcb.clock, seg.timestamps)
        && seg.seq <= tcb.rcv.acked
    {
        clock.take(now, timestamps.value);
    }
}

/// PAWS (RFC 7323, 5.3), and 3.2: once both use timestamps, a segment without is dropped.
fn check_timestamp(tcb: &mut Tcb, now: Instant, seg: &Seg) -> Result<(), Drop> {
    let Some(clock) = &tcb.clock else {
        return Ok(());
    };
    if seg.flags.has(Flags::RST) {
        return Ok(());
    }
    let Some(timestamps) = seg.timestamps else {
        return Err(Drop::OldTimestamp);
    };
    if clock.is_old(now, timestamps.value) {
        if seg.text_len > 0 || tcb.challenges.allows(now) {
            tcb.ack = Acknowledgement::Now;
        }
        return Err(Drop::OldTimestamp);
    }
    Ok(())
}

/// Second: a reset counts only exactly at the next number (RFC 5961, 3.2).
fn check_reset(tcb: &mut Tcb, now: Instant, seg: &Seg, shared: &mut Shared) -> Result<(), Drop> {
    if seg.flags.has(Flags::RST) {
        reset_arrives(tcb, now, seg, shared)
    } else {
        Ok(())
    }
}

#[cold]
fn reset_arrives(tcb: &mut Tcb, now: Instant, seg: &Seg, shared: &mut Shared) -> Result<(), Drop> {
    if seg.seq != tcb.rcv.nxt {
        return challenge(tcb, now);
    }
    let error = match tcb.state {
        State::SynReceived => Some(Error::Refused),
        State::Closing | State::LastAck | State::TimeWait => None,
        _ => Some(Error::Reset),
    };
    tcb.close(error, shared);
    Err(Drop::Reset)
}

/// Fourth: a SYN within a connection is answered with where we are (RFC 5961, 4.2).
fn check_syn(tcb: &mut Tcb, now: Instant, seg: &Seg) -> Result<(), Drop> {
    if seg.flags.has(Flags::SYN) {
        challenge(tcb, now)
    } else {
        Ok(())
    }
}

/// Sends a challenge ACK, if this connection may send one more.
#[cold]
pub(crate) fn challenge(tcb: &mut Tcb, now: Instant) -> Result<(), Drop> {
    if tcb.challenges.allows(now) {
        tcb.ack = Acknowledgement::Now;
    }
    Err(Drop::Challenged)
}

/// Seventh, the text, and eighth, the FIN.
fn take_text_and_fin(
    tcb: &mut Tcb,
    now: Instant,
    (seg, frame): (&Seg, Frame),
    shared: &mut Shared,
) -> Result<(), Drop> {
    if seg.text_len == 0 && !seg.has_fin() {
        return Ok(());
    }
    if !tcb.state.can_receive() {
        // The peer has finished before: what comes now was sent again.
        tcb.ack = Acknowledgement::Now;
        return Ok(());
    }
    if tcb.user.released && seg.text_len > 0 {
        return refuse_text(tcb, now, seg.ack, shared);
    }
    if seg.has_fin() {
        tcb.rcv.fin = NonZeroU64::new(seg.seq + u64::from(seg.text_len));
    }
    let result = take_text(tcb, seg, frame, shared);
    take_fin(tcb);
    result
}

/// Nobody will read this: the peer must not believe that it arrived (RFC 9293, 3.6.1). The reset is
/// that of a connection which is no more: it stands where the peer expects it, whatever of ours is
/// still on its way.
#[cold]
fn refuse_text(tcb: &mut Tcb, now: Instant, ack: u64, shared: &mut Shared) -> Result<(), Drop> {
    let reset = Reply {
        seq: tcb.snd.seq(ack),
        ack: Seq(0),
        flags: Flags::RST,
        ..reset_of(tcb, now)
    };
    shared.stats.resets_sent += 1;
    shared.outbox.push(reset, &mut shared.stats);
    tcb.close(Some(Error::Closed), shared);
    Err(Drop::NobodyReads)
}

/// The reset that ends this connection for its peer.
pub(crate) fn reset_of(tcb: &Tcb, now: Instant) -> Reply {
    Reply {
        local: tcb.local,
        remote: tcb.remote,
        seq: tcb.snd.seq(tcb.snd.standing()),
        ack: tcb.rcv.seq(tcb.rcv.nxt),
        flags: Flags::RST.with(Flags::ACK),
        window: 0,
        // A reset should have timestamps too (RFC 7323, 3.2).
        options: Options {
            timestamps: tcb.clock.as_ref().map(|clock| clock.stamp(now)),
            ..Options::default()
        },
    }
}

fn take_text(tcb: &mut Tcb, seg: &Seg, frame: Frame, shared: &mut Shared) -> Result<(), Drop> {
    if seg.seq > tcb.rcv.nxt {
        // RFC 5681, 4.2: what is out of order is acknowledged at once, be it only a FIN; and each
        // segment by itself, for the sender counts.
        tcb.ack = Acknowledgement::Now;
        tcb.rcv.duplicates = tcb.rcv.duplicates.saturating_add(1);
    }
    if seg.text_len == 0 {
        return Ok(());
    }
    let size = match seg.gso_size {
        0 => seg.text_len.min(u32::from(u16::MAX)) as u16,
        size => size,
    };
    tcb.rcv.mss = tcb.rcv.mss.max(size);
    let text = Text {
        frame,
        start: seg.text_start,
        len: seg.text_len as usize,
    };
    // Memory, not payload: twice the window leaves room for buffers that are half full.
    let budget = 2 * shared.config.receive_buffer;
    let queue = match &mut tcb.rcv.queue {
        Some(queue) => queue,
        none => none.insert(shared.spare.recv.pop().unwrap_or_default()),
    };
    if seg.seq > tcb.rcv.nxt {
        let kept = queue.push_later(seg.seq, text, budget);
        return if kept { Ok(()) } else { Err(Drop::NoMemory) };
    }
    let had_hole = queue.has_hole();
    let taken = queue.push(tcb.rcv.nxt, text, budget, &shared.pool);
    tcb.rcv.nxt += taken as u64;
    tcb.rcv.duplicates = 0;
    // RFC 5681, 4.2: a segment that fills a hole, and every second full-sized one, at once.
    let unacknowledged = tcb.rcv.nxt - tcb.rcv.acked;
    let complete = taken >= seg.text_len as usize;
    if had_hole || !complete || unacknowledged > u64::from(tcb.rcv.mss) {
        tcb.ack = Acknowledgement::Now;
    } else if tcb.ack == Acknowledgement::NotOwed {
        tcb.ack = Acknowledgement::Owed;
    }
    if complete {
        Ok(())
    } else {
        Err(Drop::NoMemory)
    }
}

/// The FIN counts when everything before it has arrived.
fn take_fin(tcb: &mut Tcb) {
    if tcb.rcv.fin.is_some_and(|fin| fin.get() == tcb.rcv.nxt) {
        tcb.rcv.nxt += 1;
        tcb.ack = Acknowledgement::Now;
        tcb.on(Event::GotFin);
    }
}

#[cfg(test)]
mod tests;
