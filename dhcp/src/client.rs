//! The states of RFC 2131, Figure 5, and a function for each edge between them.
//!
//! One state is added: PROBING, between DHCPACK and BOUND, in which ARP finds out whether somebody has
//! the address already. INIT-REBOOT is no state in which anything waits: a link that comes up with a
//! lease still running goes straight to REBOOTING. There the address stays in use (3.7 allows it as
//! long as the lease runs), so that connections outlive a link that blinked.

mod acquire;
mod ask;
mod keep;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::net::Ipv4Addr;

use packet::{Duration, Instant, Random, Secrets};

use crate::exchange::{Exchange, Outgoing};
use crate::{Drop, Event, Kind, Lease, Lost, Message, Stats};

/// Tries of one DHCPREQUEST: 4 + 8 + 16 + 32 seconds (3.1, step 5).
const REQUEST_TRIES: u32 = 4;
/// The shortest and longest message that we say we take: what everybody must (RFC 2132, 9.10), and what
/// fits into a frame of Ethernet, as fragments cannot be put together without an address.
const MAX_SIZE: (u16, u16) = (576, 1500);

/// A client on one link.
pub struct Client {
    random: Random,
    mac: [u8; 6],
    /// The longest message that we take.
    max_size: u16,
    /// Whether the link carries frames: without it nothing is asked.
    is_up: bool,
    state: State,
    /// When the state's next step is due. The end of a lease is no step: it comes in any state.
    timer: Option<Instant>,
    exchange: Exchange,
    /// Conflicts since an address was last bound.
    conflicts: u32,
    /// The address in use.
    lease: Option<Box<Lease>>,
    /// Only the newest: an older message has lost its sense.
    outgoing: Option<Outgoing>,
    events: VecDeque<Event>,
    stats: Stats,
}

/// Where in Figure 5 a client is. From `Bound` on it has a lease.
#[derive(Clone, Debug)]
enum State {
    Init,
    Selecting,
    Requesting(Offer),
    Probing(Box<Lease>),
    Bound,
    Renewing,
    Rebinding,
    Rebooting,
}

/// What was offered, and by whom.
#[derive(Clone, Copy, Debug)]
struct Offer {
    address: Ipv4Addr,
    server: Ipv4Addr,
}

impl Client {
    /// A client that waits for its link. `xid`s and the variation of delays come from `secrets`.
    #[must_use]
    pub fn new(secrets: &Secrets) -> Self {
        let mut random = secrets.random("dhcp");
        Self {
            mac: [0; 6],
            max_size: MAX_SIZE.0,
            is_up: false,
            state: State::Init,
            timer: None,
            exchange: Exchange::new(Instant::ZERO, &mut random),
            conflicts: 0,
            lease: None,
            outgoing: None,
            events: VecDeque::new(),
            stats: Stats::default(),
            random,
        }
    }

    /// The address in use, and all that came with it.
    #[must_use]
    pub fn lease(&self) -> Option<&Lease> {
        self.lease.as_deref()
    }

    /// What was done so far.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The link came up, perhaps to another network: an address is asked for, or the one that we have
    /// verified.
    pub fn link_up(&mut self, now: Instant, mac: [u8; 6], mtu: u16) {
        let is_ours = mac == self.mac;
        self.is_up = true;
        self.mac = mac;
        self.max_size = mtu.clamp(MAX_SIZE.0, MAX_SIZE.1);
        match self.lease {
            Some(_) if is_ours => self.reboot(now),
            Some(_) => self.lose(now, Lost::OtherHardware),
            None => self.init(now, Duration::ZERO),
        }
    }

    /// The link went down: nothing is asked, and a lease goes on to run.
    pub fn link_down(&mut self) {
        self.is_up = false;
        self.outgoing = None;
        self.timer = None;
        self.state = match self.lease {
            Some(_) => State::Rebooting,
            None => State::Init,
        };
    }

    /// Takes in the payload of a datagram to port 68.
    ///
    /// # Errors
    /// Why it was dropped; it is counted already.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Drop> {
        self.stats.received += 1;
        let taken = self.take(now, bytes);
        taken.inspect_err(|reason| self.stats.drop(*reason))
    }

    /// Tells what became of [`Event::Probe`]: whether nobody has the address.
    pub fn probed(&mut self, now: Instant, address: Ipv4Addr, is_free: bool) {
        match core::mem::replace(&mut self.state, State::Init) {
            State::Probing(lease) if lease.address == address => match is_free {
                true => self.bind(lease),
                false => self.decline(now, &lease),
            },
            state => self.state = state,
        }
    }

    /// When [`Client::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let end = self.times().map(|times| times.end);
        self.timer.into_iter().chain(end).min()
    }

    /// Does what has become due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.times().is_some_and(|times| times.end <= now) {
            self.lose(now, Lost::Expired);
        }
        // More than one step when nobody called for long.
        while self.timer.is_some_and(|at| at <= now) {
            self.timer = None;
            self.step(now);
        }
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Outgoing> {
        self.outgoing.take()
    }

    /// The next thing that others have to do, or may want to know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

/// What the clock and servers bring about.
impl Client {
    fn step(&mut self, now: Instant) {
        match self.state {
            State::Init => self.discover(now),
            State::Selecting => self.discover_again(now),
            State::Requesting(offer) => self.request_again(now, offer),
            State::Probing(_) => {}
            State::Bound | State::Renewing => self.renew(now),
            State::Rebinding => self.rebind(now),
            State::Rebooting => self.verify_again(now),
        }
    }

    fn take(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Drop> {
        let message = Message::parse(bytes).map_err(|_| Drop::Malformed)?;
        if message.xid != self.exchange.xid {
            return Err(Drop::OtherExchange);
        }
        let identifier = &message.options.identifier;
        let is_ours = identifier.is_empty() || *identifier == self.identifier();
        if message.chaddr != self.mac || !is_ours {
            return Err(Drop::OtherClient);
        }
        let server = message.options.server.ok_or(Drop::NoServer)?;
        match (&self.state, message.kind) {
            (State::Selecting, Kind::Offer) => self.select(now, server, &message),
            (State::Requesting(offer), Kind::Ack | Kind::Nak) if offer.server != server => {
                Err(Drop::OtherServer)
            }
            (State::Requesting(offer), Kind::Ack) => self.probe(*offer, &message),
            (State::Requesting(_), Kind::Nak) => self.refused(now),
            (State::Renewing, Kind::Ack | Kind::Nak)
                if self.lent().is_none_or(|(ours, _)| ours != server) =>
            {
                Err(Drop::OtherServer)
            }
            (State::Renewing | State::Rebinding | State::Rebooting, Kind::Ack) => {
                self.extend(&message)
            }
            (State::Renewing | State::Rebinding | State::Rebooting, Kind::Nak) => {
                self.lose(now, Lost::Refused);
                Ok(())
            }
            _ => Err(Drop::Unexpected),
        }
    }
}

#[cfg(test)]
mod tests;
