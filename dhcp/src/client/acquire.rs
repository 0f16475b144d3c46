//! From INIT to BOUND: an address is asked for, offered, requested, given, and found to be free.

use alloc::boxed::Box;
use core::net::Ipv4Addr;

use packet::{Duration, Instant};

use super::{Client, Offer, REQUEST_TRIES, State};
use crate::exchange::Exchange;
use crate::{Drop, Event, Kind, Lease, Message, Options};

/// Tries of a DHCPDISCOVER after which somebody should be told: 12 seconds.
const TRIES_TO_TELL: u32 = 2;
/// Before starting over with a server that gave an address in use (3.1, step 5), or took it back.
const RESTART_DELAY: Duration = Duration::from_secs(10);
/// The same from the tenth conflict on: MAX_CONFLICTS and RATE_LIMIT_INTERVAL of RFC 5227, 2.1.1.
const MAX_CONFLICTS: u32 = 10;
const RATE_LIMIT_INTERVAL: Duration = Duration::from_secs(60);

impl Client {
    /// To INIT, for as long as `delay`, or until the link comes up.
    pub(super) fn init(&mut self, now: Instant, delay: Duration) {
        self.state = State::Init;
        self.timer = self.is_up.then_some(now + delay);
    }

    /// INIT to SELECTING.
    pub(super) fn discover(&mut self, now: Instant) {
        self.state = State::Selecting;
        self.exchange = Exchange::new(now, &mut self.random);
        self.send_discover(now);
    }

    /// In SELECTING: nobody has answered.
    pub(super) fn discover_again(&mut self, now: Instant) {
        if self.exchange.tries == TRIES_TO_TELL {
            self.report(Event::Unanswered);
        }
        self.exchange.secs = now.since(self.exchange.start).as_secs().min(0xffff) as u16;
        self.send_discover(now);
    }

    /// SELECTING to REQUESTING: the first offer that can be used is taken.
    pub(super) fn select(
        &mut self,
        now: Instant,
        server: Ipv4Addr,
        offer: &Message,
    ) -> Result<(), Drop> {
        let address = Lease::new(offer, now)?.address;
        self.exchange = self.exchange.answered(now);
        self.request(now, Offer { address, server });
        Ok(())
    }

    /// Asks for what was offered.
    pub(super) fn request(&mut self, now: Instant, offer: Offer) {
        self.state = State::Requesting(offer);
        let options = Options {
            requested: Some(offer.address),
            server: Some(offer.server),
            ..self.wishes()
        };
        self.send(&self.message(Kind::Request, options), Ipv4Addr::BROADCAST);
        self.wait_for_answer(now);
    }

    /// In REQUESTING: the server is silent. REQUESTING to INIT when it stays so (3.1, step 5).
    pub(super) fn request_again(&mut self, now: Instant, offer: Offer) {
        match self.exchange.tries < REQUEST_TRIES {
            true => self.request(now, offer),
            false => self.init(now, Duration::ZERO),
        }
    }

    /// REQUESTING to INIT: DHCPNAK. Not at once, as the server would offer the same again.
    pub(super) fn refused(&mut self, now: Instant) -> Result<(), Drop> {
        self.report(Event::Refused);
        self.init(now, RESTART_DELAY);
        Ok(())
    }

    /// REQUESTING to PROBING: DHCPACK.
    pub(super) fn probe(&mut self, offer: Offer, ack: &Message) -> Result<(), Drop> {
        let lease = Lease::new(ack, self.exchange.start)?;
        if lease.address != offer.address {
            return Err(Drop::OtherAddress);
        }
        self.report(Event::Probe(lease.address));
        self.state = State::Probing(Box::new(lease));
        self.timer = None;
        Ok(())
    }

    /// PROBING to INIT: somebody has the address (3.1, step 5; 4.4.1).
    pub(super) fn decline(&mut self, now: Instant, lease: &Lease) {
        self.report(Event::Declined(lease.address));
        self.exchange = Exchange::new(now, &mut self.random);
        let options = Options {
            requested: Some(lease.address),
            server: Some(lease.server),
            identifier: self.identifier(),
            ..Options::default()
        };
        self.send(&self.message(Kind::Decline, options), Ipv4Addr::BROADCAST);
        self.conflicts += 1;
        let delay = match self.conflicts {
            ..MAX_CONFLICTS => RESTART_DELAY,
            _ => RATE_LIMIT_INTERVAL,
        };
        self.init(now, delay);
    }

    /// To BOUND: the lease is ours.
    pub(super) fn bind(&mut self, lease: Box<Lease>) {
        self.state = State::Bound;
        self.timer = lease.times.map(|times| times.t1);
        self.conflicts = 0;
        match &self.lease {
            None => self.report(Event::Acquired),
            Some(before) if lease.is_like(before) => {}
            Some(_) => self.report(Event::Changed),
        }
        self.lease = Some(lease);
    }
}
