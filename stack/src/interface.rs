//! The way out: next hop, headers, the link.

use alloc::boxed::Box;
use core::net::Ipv4Addr;

use arp::{Lookup, Neighbours, Site};
use ethernet::{EtherType, MIN_FRAME_LEN, Mac};
use ipv4::{Cidr, Protocol, Routes, Template};
use link::{Full, Link, LinkState, Offload, PartialChecksum, SoftwareOffload};
use packet::{Chunk, Head, Instant};
use tcp::{Blocked, Outgoing};

use crate::recorder::Recorder;
use crate::{Config, Stats};

/// The bytes in front of a transport header.
const HEADERS_LEN: usize = ethernet::HEADER_LEN + ipv4::HEADER_LEN;
/// The most bytes of a TCP header.
const TCP_HEADER_LEN: usize = 60;
/// Where the checksum stands in a TCP header.
const TCP_CHECKSUM: u16 = 16;

/// A link, our place on its network, and who else is there.
pub(crate) struct Interface {
    /// Helped in software where the device itself cannot sum or segment.
    pub(crate) link: SoftwareOffload<Box<dyn Link>>,
    /// Our address and its network, while we have one.
    pub(crate) network: Option<Cidr>,
    pub(crate) mac: Mac,
    pub(crate) mtu: u16,
    /// What the network allows, which may be less than the link.
    mtu_limit: u16,
    /// The link's epoch while it is up.
    pub(crate) epoch: Option<u32>,
    pub(crate) routes: Routes,
    pub(crate) neighbours: Neighbours,
    pub(crate) stats: Stats,
    pub(crate) recorder: Recorder,
    tcp: Template,
    udp: Template,
    icmp: Template,
    /// The link had no room in this turn.
    pub(crate) full: bool,
}

impl Interface {
    pub(crate) fn new(link: Box<dyn Link>, config: &Config) -> Self {
        let address = config.address.map(|network| network.address());
        let link = SoftwareOffload::new(link);
        let (mac, mtu) = (link.caps().mac, link.caps().mtu);
        let site = Site {
            mac,
            address,
            prefix_len: config.address.map_or(0, |network| network.prefix_len()),
        };
        Self {
            link,
            network: config.address,
            mac: Mac(mac),
            mtu,
            mtu_limit: u16::MAX,
            epoch: None,
            routes: routes(config.address, config.gateway),
            neighbours: Neighbours::new(site, config.neighbours),
            stats: Stats::default(),
            recorder: Recorder::new(config.recorder),
            tcp: template(config.address, Protocol::TCP),
            udp: template(config.address, Protocol::UDP),
            icmp: template(config.address, Protocol::ICMP),
            full: false,
        }
    }

    /// Looks whether the link came up, went down or was attached anew since the last look. `Some`:
    /// it did; `Some(true)`: it is up, and all that was known of its network is forgotten.
    pub(crate) fn watch(&mut self, now: Instant) -> Option<bool> {
        let epoch = match self.link.state() {
            LinkState::Down => None,
            LinkState::Up { epoch } => Some(epoch),
        };
        if epoch == self.epoch {
            return None;
        }
        self.epoch = epoch;
        if epoch.is_some() {
            self.mac = Mac(self.link.caps().mac);
            self.mtu = self.link.caps().mtu.min(self.mtu_limit);
            self.neighbours.restart(now, self.mac.0);
            self.stats.link_ups += 1;
        }
        Some(epoch.is_some())
    }

    /// Our address, while we have one.
    pub(crate) fn address(&self) -> Option<Ipv4Addr> {
        self.network.map(|network| network.address())
    }

    /// We are somewhere else from now on, or nowhere.
    pub(crate) fn set_network(
        &mut self,
        now: Instant,
        network: Option<Cidr>,
        gateway: Option<Ipv4Addr>,
    ) {
        self.routes = routes(network, gateway);
        if self.network == network {
            return;
        }
        self.network = network;
        self.tcp = template(network, Protocol::TCP);
        self.udp = template(network, Protocol::UDP);
        self.icmp = template(network, Protocol::ICMP);
        let address = network.map(|network| (network.address(), network.prefix_len()));
        self.neighbours.set_address(now, address);
    }

    /// The network allows packets of so many bytes; `None`: as many as the link takes.
    pub(crate) fn limit_mtu(&mut self, limit: Option<u16>) {
        self.mtu_limit = limit.unwrap_or(u16::MAX);
        self.mtu = self.link.caps().mtu.min(self.mtu_limit);
    }

    /// The most bytes of TCP payload in one frame.
    pub(crate) fn max_text(&self) -> usize {
        const HEADERS: usize = HEADERS_LEN + TCP_HEADER_LEN;
        let frame = usize::from(self.mtu) + ethernet::HEADER_LEN;
        // The length of a packet has 16 bits, also where a device could carry more.
        let longest = usize::from(u16::MAX) + ethernet::HEADER_LEN;
        let frame = self.link.caps().max_super_frame.unwrap_or(frame);
        frame.min(longest).saturating_sub(HEADERS)
    }

    /// The address to talk to `remote` from; `None` if no way leads there. There is none to many
    /// hosts at once, nor to ourselves.
    pub(crate) fn local_for(&self, remote: Ipv4Addr) -> Option<Ipv4Addr> {
        let (hop, network) = (self.routes.next_hop(remote)?, self.network?);
        let local = network.address();
        (hop != local && !network.is_martian_source(remote)).then_some(local)
    }

    /// Whom a packet for `remote` is handed to.
    pub(crate) fn next_hop(&mut self, now: Instant, remote: Ipv4Addr) -> Result<Mac, Blocked> {
        let hop = self.routes.next_hop(remote).ok_or(Blocked::Unreachable)?;
        match self.neighbours.lookup(now, hop) {
            Lookup::Known(mac) => Ok(Mac(mac)),
            Lookup::Unresolved => Err(Blocked::Unresolved),
            Lookup::Unreachable => Err(Blocked::Unreachable),
        }
    }

    /// Puts the Ethernet header of a frame to `destination` in front.
    pub(crate) fn put_in_frame(&self, head: &mut Head, destination: Mac, ether_type: EtherType) {
        let header = ethernet::Header {
            destination,
            source: self.mac,
            vlan: None,
            ether_type,
        };
        head.prepend(&header.to_bytes());
    }

    /// The headers of an ICMP message of `len` bytes that fits into one packet.
    pub(crate) fn icmp_head(&self, destination: Mac, remote: Ipv4Addr, len: usize) -> Head {
        let mut head = Head::new();
        head.prepend(&self.icmp.header(remote, total_len(len)));
        self.put_in_frame(&mut head, destination, EtherType::IPV4);
        head
    }

    /// Hands a frame to the link, padded if it is short.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        head: &mut Head,
        payload: &[Chunk],
        offload: Offload,
    ) -> Result<(), Full> {
        let len = head.len() + payload.iter().map(|chunk| chunk.len()).sum::<usize>();
        let payload = if len < MIN_FRAME_LEN {
            pad(head, payload);
            &[]
        } else {
            payload
        };
        if self.link.send(now, head, payload, offload).is_err() {
            self.full = true;
            self.stats.link_full += 1;
            return Err(Full);
        }
        let len = len.max(MIN_FRAME_LEN);
        self.recorder.sent(now, len, head);
        self.stats.frames_sent += 1;
        self.stats.bytes_sent += len as u64;
        Ok(())
    }

    /// Sends what the neighbour cache wants sent. What the link has no room for is lost: a request
    /// is repeated, and who wanted a reply asks again.
    pub(crate) fn send_arp(&mut self, now: Instant) {
        while !self.full
            && let Some(outgoing) = self.neighbours.poll_transmit()
        {
            self.send_arp_packet(now, &outgoing);
        }
    }

    #[cold]
    fn send_arp_packet(&mut self, now: Instant, outgoing: &arp::Outgoing) {
        let mut head = Head::new();
        head.append(&outgoing.packet.to_bytes());
        self.put_in_frame(&mut head, Mac(outgoing.destination), EtherType::ARP);
        self.send(now, &mut head, &[], Offload::default()).ok();
    }
}

/// What TCP hands its segments to, and UDP its datagrams.
pub(crate) struct Sender<'a> {
    pub(crate) now: Instant,
    pub(crate) interface: &'a mut Interface,
}

impl tcp::Output for Sender<'_> {
    fn transmit(&mut self, segment: Outgoing<'_>) -> Result<(), Blocked> {
        let Sender { now, interface } = self;
        if Some(segment.local) != interface.address() {
            return Err(Blocked::Unreachable); // From an address that was ours.
        }
        let destination = interface.next_hop(*now, segment.remote)?;
        let text: usize = segment.payload.iter().map(|chunk| chunk.len()).sum();
        let head = segment.head;
        let total_len = total_len(head.len() + text);
        head.prepend(&interface.tcp.header(segment.remote, total_len));
        interface.put_in_frame(head, destination, EtherType::IPV4);
        let offload = Offload {
            checksum: Some(PartialChecksum {
                start: HEADERS_LEN as u16,
                offset: TCP_CHECKSUM,
            }),
            gso_size: segment.gso_size,
        };
        interface
            .send(*now, head, segment.payload, offload)
            .map_err(|Full| Blocked::Full)?;
        if segment.again {
            interface.recorder.sent_again();
        }
        Ok(())
    }
}

impl udp::Output for Sender<'_> {
    fn transmit(&mut self, datagram: udp::Outgoing<'_>) -> Result<(), udp::Blocked> {
        let Sender { now, interface } = self;
        if Some(datagram.local) != interface.address() {
            return Err(udp::Blocked::Unreachable);
        }
        let destination =
            interface
                .next_hop(*now, datagram.remote)
                .map_err(|blocked| match blocked {
                    Blocked::Full => udp::Blocked::Full,
                    Blocked::Unresolved => udp::Blocked::Unresolved,
                    Blocked::Unreachable => udp::Blocked::Unreachable,
                })?;
        let total_len = total_len(datagram.header.len() + datagram.payload.len());
        let mut head = Head::new();
        head.prepend(&datagram.header);
        head.prepend(&interface.udp.header(datagram.remote, total_len));
        interface.put_in_frame(&mut head, destination, EtherType::IPV4);
        let offload = Offload {
            checksum: Some(PartialChecksum {
                start: HEADERS_LEN as u16,
                offset: udp::CHECKSUM_AT as u16,
            }),
            gso_size: None,
        };
        let payload = core::slice::from_ref(datagram.payload);
        interface
            .send(*now, &mut head, payload, offload)
            .map_err(|Full| udp::Blocked::Full)
    }
}

/// Makes a frame of headers and payload as long as the shortest is.
#[cold]
fn pad(head: &mut Head, payload: &[Chunk]) {
    payload.iter().for_each(|chunk| head.append(chunk));
    head.pad(MIN_FRAME_LEN);
}

/// Without an address no way leads anywhere.
fn routes(network: Option<Cidr>, gateway: Option<Ipv4Addr>) -> Routes {
    network.map_or_else(Routes::default, |network| Routes::new(network, gateway))
}

fn template(network: Option<Cidr>, protocol: Protocol) -> Template {
    let address = network.map_or(Ipv4Addr::UNSPECIFIED, |network| network.address());
    Template::new(address, protocol)
}

/// The total length of a packet with `len` bytes behind its header. Nobody above makes longer ones:
/// TCP is told [`Interface::max_text`], UDP the MTU, and a message that is too long is sent in fragments.
fn total_len(len: usize) -> u16 {
    debug_assert!(len + ipv4::HEADER_LEN <= usize::from(u16::MAX));
    (len + ipv4::HEADER_LEN) as u16
}
