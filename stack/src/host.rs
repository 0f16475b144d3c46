//! One host: what a turn consists of.

use alloc::boxed::Box;
use core::net::Ipv4Addr;

use arp::Event;
use ethernet::Mac;
use ipv4::icmp::{self, Complaint};
use ipv4::{Reassembly, TokenBucket};
use link::{Burst, Link};
use log::{debug, info, warn};
use packet::{Duration, Instant, Pool, Secrets};
use tcp::Tcp;
use udp::Udp;

use crate::dhcp::Dhcp;
use crate::interface::{Interface, Sender};
use crate::outbox::Outbox;
use crate::{Config, Drop, Stats};

/// ARP requests answered in a second, and at once: more than any network of honest neighbours asks.
const ARP_REQUESTS: (u32, u32) = (1_000, 100);

/// When a link that had no room is tried again, if it does not say so itself.
const RETRY: Duration = Duration::from_millis(1);

/// Nobody was heard yet.
const NOBODY: ((Ipv4Addr, Mac), Instant) = ((Ipv4Addr::UNSPECIFIED, Mac([0; 6])), Instant::ZERO);

/// A host with one interface.
pub(crate) struct Host {
    pub(crate) interface: Interface,
    pub(crate) tcp: Tcp,
    pub(crate) udp: Udp,
    /// Where the address comes from a server.
    pub(crate) dhcp: Option<Dhcp>,
    pub(crate) reassembly: Reassembly,
    pub(crate) outbox: Outbox,
    pub(crate) arp_requests: TokenBucket,
    /// The Ethernet header of the last frame with a packet for us, and who sent it.
    pub(crate) sender: Option<([u8; ethernet::HEADER_LEN], Mac)>,
    /// Whom the neighbour cache was told of last, and when.
    pub(crate) heard: ((Ipv4Addr, Mac), Instant),
    pool: Pool,
    /// When to try a link again that had no room.
    retry_at: Option<Instant>,
}

impl Host {
    pub(crate) fn new(link: Box<dyn Link>, pool: Pool, secrets: &Secrets, config: &Config) -> Self {
        let interface = Interface::new(link, config);
        let tcp_config = tcp::Config {
            mtu: interface.mtu,
            ..config.tcp
        };
        let udp_config = udp::Config {
            mtu: interface.mtu,
            ..config.udp
        };
        Self {
            udp: Udp::new(udp_config, pool.clone(), secrets),
            tcp: Tcp::new(tcp_config, pool.clone(), secrets),
            reassembly: Reassembly::new(pool.clone(), config.reassemblies),
            outbox: Outbox::new(
                pool.clone(),
                config.outbox,
                secrets.random("ipv4 identification"),
            ),
            arp_requests: TokenBucket::new(ARP_REQUESTS.0, ARP_REQUESTS.1),
            sender: None,
            heard: NOBODY,
            retry_at: None,
            dhcp: config.address.is_none().then(|| Dhcp::new(secrets)),
            pool,
            interface,
        }
    }

    /// Takes in one burst, and what has become due. `true`: something arrived, or the link changed.
    pub(crate) fn receive(&mut self, now: Instant, burst: &mut Burst) -> bool {
        if let Err(error) = self.interface.link.receive(now, burst) {
            self.interface.stats.link_errors += 1;
            debug!("receiving: {error}");
        }
        // A link says what it is now when it has looked: before its first frame is read.
        let happened = self.watch_link(now) || !burst.is_empty();
        self.input(now, burst);
        self.handle_timeout(now);
        happened
    }

    /// Sends what may be sent: first what others asked for, then what connections have.
    pub(crate) fn transmit(&mut self, now: Instant) {
        self.retry_at = None;
        if self.interface.epoch.is_none() {
            return; // TCP keeps what it has, and the others will ask again.
        }
        self.interface.full = false;
        self.tcp.set_mark(self.interface.recorder.next());
        self.interface.send_arp(now);
        if let Some(dhcp) = &mut self.dhcp {
            dhcp.transmit(now, &mut self.interface, &self.pool);
        }
        if !self.outbox.is_empty() {
            self.outbox.transmit(now, &mut self.interface);
        }
        if !self.interface.full {
            let interface = &mut self.interface;
            let mut sender = Sender { now, interface };
            self.udp.poll_transmit(&mut sender);
            if !sender.interface.full {
                self.tcp.poll_transmit(now, &mut sender);
            }
            // Looking for next hops may have raised questions.
            self.interface.send_arp(now);
        }
        self.retry_at = self.interface.full.then(|| now + RETRY);
        // Also with nothing new: a link may still hold what it had no room for.
        if let Err(error) = self.interface.link.flush(now) {
            self.interface.stats.link_errors += 1;
            debug!("sending: {error}");
        }
    }

    /// When something has to be done although nothing arrives.
    pub(crate) fn next_event(&self) -> Option<Instant> {
        [
            self.tcp.poll_timeout(),
            self.interface.neighbours.poll_timeout(),
            self.dhcp
                .as_ref()
                .and_then(|dhcp| dhcp.client.poll_timeout()),
            self.reassembly.poll_timeout(),
            self.interface.link.next_event(),
            self.retry_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            tcp: *self.tcp.stats(),
            udp: *self.udp.stats(),
            dhcp: self
                .dhcp
                .as_ref()
                .map_or_else(Default::default, |dhcp| *dhcp.client.stats()),
            ..self.interface.stats
        }
    }

    /// Notices that the link came up, went down, or is another device now. Connections outlive
    /// this: what they sent meanwhile is sent again.
    fn watch_link(&mut self, now: Instant) -> bool {
        let Some(is_up) = self.interface.watch(now) else {
            return false;
        };
        self.link_came_or_went(now, is_up);
        true
    }

    #[cold]
    fn link_came_or_went(&mut self, now: Instant, is_up: bool) {
        match is_up {
            false => {
                info!("the link is down");
                self.lease_link(now, false);
            }
            true => {
                let Interface { mac, mtu, .. } = self.interface;
                info!("the link is up: {mac}, MTU {mtu}");
                self.link_changed();
                self.lease_link(now, true);
                self.next_hops_changed();
            }
        }
    }

    /// Tells all what the link takes now, and on which network.
    pub(crate) fn link_changed(&mut self) {
        let (mtu, parts) = (self.interface.mtu, self.interface.link.caps().max_parts);
        self.udp.set_link(mtu);
        self.tcp.set_link(mtu, self.interface.max_text(), parts);
        (self.sender, self.heard) = (None, NOBODY);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.interface.neighbours.handle_timeout(now);
        self.neighbour_events(now);
        self.lease_timeout(now);
        self.tcp.handle_timeout(now);
        if !self.reassembly.is_empty() {
            self.end_reassemblies(now);
        }
    }

    /// Gives up packets whose missing fragments have not come in time.
    #[cold]
    fn end_reassemblies(&mut self, now: Instant) {
        while let Some(expired) = self.reassembly.handle_timeout(now) {
            self.interface.stats.drop(Drop::ReassemblyTimeout);
            let Some(first) = expired else { continue };
            // The first fragment is there: its sender is told (RFC 1122, 3.3.2).
            let payload = first.bytes.get(first.header.header_len.into()..);
            let Some(network) = &self.interface.network else {
                continue;
            };
            if icmp::may_complain(network, &first.header, false, payload.unwrap_or_default()) {
                let message = Complaint::ReassemblyTimeExceeded.about(&first.bytes);
                let source = first.header.source;
                if let Err(reason) = self.outbox.complain(now, source, &message) {
                    self.interface.stats.drop(reason);
                }
            }
        }
    }

    /// Has all that waits for a next hop tried again.
    pub(crate) fn next_hops_changed(&mut self) {
        self.udp.resolved();
        self.tcp.resolved();
        self.outbox.retry();
    }

    /// Tells those who wait for a neighbour what became of it.
    pub(crate) fn neighbour_events(&mut self, now: Instant) {
        while let Some(event) = self.interface.neighbours.poll_event() {
            self.neighbour_event(now, event);
        }
    }

    #[cold]
    fn neighbour_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Resolved(_) => self.next_hops_changed(),
            Event::Failed(neighbour) => {
                self.tcp.unreachable(now, neighbour);
                // Whoever needs it as a gateway tries again, and is told then.
                self.next_hops_changed();
            }
            Event::Conflict(mac) => {
                self.interface.stats.conflicts += 1;
                if let Some(address) = self.interface.address() {
                    warn!("{} also uses our address {address}", Mac(mac));
                }
            }
            Event::Probed(address, is_free) => self.lease_probed(now, address, is_free),
        }
    }
}
