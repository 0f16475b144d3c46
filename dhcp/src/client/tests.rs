//! Every edge of Figure 5 in virtual time, against a server made by hand.

mod acquiring;
mod keeping;
mod strangers;

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use packet::{Duration, Instant, Secrets};

use super::Client;
use crate::exchange::Outgoing;
use crate::{Drop, Event, Kind, Message, Options};

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 77);
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const OTHER_SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// An hour: T1 is after 1800 s, T2 after 3150 s.
const LEASE: u32 = 3600;

/// A client, the time, and the last that it sent.
struct World {
    client: Client,
    now: Instant,
    last: Message,
}

impl World {
    /// A client whose link just came up, and which has sent its first DHCPDISCOVER.
    fn new() -> Self {
        let mut world = Self {
            client: Client::new(&Secrets::new([7; 32])),
            now: Instant::from_millis(5000),
            last: offer_of(Kind::Discover, 0),
        };
        assert_eq!(world.client.poll_timeout(), None, "the link is not up");
        world.client.link_up(world.now, MAC, 1500);
        world.client.handle_timeout(world.now);
        world.sent(Kind::Discover);
        world
    }

    /// A client that was acknowledged an address, and has to find out whether it is free;
    /// `change` changes the acknowledgement.
    fn probing(change: impl FnOnce(&mut Message)) -> Self {
        let mut world = Self::new();
        world.answer(Kind::Offer, |_| ()).unwrap();
        world.sent(Kind::Request);
        world.answer(Kind::Ack, change).unwrap();
        assert_eq!(world.events(), [Event::Probe(ADDRESS)]);
        world
    }

    /// A client with a lease; `change` changes the acknowledgement.
    fn bound(change: impl FnOnce(&mut Message)) -> Self {
        let mut world = Self::probing(change);
        world.client.probed(world.now, ADDRESS, true);
        assert_eq!(world.events(), [Event::Acquired]);
        world
    }

    /// The one message that was sent, which must be of this kind.
    fn sent(&mut self, kind: Kind) -> Outgoing {
        let outgoing = self.client.poll_transmit().expect("nothing was sent");
        assert!(self.client.poll_transmit().is_none());
        self.last = Message::parse(&outgoing.message).unwrap();
        assert_eq!(self.last.kind, kind);
        assert_eq!(self.last.chaddr, MAC);
        outgoing
    }

    fn is_silent(&mut self) -> bool {
        self.client.poll_transmit().is_none()
    }

    /// The server answers the last message; `change` changes what is usual.
    fn answer(&mut self, kind: Kind, change: impl FnOnce(&mut Message)) -> Result<(), Drop> {
        let mut answer = offer_of(kind, self.last.xid);
        change(&mut answer);
        self.client.receive(self.now, &answer.write())
    }

    fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.client.poll_event()).collect()
    }

    /// Goes to the next deadline; tells how long that took.
    fn wait(&mut self) -> Duration {
        let at = self.client.poll_timeout().expect("nothing is waited for");
        let took = at.since(self.now);
        self.now = at;
        self.client.handle_timeout(at);
        assert!(self.client.poll_timeout().is_none_or(|next| next > at));
        took
    }

    /// Waits, and checks that it took so many seconds, give or take one.
    fn wait_about(&mut self, seconds: u64) {
        let took = self.wait();
        let differs = took.abs_diff(Duration::from_secs(seconds));
        assert!(differs <= Duration::from_secs(1), "{took:?} for {seconds}");
    }

    fn wait_exactly(&mut self, seconds: u64) {
        assert_eq!(self.wait(), Duration::from_secs(seconds));
    }
}

/// What a server usually says: an address for an hour.
fn offer_of(kind: Kind, xid: u32) -> Message {
    let mut options = Options {
        server: Some(SERVER),
        ..Options::default()
    };
    let mut yiaddr = Ipv4Addr::UNSPECIFIED;
    if kind != Kind::Nak {
        options.mask = Some(Ipv4Addr::new(255, 255, 255, 0));
        options.routers.extend([SERVER]);
        options.lease_time = Some(LEASE);
        yiaddr = ADDRESS;
    }
    Message {
        kind,
        xid,
        secs: 0,
        broadcast: false,
        ciaddr: Ipv4Addr::UNSPECIFIED,
        yiaddr,
        chaddr: MAC,
        options,
    }
}
