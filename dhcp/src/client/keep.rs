//! From BOUND on: a lease is extended, verified, or lost.

use alloc::boxed::Box;
use core::net::Ipv4Addr;

use packet::{Duration, Instant};

use super::{Client, REQUEST_TRIES, State};
use crate::exchange::Exchange;
use crate::{Drop, Event, Kind, Lease, Lost, Message, Options};

/// Between two tries to extend a lease, at least (4.4.5).
const MIN_EXTEND_INTERVAL: Duration = Duration::from_secs(60);

impl Client {
    /// BOUND to RENEWING at T1, and again there; to REBINDING from T2 on.
    pub(super) fn renew(&mut self, now: Instant) {
        let Some((server, times)) = self.lent() else {
            return;
        };
        if times.t2 <= now {
            self.report(Event::Rebinding);
            return self.rebind(now);
        }
        self.state = State::Renewing;
        self.ask_to_extend(now, server, times.t2);
    }

    /// RENEWING to REBINDING at T2, and again there.
    pub(super) fn rebind(&mut self, now: Instant) {
        let Some((_, times)) = self.lent() else {
            return;
        };
        self.state = State::Rebinding;
        self.ask_to_extend(now, Ipv4Addr::BROADCAST, times.end);
    }

    /// Asks to keep the address until `until` at most, when somebody else is to be asked. Each try is an
    /// exchange of its own, as the lease is counted from the try that is answered.
    pub(super) fn ask_to_extend(&mut self, now: Instant, whom: Ipv4Addr, until: Instant) {
        self.exchange = Exchange::new(now, &mut self.random);
        let message = Message {
            ciaddr: self.address(),
            ..self.message(Kind::Request, self.wishes())
        };
        self.send(&message, whom);
        let half = until.since(now) / 2;
        self.timer = Some(until.min(now + half.max(MIN_EXTEND_INTERVAL)));
    }

    /// To REBOOTING: is what we have still ours (3.2)?
    pub(super) fn reboot(&mut self, now: Instant) {
        self.exchange = Exchange::new(now, &mut self.random);
        self.verify(now);
    }

    pub(super) fn verify(&mut self, now: Instant) {
        self.state = State::Rebooting;
        let options = Options {
            requested: Some(self.address()),
            ..self.wishes()
        };
        self.send(&self.message(Kind::Request, options), Ipv4Addr::BROADCAST);
        self.wait_for_answer(now);
    }

    /// In REBOOTING: nobody has answered. To BOUND when it stays so: the lease still runs (3.2, step 4).
    pub(super) fn verify_again(&mut self, now: Instant) {
        if self.exchange.tries < REQUEST_TRIES {
            return self.verify(now);
        }
        self.state = State::Bound;
        self.timer = self.times().map(|times| times.t1);
    }

    /// RENEWING, REBINDING or REBOOTING to BOUND: DHCPACK.
    pub(super) fn extend(&mut self, ack: &Message) -> Result<(), Drop> {
        let lease = Lease::new(ack, self.exchange.start)?;
        if lease.address != self.address() {
            return Err(Drop::OtherAddress);
        }
        self.bind(Box::new(lease));
        Ok(())
    }

    /// To INIT: the address must not be used any longer.
    pub(super) fn lose(&mut self, now: Instant, why: Lost) {
        self.lease = None;
        self.outgoing = None;
        self.report(Event::Lost(why));
        self.init(now, Duration::ZERO);
    }
}
