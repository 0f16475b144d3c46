//! The neighbour cache.
//!
//! A neighbour is asked for by broadcast, a few times, a second apart. Once known it stays known
//! as long as something is heard from it; when nothing was, and it is still used, it is asked by
//! unicast *before* its entry expires, so that traffic never stalls for a stale entry. A neighbour
//! that does not answer is reported and left alone for a while.
//!
//! The requests of a dead or hostile network are bounded: one a second for each entry, a limited
//! number of entries, and [`OUTGOING_LIMIT`] packets that wait to be sent.

use alloc::collections::VecDeque;
use core::net::Ipv4Addr;

use packet::{Duration, Instant, Random};

use crate::entry::{Entry, REQUEST_INTERVAL, State, Table};
use crate::probe::Probe;
use crate::{Operation, Packet, Site};

/// Requests without an answer after which a neighbour is given up.
const REQUEST_TRIES: u8 = 3;
/// How long a neighbour that did not answer counts as unreachable, without being asked again.
const FAILED_FOR: Duration = Duration::from_secs(3);
/// How long an entry is trusted without hearing from the neighbour. RFC 1122, 2.3.2.1, suggests a
/// minute; the probes fit in the last quarter of it.
const CONFIRMED_FOR: Duration = Duration::from_secs(45);

/// RFC 5227, 1.1: ANNOUNCE_NUM, ANNOUNCE_INTERVAL and DEFEND_INTERVAL.
const ANNOUNCE_NUM: u8 = 2;
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(2);
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// Packets that may wait to be sent. Beyond it they are dropped: a request is repeated, an asker
/// asks again.
const OUTGOING_LIMIT: usize = 64;
/// Events that may wait to be read; the oldest is dropped for a newer one.
const EVENTS_LIMIT: usize = 64;

/// What the cache knows of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Its hardware address.
    Known([u8; 6]),
    /// Nothing yet; it is being asked for, and an [`Event`] will tell.
    Unresolved,
    /// It did not answer a moment ago.
    Unreachable,
}

/// Something that others may wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A neighbour that was being asked for is known now.
    Resolved(Ipv4Addr),
    /// A neighbour was given up.
    Failed(Ipv4Addr),
    /// Somebody else uses our address, from this hardware address. We keep it.
    Conflict([u8; 6]),
    /// [`Neighbours::probe`] found out: `true` if nobody has this address.
    Probed(Ipv4Addr, bool),
}

/// A packet to be sent, in a frame to `destination`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The hardware address of whom it goes to.
    pub destination: [u8; 6],
    /// What it says.
    pub packet: Packet,
}

/// The neighbours of one host.
#[derive(Debug)]
pub struct Neighbours {
    site: Site,
    table: Table,
    outgoing: VecDeque<Outgoing>,
    events: VecDeque<Event>,
    /// Announcements still to make, and when the next is due.
    announcements: u8,
    announce_at: Instant,
    /// When our address was last defended.
    defended: Option<Instant>,
    /// The address that may become ours.
    probe: Option<Probe>,
}

impl Neighbours {
    /// A cache of at most `limit` neighbours. When it is full, the entry that was not used for
    /// longest makes room; if all are in use, a new neighbour is [`Lookup::Unreachable`].
    #[must_use]
    pub fn new(site: Site, limit: usize) -> Self {
        Self {
            site,
            table: Table::new(limit),
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
            announcements: 0,
            announce_at: Instant::ZERO,
            defended: None,
            probe: None,
        }
    }

    /// Starts over on a network that came up: all is forgotten, and our address is announced.
    pub fn restart(&mut self, now: Instant, mac: [u8; 6]) {
        self.begin(now, Site { mac, ..self.site });
    }

    /// Starts over with another address, which is announced, or with none.
    pub fn set_address(&mut self, now: Instant, address: Option<(Ipv4Addr, u8)>) {
        let (address, prefix_len) = address.unzip();
        self.begin(
            now,
            Site {
                mac: self.site.mac,
                address,
                prefix_len: prefix_len.unwrap_or(0),
            },
        );
    }

    /// Finds out whether somebody has `address`, which is not ours yet; an [`Event`] will tell, in 4 to
    /// 7 seconds at most. Another probe that was under way is given up.
    pub fn probe(&mut self, now: Instant, address: Ipv4Addr, random: &mut Random) {
        self.probe = Some(Probe::new(now, address, random));
    }

    /// The hardware address to send a packet for `address` to; asks for it if need be.
    pub fn lookup(&mut self, now: Instant, address: Ipv4Addr) -> Lookup {
        let Some(place) = self.table.place(address) else {
            return self.ask_for(now, address);
        };
        let entry = self.table.entry(place);
        entry.used = Some(now);
        match entry.state {
            State::Reachable { mac, .. } | State::Probing { mac, .. } => Lookup::Known(mac),
            State::Incomplete { .. } => Lookup::Unresolved,
            State::Failed => Lookup::Unreachable,
        }
    }

    /// Takes in a packet that was received.
    pub fn receive(&mut self, now: Instant, packet: &Packet) {
        if packet.sender_mac == self.site.mac {
            return; // Our own, come back to us.
        }
        if let Some(probe) = self.probe.take_if(|probe| probe.is_contradicted(packet)) {
            self.report(Event::Probed(probe.address(), false));
        }
        if Some(packet.sender) == self.site.address {
            return self.defend(now, packet.sender_mac);
        }
        let for_us = Some(packet.target) == self.site.address;
        if self.site.is_neighbour(packet.sender) {
            // RFC 826: an entry is brought up to date by any packet, made only by one for us.
            match self.table.place(packet.sender) {
                Some(place) => self.set_known(now, place, packet.sender_mac),
                None if for_us => self.add_known(now, packet.sender, packet.sender_mac),
                None => {}
            }
        }
        if for_us && packet.operation == Operation::Request {
            self.send(Outgoing {
                destination: packet.sender_mac,
                packet: self.packet(Operation::Reply, packet.sender_mac, packet.sender),
            });
        }
    }

    /// Learns from a packet of another protocol that `address` sent from `mac`. It confirms what
    /// was known, and fills in what was not, so that an answer need not wait for us to ask. What it
    /// contradicts is not overwritten (anybody can write any source) but asked for anew.
    pub fn heard(&mut self, now: Instant, address: Ipv4Addr, mac: [u8; 6]) {
        match self.table.place(address) {
            Some(place) => self.confirm(now, place, mac),
            None if self.site.is_neighbour(address) => self.add_known(now, address, mac),
            None => {}
        }
    }

    /// As [`Neighbours::heard`], from a packet of a host beyond `gateway` that came from `mac`. There
    /// may be more ways in than one: another address contradicts nothing.
    pub fn forwarded(&mut self, now: Instant, gateway: Ipv4Addr, mac: [u8; 6]) {
        let known = self
            .table
            .place(gateway)
            .map(|place| self.table.entry(place).state);
        let other = match known {
            Some(State::Reachable { mac: known, .. } | State::Probing { mac: known, .. }) => {
                known != mac
            }
            _ => false,
        };
        if !other {
            self.heard(now, gateway, mac);
        }
    }

    /// When [`Neighbours::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let announce = (self.announcements > 0).then_some(self.announce_at);
        let probe = self.probe.as_ref().map(Probe::next);
        [announce, probe, self.table.deadlines.next()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Does what has become due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|at| at <= now) {
            self.time_out(now);
        }
    }

    #[cold]
    fn time_out(&mut self, now: Instant) {
        if self.announcements > 0 && self.announce_at <= now {
            self.announcements -= 1;
            self.announce_at = now + ANNOUNCE_INTERVAL;
            self.announce();
        }
        self.go_on_probing(now);
        while let Some(place) = self.table.deadlines.pop_expired(now) {
            self.expire(now, place);
        }
    }

    /// The next packet to send.
    pub fn poll_transmit(&mut self) -> Option<Outgoing> {
        self.outgoing.pop_front()
    }

    /// The next thing that somebody may wait for.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn begin(&mut self, now: Instant, site: Site) {
        self.site = site;
        self.table.clear();
        self.outgoing.clear();
        self.probe = None;
        self.announcements = if site.address.is_some() {
            ANNOUNCE_NUM
        } else {
            0
        };
        self.announce_at = now;
    }

    fn go_on_probing(&mut self, now: Instant) {
        let Some(probe) = self.probe.as_mut().filter(|probe| probe.next() <= now) else {
            return;
        };
        let (address, is_over) = (probe.address(), !probe.goes_on(now));
        if is_over {
            self.probe = None;
            return self.report(Event::Probed(address, true));
        }
        // From nobody: it must not get into anybody's cache (RFC 5227, 1.1).
        self.send(Outgoing {
            destination: BROADCAST,
            packet: Packet {
                sender: Ipv4Addr::UNSPECIFIED,
                ..self.packet(Operation::Request, [0; 6], address)
            },
        });
    }

    #[cold]
    fn ask_for(&mut self, now: Instant, address: Ipv4Addr) -> Lookup {
        let state = State::Incomplete { tries: 1 };
        let entry = Entry {
            address,
            state,
            used: Some(now),
            asked: None,
        };
        let Some(place) = self.table.insert(now, entry) else {
            return Lookup::Unreachable;
        };
        self.ask(now, place, state, BROADCAST);
        Lookup::Unresolved
    }

    /// Adds a neighbour that nothing was sent to yet: the first to go when room is needed.
    fn add_known(&mut self, now: Instant, address: Ipv4Addr, mac: [u8; 6]) {
        let entry = Entry {
            address,
            state: State::Reachable {
                mac,
                confirmed: now,
            },
            used: None,
            asked: None,
        };
        if let Some(place) = self.table.insert(now, entry) {
            self.table.deadlines.set(place, Some(now + CONFIRMED_FOR));
        }
    }

    fn set_known(&mut self, now: Instant, place: u32, mac: [u8; 6]) {
        let entry = self.table.entry(place);
        let address = entry.address;
        let before = entry.state;
        entry.state = State::Reachable {
            mac,
            confirmed: now,
        };
        match before {
            // The deadline stays and is moved when it comes too early.
            State::Reachable { .. } => {}
            State::Probing { .. } => self.table.deadlines.set(place, Some(now + CONFIRMED_FOR)),
            State::Incomplete { .. } | State::Failed => {
                self.table.deadlines.set(place, Some(now + CONFIRMED_FOR));
                self.report(Event::Resolved(address));
            }
        }
    }

    fn confirm(&mut self, now: Instant, place: u32, mac: [u8; 6]) {
        let entry = *self.table.entry(place);
        match entry.state {
            State::Reachable { mac: known, .. } if known != mac => {
                if entry.is_in_use(now) && !entry.is_asked(now) {
                    // If it has got another card, only a broadcast reaches it.
                    let state = State::Probing {
                        mac: known,
                        tries: 1,
                    };
                    self.ask(now, place, state, BROADCAST);
                }
            }
            State::Probing { mac: known, .. } if known != mac => {}
            _ => self.set_known(now, place, mac),
        }
    }

    /// An entry's deadline has come.
    fn expire(&mut self, now: Instant, place: u32) {
        let entry = *self.table.entry(place);
        match entry.state {
            State::Reachable { confirmed, .. } if confirmed + CONFIRMED_FOR > now => {
                self.table
                    .deadlines
                    .set(place, Some(confirmed + CONFIRMED_FOR));
            }
            State::Reachable { mac, .. } if entry.is_in_use(now) => {
                self.ask(now, place, State::Probing { mac, tries: 1 }, mac);
            }
            State::Reachable { .. } | State::Failed => self.table.remove(place),
            State::Probing { mac, tries } if tries < REQUEST_TRIES => {
                let tries = tries + 1;
                self.ask(now, place, State::Probing { mac, tries }, mac);
            }
            // It may have got another card: now everybody is asked.
            State::Probing { .. } if entry.is_in_use(now) => {
                self.ask(now, place, State::Incomplete { tries: 1 }, BROADCAST);
            }
            State::Probing { .. } => self.table.remove(place),
            State::Incomplete { tries } if tries < REQUEST_TRIES => {
                let tries = tries + 1;
                self.ask(now, place, State::Incomplete { tries }, BROADCAST);
            }
            State::Incomplete { .. } => {
                self.table.entry(place).state = State::Failed;
                self.table.deadlines.set(place, Some(now + FAILED_FOR));
                self.report(Event::Failed(entry.address));
            }
        }
    }

    /// Asks `destination` for the neighbour at `place`, which is in `state` from now on.
    fn ask(&mut self, now: Instant, place: u32, state: State, destination: [u8; 6]) {
        let entry = self.table.entry(place);
        entry.state = state;
        entry.asked = Some(now);
        let address = entry.address;
        self.table
            .deadlines
            .set(place, Some(now + REQUEST_INTERVAL));
        self.request(destination, address);
    }

    /// RFC 5227, 2.4 (c): we keep the address, and say so at most every ten seconds, so that two
    /// hosts that both keep it do not fill the network.
    fn defend(&mut self, now: Instant, mac: [u8; 6]) {
        let recently = |at: Instant| now.since(at) < DEFEND_INTERVAL;
        if self.defended.is_some_and(recently) {
            return;
        }
        self.defended = Some(now);
        self.report(Event::Conflict(mac));
        self.announce();
    }

    /// An announcement is a request for our own address (RFC 5227, 1.1).
    fn announce(&mut self) {
        if let Some(address) = self.site.address {
            self.request(BROADCAST, address);
        }
    }

    fn request(&mut self, destination: [u8; 6], target: Ipv4Addr) {
        self.send(Outgoing {
            destination,
            packet: self.packet(Operation::Request, [0; 6], target),
        });
    }

    fn packet(&self, operation: Operation, target_mac: [u8; 6], target: Ipv4Addr) -> Packet {
        Packet {
            operation,
            sender_mac: self.site.mac,
            sender: self.site.address.unwrap_or(Ipv4Addr::UNSPECIFIED),
            target_mac,
            target,
        }
    }

    fn send(&mut self, outgoing: Outgoing) {
        if self.outgoing.len() < OUTGOING_LIMIT {
            self.outgoing.push_back(outgoing);
        }
    }

    fn report(&mut self, event: Event) {
        if self.events.len() >= EVENTS_LIMIT {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}

const BROADCAST: [u8; 6] = [0xff; 6];

#[cfg(test)]
mod tests;
