//! The address that a server lends us: asked for, put to use, and given up in time.
//!
//! A host has none while it asks. So what it sends then goes around `udp` and its own routes, and what
//! is sent to it then has an address that is not its own yet.

use alloc::collections::VecDeque;
use core::net::{Ipv4Addr, SocketAddrV4};

use dhcp::{CLIENT_PORT, Client, Event, Lease, Outgoing, SERVER_PORT};
use ethernet::{EtherType, Mac};
use ipv4::{Cidr, Header, Protocol, Template};
use link::Offload;
use log::debug;
use packet::{Frame, Head, Instant, Part, Pool, Random, Secrets};
use udp::Datagram;

use crate::Drop;
use crate::host::Host;
use crate::interface::Interface;

/// News that nobody has read; the oldest is dropped for a newer one.
const NEWS_LIMIT: usize = 16;

/// A client of DHCP, and what stands between it and the link.
pub(crate) struct Dhcp {
    pub(crate) client: Client,
    /// How long the probes of an address wait.
    delays: Random,
    /// What the link had no room for, or whose next hop is not known yet.
    outgoing: Option<Outgoing>,
    /// What users may want to know.
    pub(crate) news: VecDeque<Event>,
}

impl Dhcp {
    pub(crate) fn new(secrets: &Secrets) -> Self {
        Self {
            client: Client::new(secrets),
            delays: secrets.random("arp probe"),
            outgoing: None,
            news: VecDeque::new(),
        }
    }

    /// Sends what the client wants sent.
    #[cold]
    pub(crate) fn transmit(&mut self, now: Instant, interface: &mut Interface, pool: &Pool) {
        let older = self.outgoing.take();
        let Some(outgoing) = self.client.poll_transmit().or(older) else {
            return;
        };
        let to = match outgoing.destination {
            Ipv4Addr::BROADCAST => Ok(Mac::BROADCAST),
            server => interface.next_hop(now, server),
        };
        let sent = to.and_then(|mac| send(now, interface, pool, (mac, &outgoing)));
        if let Err(tcp::Blocked::Full | tcp::Blocked::Unresolved) = sent {
            self.outgoing = Some(outgoing);
        }
    }

    fn tell(&mut self, event: Event) {
        if self.news.len() >= NEWS_LIMIT {
            self.news.pop_front();
        }
        self.news.push_back(event);
    }
}

/// Sends one message. Without memory it is lost, and will be sent again.
fn send(
    now: Instant,
    interface: &mut Interface,
    pool: &Pool,
    (mac, outgoing): (Mac, &Outgoing),
) -> Result<(), tcp::Blocked> {
    let Outgoing {
        source,
        destination,
        ref message,
    } = *outgoing;
    let Some(payload) = Part::copy_from(pool, message) else {
        return Ok(());
    };
    let (from, to) = (
        SocketAddrV4::new(source, CLIENT_PORT),
        SocketAddrV4::new(destination, SERVER_PORT),
    );
    let datagram = udp::header(from, to, message);
    let total_len = ipv4::HEADER_LEN + datagram.len() + message.len();
    let packet = Template::new(source, Protocol::UDP).header(destination, total_len as u16);
    let mut head = Head::new();
    head.prepend(&datagram);
    head.prepend(&packet);
    interface.put_in_frame(&mut head, mac, EtherType::IPV4);
    interface
        .send(now, &mut head, &[payload.into()], Offload::default())
        .map_err(|link::Full| tcp::Blocked::Full)
}

/// Whether a frame that starts at the header of a datagram is for a client of DHCP.
pub(crate) fn is_for_client(datagram: &Frame) -> bool {
    datagram.head().get(2..4) == Some(&CLIENT_PORT.to_be_bytes())
}

impl Host {
    /// A packet that is not for our address, if we have one: all that can be of use in it is an answer of
    /// a DHCP server, who writes to all hosts, or to the address that we are to get.
    /// It begins `start` bytes behind the start of `frame`.
    #[cold]
    pub(crate) fn configuration(
        &mut self,
        now: Instant,
        mut frame: Frame,
        start: usize,
    ) -> Result<(), Drop> {
        let bytes = frame.head().get(start..).unwrap_or_default();
        let header = Header::parse(bytes, frame.len().saturating_sub(start))?;
        let has_address = self.interface.network.is_some();
        let may_be = header.destination.is_broadcast() || !has_address;
        if self.dhcp.is_none()
            || !may_be
            || header.protocol != Protocol::UDP
            || header.is_fragment()
        {
            return Err(Drop::OtherHost);
        }
        frame.truncate(start + usize::from(header.total_len));
        frame.advance(start + usize::from(header.header_len));
        match is_for_client(&frame) {
            true => self.lease_message(now, &header, frame),
            false => Err(Drop::OtherHost),
        }
    }

    /// A datagram for the client of DHCP.
    pub(crate) fn lease_message(
        &mut self,
        now: Instant,
        header: &Header,
        datagram: Frame,
    ) -> Result<(), Drop> {
        let dhcp = self.dhcp.as_mut().ok_or(Drop::Dhcp)?;
        let ends = udp::Packet {
            source: header.source,
            destination: header.destination,
        };
        let datagram = Datagram::parse(&ends, datagram).map_err(|_| Drop::Dhcp)?;
        // In more than one part only where a device cuts frames at pages.
        let mut message = heapless::Vec::<u8, 1500>::new();
        for part in datagram.payload.parts() {
            message.extend_from_slice(part).map_err(|_| Drop::Dhcp)?;
        }
        let taken = dhcp.client.receive(now, &message);
        self.lease_events(now);
        taken.map_err(|reason| {
            debug!("a server's message is of no use: {reason:?}");
            Drop::Dhcp
        })
    }

    /// The link came up, or went down.
    pub(crate) fn lease_link(&mut self, now: Instant, is_up: bool) {
        let Interface { mac, mtu, .. } = self.interface;
        let Some(dhcp) = &mut self.dhcp else { return };
        match is_up {
            true => dhcp.client.link_up(now, mac.0, mtu),
            false => dhcp.client.link_down(),
        }
        dhcp.outgoing = None;
        self.lease_events(now);
    }

    /// Somebody found out whether an address is free.
    pub(crate) fn lease_probed(&mut self, now: Instant, address: Ipv4Addr, is_free: bool) {
        if let Some(dhcp) = &mut self.dhcp {
            dhcp.client.probed(now, address, is_free);
            self.lease_events(now);
        }
    }

    #[inline(never)]
    pub(crate) fn lease_timeout(&mut self, now: Instant) {
        if let Some(dhcp) = &mut self.dhcp {
            dhcp.client.handle_timeout(now);
            self.lease_events(now);
        }
    }

    /// Does what the client says.
    fn lease_events(&mut self, now: Instant) {
        while let Some(dhcp) = &mut self.dhcp
            && let Some(event) = dhcp.client.poll_event()
        {
            match event {
                Event::Probe(address) => {
                    let neighbours = &mut self.interface.neighbours;
                    neighbours.probe(now, address, &mut dhcp.delays);
                    continue;
                }
                Event::Acquired | Event::Changed => {
                    let lease = dhcp.client.lease().cloned();
                    self.use_lease(now, lease.as_ref());
                }
                Event::Lost(_) => self.use_lease(now, None),
                Event::Declined(_) | Event::Refused | Event::Unanswered | Event::Rebinding => {}
            }
            if let Some(dhcp) = &mut self.dhcp {
                dhcp.tell(event);
            }
        }
    }

    /// What the lease says holds from now on.
    fn use_lease(&mut self, now: Instant, lease: Option<&Lease>) {
        let network = lease.and_then(|lease| Cidr::new(lease.address, lease.prefix_len));
        let gateway = lease.and_then(|lease| lease.gateway);
        let address = self.interface.address();
        self.interface.set_network(now, network, gateway);
        self.interface.limit_mtu(lease.and_then(|lease| lease.mtu));
        self.link_changed();
        if let Some(lost) = address.filter(|address| self.interface.address() != Some(*address)) {
            self.tcp.address_lost(now, lost);
            self.outbox.clear();
        }
        self.next_hops_changed();
    }
}
