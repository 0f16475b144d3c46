//! Opening a connection: ours (RFC 9293, 3.10.1 and 3.10.7.3), and the last step of one that a
//! listener answered.

use core::net::SocketAddrV4;

use packet::Instant;

use crate::acknowledge::set_window;
use crate::input::Seg;
use crate::listener::HalfOpen;
use crate::notes::Noted;
use crate::options::TIMESTAMPS_LEN;
use crate::segment::Segment;
use crate::seq::ORIGIN;
use crate::state::Event;
use crate::tcb::{Acknowledgement, Shared, Tcb};
use crate::timers::Timer;
use crate::timestamps::Clock;
use crate::{Config, Drop, Error, Flags, Options, Seq, State};

/// RFC 9293, 3.7.1 [MUST-15]: without an MSS option.
pub(crate) const DEFAULT_MSS: u16 = 536;

/// The smallest MSS that is believed. With less, headers would be most of the traffic, and a peer
/// could make us send a packet a byte (CVE-2019-11479).
const MIN_MSS: u16 = 48;

/// RFC 7323, 2.3.
const MAX_SCALE: u8 = 14;

/// The text that fits into one segment to a peer that announced `mss`, or nothing.
pub(crate) fn send_mss(config: &Config, mss: Option<u16>, timestamps: bool) -> u16 {
    let mss = mss.unwrap_or(DEFAULT_MSS).min(config.mss());
    let options = if timestamps { TIMESTAMPS_LEN as u16 } else { 0 };
    mss.saturating_sub(options).max(MIN_MSS)
}

/// The shift that a peer announced, in bounds.
pub(crate) fn scale_of(options: &Options) -> Option<u8> {
    options.window_scale.map(|scale| scale.min(MAX_SCALE))
}

/// A control block whose SYN is to be sent.
pub(crate) fn active_open(
    now: Instant,
    (local, remote): (SocketAddrV4, SocketAddrV4),
    iss: Seq,
    timestamp_offset: u32,
    config: &Config,
) -> Tcb {
    let mut tcb = Tcb::new(local, remote, iss, send_mss(config, None, true));
    tcb.state = State::SynSent;
    tcb.clock = Some(Clock::new(now, timestamp_offset, 0));
    tcb.rcv.scale = Config::WINDOW_SCALE;
    tcb
}

/// The control block of a handshake that a listener answered, now that its last ACK has come.
pub(crate) fn passive_open(now: Instant, entry: &HalfOpen, config: &Config) -> Tcb {
    let mss = send_mss(config, Some(entry.mss), entry.timestamps.is_some());
    let mut tcb = Tcb::new(entry.local, entry.remote, entry.iss, mss);
    tcb.rcv.irs = entry.irs;
    tcb.rcv.nxt = ORIGIN + 1;
    tcb.rcv.acked = tcb.rcv.nxt;
    tcb.rcv.edge = tcb.rcv.nxt + u64::from(initial_window(config));
    tcb.snd.wl1 = ORIGIN;
    if let Some(scale) = entry.scale {
        (tcb.snd.scale, tcb.rcv.scale) = (scale, Config::WINDOW_SCALE);
    }
    tcb.clock = entry
        .timestamps
        .map(|(offset, recent)| Clock::new(now, offset, recent));
    tcb.state = State::SynReceived;
    tcb.noted = Noted::new(tcb.state);
    tcb.snd.max = ORIGIN + 1;
    if !entry.was_repeated() {
        tcb.snd.timed = Some((ORIGIN + 1, entry.sent));
    }
    synchronised(&mut tcb, now, ORIGIN + 1);
    tcb
}

/// The window of a SYN or SYN-ACK: not scaled (RFC 7323, 2.2).
pub(crate) fn initial_window(config: &Config) -> u16 {
    u16::try_from(config.receive_buffer).unwrap_or(u16::MAX)
}

/// Both SYNs are known to both: ESTABLISHED, or FIN-WAIT-1 if the user has finished meanwhile.
pub(crate) fn synchronised(tcb: &mut Tcb, now: Instant, ack: u64) {
    // A SYN that was sent twice is not timed (Karn).
    let timed = tcb.snd.timed.take();
    if let Some((_, sent)) = timed {
        tcb.rtt.sample(now.since(sent));
    }
    tcb.snd.una = ack;
    tcb.snd.nxt = tcb.snd.nxt.max(ack);
    tcb.rtt.handshake_over(timed.is_none());
    tcb.timers.stop(Timer::Retransmit);
    tcb.snd.unanswered_since = None;
    tcb.on(Event::Synchronised);
    if tcb.snd.fin {
        tcb.on(Event::QueuedFin);
    }
}

/// RFC 9293, 3.10.7.3.
#[cold]
pub(crate) fn in_syn_sent(
    tcb: &mut Tcb,
    now: Instant,
    segment: &Segment,
    shared: &mut Shared,
) -> Result<(), Drop> {
    let ack = tcb.snd.offset(segment.ack);
    let acks_us = segment.flags.has(Flags::ACK);
    // First: an acknowledgement of anything but our SYN.
    if acks_us && (ack <= ORIGIN || ack > tcb.snd.max) {
        shared.outbox.reset(now, segment, &mut shared.stats);
        return Err(Drop::BadAck);
    }
    // Second: a reset that acknowledges our SYN means that nobody listens (RFC 5961, 3.2).
    if segment.flags.has(Flags::RST) {
        if acks_us {
            tcb.close(Some(Error::Refused), shared);
        }
        return Err(Drop::Reset);
    }
    // Fourth: the SYN.
    if !segment.flags.has(Flags::SYN) {
        return Err(Drop::Flags);
    }
    take_syn(tcb, now, segment, &shared.config);
    let seg = Seg::new(tcb, segment);
    if acks_us {
        synchronised(tcb, now, ack);
        shared.stats.connected += 1;
        set_window(tcb, &seg);
        tcb.ack = Acknowledgement::Now;
    } else {
        // SYNs have crossed: ours goes out again, now as a SYN-ACK.
        tcb.on(Event::GotSyn);
        tcb.snd.nxt = ORIGIN;
        tcb.snd.timed = None;
    }
    // Text and FIN on a SYN are legal, but nobody sends them without Fast Open; the peer will
    // repeat them (RFC 9293, 3.10.7.3 allows to queue them).
    Ok(())
}

/// What the peer's SYN says of itself.
fn take_syn(tcb: &mut Tcb, now: Instant, segment: &Segment, config: &Config) {
    tcb.rcv.irs = segment.seq;
    tcb.rcv.nxt = ORIGIN + 1;
    tcb.rcv.acked = ORIGIN + 1;
    tcb.rcv.edge = tcb.rcv.nxt + u64::from(initial_window(config));
    // RFC 7323, 2.2 and 3.2: only what both offer is used.
    tcb.clock = match (&tcb.clock, segment.options.timestamps) {
        (Some(clock), Some(stamps)) => Some(Clock::new(now, clock.offset, stamps.value)),
        _ => None,
    };
    match scale_of(&segment.options) {
        Some(scale) => tcb.snd.scale = scale,
        None => (tcb.snd.scale, tcb.rcv.scale) = (0, 0),
    }
    tcb.snd.mss = send_mss(config, segment.options.mss, tcb.clock.is_some());
    tcb.congestion = crate::congestion::Reno::new(tcb.snd.mss);
}

#[cfg(test)]
mod tests;
