//! What all states have in common: how a question looks, and how it leaves.

use core::net::Ipv4Addr;

use heapless::Vec;
use packet::Instant;

use super::Client;
use crate::exchange::Outgoing;
use crate::options::ASKED_FOR;
use crate::{Event, Kind, Message, Options, Times};

/// Events that wait to be read; the oldest is dropped for a newer one. One turn makes two at most.
const EVENTS_LIMIT: usize = 16;

impl Client {
    pub(super) fn times(&self) -> Option<Times> {
        self.lease.as_ref().and_then(|lease| lease.times)
    }

    /// By whom, and for how long, where it is not for ever.
    pub(super) fn lent(&self) -> Option<(Ipv4Addr, Times)> {
        let lease = self.lease.as_ref()?;
        Some((lease.server, lease.times?))
    }

    /// Our address, or none.
    pub(super) fn address(&self) -> Ipv4Addr {
        let lease = self.lease.as_ref();
        lease.map_or(Ipv4Addr::UNSPECIFIED, |lease| lease.address)
    }

    /// Our hardware address, behind the type of it (RFC 2132, 9.14). Servers that know us by it know us
    /// by it in every message (RFC 2131, 4.2).
    pub(super) fn identifier(&self) -> Vec<u8, 32> {
        [1].into_iter().chain(self.mac).collect()
    }

    /// What every question asks for (3.5, 4.4.1: the same in each).
    pub(super) fn wishes(&self) -> Options {
        Options {
            wanted: ASKED_FOR.into_iter().collect(),
            max_size: Some(self.max_size),
            identifier: self.identifier(),
            ..Options::default()
        }
    }

    pub(super) fn message(&self, kind: Kind, options: Options) -> Message {
        Message {
            kind,
            xid: self.exchange.xid,
            secs: self.exchange.secs,
            // We hear what is sent to our hardware address, whatever the address in it.
            broadcast: false,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: Ipv4Addr::UNSPECIFIED,
            chaddr: self.mac,
            options,
        }
    }

    pub(super) fn send_discover(&mut self, now: Instant) {
        self.send(
            &self.message(Kind::Discover, self.wishes()),
            Ipv4Addr::BROADCAST,
        );
        self.wait_for_answer(now);
    }

    /// Sends `message` from the address that it says we have.
    pub(super) fn send(&mut self, message: &Message, destination: Ipv4Addr) {
        self.stats.sent += 1;
        self.outgoing = Some(Outgoing {
            source: message.ciaddr,
            destination,
            message: message.write(),
        });
    }

    pub(super) fn wait_for_answer(&mut self, now: Instant) {
        self.timer = Some(now + self.exchange.asked(&mut self.random));
    }

    pub(super) fn report(&mut self, event: Event) {
        if self.events.len() >= EVENTS_LIMIT {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}
