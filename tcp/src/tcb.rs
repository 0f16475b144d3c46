//! The control block: what one connection knows (RFC 9293, 3.3.1).
//!
//! ```text
//!   send    |  acknowledged  |  in flight  |  queued, may go  |  queued  |
//!                           una           nxt        una + min(wnd, cwnd) end
//!
//!   receive |  read  |  unread  |  offered: edge - nxt  |
//!                              nxt                     edge
//! ```
//! Every position is an offset (see `seq`); only headers hold wrapped numbers.

use alloc::boxed::Box;
use core::net::SocketAddrV4;

use packet::{Duration, Instant, Pool};

use crate::challenge::Limiter;
use crate::congestion::Reno;
use crate::notes::{Noted, Notes};
use crate::outbox::Outbox;
use crate::recovery::Recovery;
use crate::recv::RecvQueue;
use crate::rtt::Estimator;
use crate::send::SendQueue;
use crate::seq::{ORIGIN, unwrap, wrap};
use crate::state::Event;
use crate::timers::Timers;
use crate::timestamps::Clock;
use crate::{Config, Error, Seq, State, Stats};

/// The control block of one connection, from the first SYN that we send, or the last step of a
/// handshake that we answered, until nobody needs it.
#[derive(Debug)]
pub(crate) struct Tcb {
    pub(crate) local: SocketAddrV4,
    pub(crate) remote: SocketAddrV4,
    pub(crate) state: State,
    pub(crate) noted: Noted,
    pub(crate) snd: SendSpace,
    pub(crate) rcv: ReceiveSpace,
    pub(crate) rtt: Estimator,
    pub(crate) congestion: Reno,
    pub(crate) recovery: Recovery,
    /// Timestamps, if both ends use them.
    pub(crate) clock: Option<Clock>,
    pub(crate) timers: Timers,
    pub(crate) ack: Acknowledgement,
    pub(crate) challenges: Limiter,
    pub(crate) user: User,
}

/// The send sequence space (RFC 9293, figure 3).
#[derive(Debug)]
pub(crate) struct SendSpace {
    pub(crate) iss: Seq,
    /// The oldest offset that is not acknowledged.
    pub(crate) una: u64,
    /// The next offset to send. After a timeout it goes back to `una`.
    pub(crate) nxt: u64,
    /// The highest offset sent so far, plus one.
    pub(crate) max: u64,
    /// The end of the queued data; our FIN stands here once the user has finished.
    pub(crate) end: u64,
    /// The window of the peer, from `una` on.
    pub(crate) wnd: u32,
    /// The largest window that the peer ever offered (RFC 5961, 5.2; silly windows).
    pub(crate) max_wnd: u32,
    /// The segment sequence number and acknowledgement of the last window update.
    pub(crate) wl1: u64,
    pub(crate) wl2: u64,
    /// The end of the last small segment (Minshall's form of the Nagle algorithm).
    pub(crate) small: u64,
    /// What was sent before here used the congestion window (RFC 7661, 4.1).
    pub(crate) used_until: u64,
    /// The segment that is timed for the round trip: its end, and when it left.
    pub(crate) timed: Option<(u64, Instant)>,
    /// Since when nothing that was sent has been answered.
    pub(crate) unanswered_since: Option<Instant>,
    /// When something that takes sequence numbers was sent last.
    pub(crate) last_sent: Instant,
    pub(crate) queue: Option<Box<SendQueue>>,
    /// The largest text that one segment to the peer may have, options subtracted.
    pub(crate) mss: u16,
    /// Segments sent again.
    pub(crate) resent: u32,
    /// By how many bits the peer's windows are shifted.
    pub(crate) scale: u8,
    /// Whether the user has finished.
    pub(crate) fin: bool,
    /// Whether small segments wait for earlier ones.
    pub(crate) nagle: bool,
    /// The persist timer wants a segment out, however small the window.
    pub(crate) probe: bool,
}

/// The receive sequence space (RFC 9293, figure 4).
#[derive(Debug)]
pub(crate) struct ReceiveSpace {
    pub(crate) irs: Seq,
    /// The next offset expected.
    pub(crate) nxt: u64,
    /// The right edge of the window, as far as it was ever told: it never moves back.
    pub(crate) edge: u64,
    /// The acknowledgement sent last (RFC 7323: Last.ACK.sent).
    pub(crate) acked: u64,
    /// Segments out of order whose acknowledgement is owed: so many that are alike, 255 at most.
    pub(crate) duplicates: u8,
    /// Where the peer's FIN stands, once it was seen.
    pub(crate) fin: Option<core::num::NonZeroU64>,
    pub(crate) queue: Option<Box<RecvQueue>>,
    /// The largest text seen in one segment: what a full-sized one is (RFC 5681, 4.2).
    pub(crate) mss: u16,
    /// By how many bits our windows are shifted.
    pub(crate) scale: u8,
}

/// Whether the peer is owed an acknowledgement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Acknowledgement {
    #[default]
    NotOwed,
    /// With the next data, or when the delayed-ACK timer expires.
    Owed,
    /// With the next output, data or not.
    Now,
}

/// What the user of the connection waits for and may still do.
#[derive(Debug, Default)]
pub(crate) struct User {
    pub(crate) waits_to_connect: bool,
    pub(crate) waits_to_read: bool,
    pub(crate) waits_to_write: bool,
    pub(crate) waits_to_drain: bool,
    /// It wanted to write and the pool had no memory; it stands in the list of such already.
    pub(crate) starved: bool,
    /// Nobody holds the id any more.
    pub(crate) released: bool,
    /// Why the connection ended, if it did badly.
    pub(crate) error: Option<Error>,
    /// The id stands in the list of events already.
    pub(crate) announced: bool,
    /// The slot stands in the list of connections with something to send already.
    pub(crate) ready: bool,
    /// The demultiplexer knows the connection.
    pub(crate) on_wire: bool,
}

impl User {
    /// The user was told: what it still waits for it will say again.
    pub(crate) fn forget_waits(&mut self) {
        self.waits_to_connect = false;
        self.waits_to_read = false;
        self.waits_to_write = false;
        self.waits_to_drain = false;
    }
}

/// What connections share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) pool: Pool,
    pub(crate) stats: Stats,
    pub(crate) notes: Notes,
    pub(crate) spare: Spare,
    /// What is to be sent for no control block.
    pub(crate) outbox: Outbox,
    /// What the link takes: the most text in one super-frame, and the most pieces.
    pub(crate) max_text: usize,
    pub(crate) max_parts: usize,
}

/// Empty queues: a connection has one only while it has something in it, and making one again must
/// not allocate.
#[derive(Default)]
pub(crate) struct Spare {
    #[expect(clippy::vec_box, reason = "the box itself is what is kept")]
    pub(crate) send: alloc::vec::Vec<Box<SendQueue>>,
    #[expect(clippy::vec_box, reason = "the box itself is what is kept")]
    pub(crate) recv: alloc::vec::Vec<Box<RecvQueue>>,
}

/// How many empty queues of each kind are kept. More are freed.
const SPARE_LIMIT: usize = 1024;

impl Spare {
    pub(crate) fn give_send(&mut self, mut queue: Box<SendQueue>) {
        queue.recycle();
        if self.send.len() < SPARE_LIMIT {
            self.send.push(queue);
        }
    }

    pub(crate) fn give_recv(&mut self, mut queue: Box<RecvQueue>) {
        queue.recycle();
        if self.recv.len() < SPARE_LIMIT {
            self.recv.push(queue);
        }
    }
}

impl Tcb {
    /// A control block before anything was sent or received. `mss` is the most text in a segment.
    pub(crate) fn new(local: SocketAddrV4, remote: SocketAddrV4, iss: Seq, mss: u16) -> Self {
        Self {
            local,
            remote,
            state: State::Closed,
            noted: Noted::new(State::Closed),
            snd: SendSpace {
                iss,
                una: ORIGIN,
                nxt: ORIGIN,
                max: ORIGIN,
                end: ORIGIN + 1,
                wnd: 0,
                max_wnd: 0,
                wl1: 0,
                wl2: 0,
                small: ORIGIN,
                used_until: ORIGIN,
                timed: None,
                unanswered_since: None,
                last_sent: Instant::ZERO,
                queue: None,
                mss,
                resent: 0,
                scale: 0,
                fin: false,
                nagle: true,
                probe: false,
            },
            rcv: ReceiveSpace {
                irs: Seq(0),
                nxt: ORIGIN,
                edge: ORIGIN,
                acked: ORIGIN,
                duplicates: 0,
                fin: None,
                queue: None,
                mss: 536,
                scale: 0,
            },
            rtt: Estimator::default(),
            congestion: Reno::new(mss),
            recovery: Recovery::new(ORIGIN),
            clock: None,
            timers: Timers::new(),
            ack: Acknowledgement::NotOwed,
            challenges: Limiter::default(),
            user: User::default(),
        }
    }

    /// How long the connection waits for an answer before it gives up.
    pub(crate) const fn patience(&self, config: &Config) -> Duration {
        if self.state.is_opening() {
            config.connect_timeout
        } else {
            config.user_timeout
        }
    }

    /// Moves along an edge of figure 5.
    pub(crate) fn on(&mut self, event: Event) {
        self.state = self.state.next(event);
    }

    /// Bytes (and SYN, FIN) that were sent and are not acknowledged.
    pub(crate) fn in_flight(&self) -> u32 {
        u32::try_from(self.snd.nxt - self.snd.una).unwrap_or(u32::MAX)
    }

    /// Whether our FIN was sent and is acknowledged.
    pub(crate) fn fin_is_acked(&self) -> bool {
        self.snd.fin && self.snd.una > self.snd.end
    }

    /// Whether everything that was queued, and a FIN if there is one, is acknowledged.
    pub(crate) fn is_drained(&self) -> bool {
        self.snd.una >= self.snd.end + u64::from(self.snd.fin)
    }

    /// Whether the peer's FIN and everything before it has arrived.
    pub(crate) fn peer_has_finished(&self) -> bool {
        self.rcv.fin.is_some_and(|fin| self.rcv.nxt > fin.get())
    }

    /// Bytes queued and not acknowledged.
    pub(crate) fn queued(&self) -> usize {
        (self.snd.end - self.snd.una.min(self.snd.end)) as usize
    }

    /// Whether something has happened that the user waits for.
    pub(crate) fn should_tell(&self, send_buffer: usize) -> bool {
        let (user, over) = (&self.user, self.state == State::Closed);
        (user.waits_to_connect && !self.state.is_opening())
            || (user.waits_to_read && (over || self.unread() > 0 || self.peer_has_finished()))
            // Not for every byte that is acknowledged: a writer is woken for half a buffer.
            || (user.waits_to_write && (over || self.queued() <= send_buffer / 2))
            || (user.waits_to_drain && (over || self.is_drained()))
    }

    /// Bytes that the user has not read.
    pub(crate) fn unread(&self) -> usize {
        self.rcv.queue.as_ref().map_or(0, |queue| queue.unread())
    }

    /// The connection is over for the wire; its user may still want to know why.
    #[inline(never)]
    pub(crate) fn close(&mut self, error: Option<Error>, shared: &mut Shared) {
        self.state = State::Closed;
        self.user.error = error;
        self.timers.stop_all();
        self.ack = Acknowledgement::NotOwed;
        self.snd.nxt = self.snd.max;
        if let Some(queue) = self.snd.queue.take() {
            shared.spare.give_send(queue);
        }
        // What arrived in order before a peer's reset is lost with it (RFC 9293, 3.10.7.4, second).
        if error.is_some() {
            self.drop_unread(shared);
        }
    }

    /// Throws away what nobody will read.
    pub(crate) fn drop_unread(&mut self, shared: &mut Shared) {
        if let Some(queue) = self.rcv.queue.take() {
            shared.spare.give_recv(queue);
        }
    }
}

impl SendSpace {
    /// The number of `offset` for a header.
    pub(crate) fn seq(&self, offset: u64) -> Seq {
        wrap(self.iss, offset)
    }

    /// The offset of a received acknowledgement number.
    pub(crate) fn offset(&self, ack: Seq) -> u64 {
        unwrap(self.iss, self.una, ack)
    }

    /// Where a segment without text stands: behind all that was sent, also while it is sent again, for
    /// further back the peer would take it for an old duplicate and not look at its acknowledgement.
    /// A byte that probes a closed window does not count: behind it is outside of that window.
    pub(crate) fn standing(&self) -> u64 {
        let is_probed = self.wnd == 0 && self.nxt == self.una && self.nxt < self.end;
        if is_probed && self.max == self.una + 1 {
            self.una
        } else {
            self.max
        }
    }
}

impl ReceiveSpace {
    /// The number of `offset` for a header.
    pub(crate) fn seq(&self, offset: u64) -> Seq {
        wrap(self.irs, offset)
    }

    /// The offset of a received sequence number.
    pub(crate) fn offset(&self, seq: Seq) -> u64 {
        unwrap(self.irs, self.nxt, seq)
    }

    /// The window that was offered: bytes from `nxt` on.
    pub(crate) fn window(&self) -> u32 {
        u32::try_from(self.edge.saturating_sub(self.nxt)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
