//! A host without an address, and a server of DHCP made by hand at the other end of its wire.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use core::task::Poll;

use dhcp::{CLIENT_PORT, Kind, Message, Options, SERVER_PORT};
use ethernet::{EtherType, Mac};
use ipv4::{Protocol, Template};
use link::Link as _;
use packet::Duration;
use runtime::{Driver, Error, Network};

use super::packets::frame;
use super::world::{A, A_MAC, B, B_MAC, Host, context};
use crate::{Drop, LeaseEvent, Lost};

const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 53);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

/// A host at B's hardware address, and its server at A.
struct World {
    host: Host,
    /// The last message of the client.
    last: Option<Message>,
}

/// What the client sent: in which frame, between which addresses.
struct Asked {
    mac: Mac,
    source: Ipv4Addr,
    destination: Ipv4Addr,
}

impl World {
    fn new() -> Self {
        let host = Host::with(B, B_MAC, |config| config.address = None);
        Self { host, last: None }
    }

    /// A host that has just got B for an hour.
    fn bound() -> Self {
        let mut world = Self::new();
        world.pass(Duration::ZERO);
        world.answer(Kind::Offer, B, |_| ());
        world.answer(Kind::Ack, B, |_| ());
        world.pass(Duration::from_secs(7));
        assert_eq!(world.news(), [LeaseEvent::Acquired]);
        world
    }

    /// Lets time pass; gives the frames that are no messages of the client's, and what it asked.
    fn pass(&mut self, duration: Duration) -> (Vec<Vec<u8>>, Vec<Asked>) {
        let end = self.host.now + duration;
        let (mut others, mut asked) = (Vec::new(), Vec::new());
        loop {
            for sent in self.host.turn() {
                match self.read(&sent.bytes) {
                    Some(question) => asked.push(question),
                    None => others.push(sent.bytes),
                }
            }
            match self.host.net.next_event() {
                Some(next) if next <= end => self.host.now = next,
                _ => break,
            }
        }
        self.host.now = end;
        (others, asked)
    }

    /// Remembers a message of the client; whatever we write ourselves is verified here.
    fn read(&mut self, bytes: &[u8]) -> Option<Asked> {
        let (ethernet, len) = ethernet::Header::parse(bytes).ok()?;
        let packet = bytes.get(len..)?;
        let header = ipv4::Header::parse(packet, packet.len()).ok()?;
        let mut datagram = packet::Frame::new(
            packet::Part::copy_from(&self.host.pool, packet)?,
            packet::RxMeta::default(),
        );
        datagram.truncate(header.total_len.into());
        datagram.advance(header.header_len.into());
        let ends = udp::Packet {
            source: header.source,
            destination: header.destination,
        };
        let datagram = udp::Datagram::parse(&ends, datagram).ok()?;
        assert_eq!(datagram.destination.port(), SERVER_PORT);
        self.last = Some(Message::parse(datagram.payload.head()).unwrap());
        Some(Asked {
            mac: ethernet.destination,
            source: header.source,
            destination: header.destination,
        })
    }

    /// A frame with the server's answer to the last message, to this address.
    fn answer_to(&self, kind: Kind, to: Ipv4Addr, change: impl FnOnce(&mut Message)) -> Vec<u8> {
        let last = self.last.as_ref().unwrap();
        let mut answer = Message {
            kind,
            xid: last.xid,
            secs: 0,
            broadcast: false,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: B,
            chaddr: B_MAC,
            options: Options {
                server: Some(A),
                ..Options::default()
            },
        };
        if kind != Kind::Nak {
            answer.options.mask = Some(Ipv4Addr::new(255, 255, 255, 0));
            answer.options.lease_time = Some(3600);
            answer.options.routers.extend([A]);
            answer.options.name_servers.extend([NAME_SERVER]);
            answer.options.mtu = Some(1400);
        }
        change(&mut answer);
        let payload = answer.write();
        let ports = (
            SocketAddrV4::new(A, SERVER_PORT),
            SocketAddrV4::new(to, CLIENT_PORT),
        );
        let header = udp::header(ports.0, ports.1, &payload);
        let len = 20 + header.len() + payload.len();
        let packet = Template::new(A, Protocol::UDP).header(to, len as u16);
        let mac = if to.is_broadcast() { [0xff; 6] } else { B_MAC };
        frame(
            mac,
            EtherType::IPV4,
            &[&packet[..], &header, &payload].concat(),
        )
    }

    fn answer(&mut self, kind: Kind, to: Ipv4Addr, change: impl FnOnce(&mut Message)) {
        let answer = self.answer_to(kind, to, change);
        self.host.push(&answer);
        self.pass(Duration::ZERO);
    }

    fn news(&self) -> Vec<LeaseEvent> {
        core::iter::from_fn(|| match self.host.net.poll_lease(&context()) {
            Poll::Ready(event) => Some(event),
            Poll::Pending => None,
        })
        .collect()
    }

    fn push_arp(&self, operation: arp::Operation, sender: Ipv4Addr, target: Ipv4Addr) {
        let packet = arp::Packet {
            operation,
            sender_mac: A_MAC,
            sender,
            target_mac: [0; 6],
            target,
        };
        self.host
            .push(&frame([0xff; 6], EtherType::ARP, &packet.to_bytes()));
    }
}

fn arp_packets(frames: &[Vec<u8>]) -> Vec<arp::Packet> {
    let parse = |bytes: &Vec<u8>| arp::Packet::parse(&bytes[14..]).unwrap();
    frames.iter().map(parse).collect()
}

#[test]
fn from_the_link_to_an_address() {
    let mut world = World::new();
    let (others, asked) = world.pass(Duration::ZERO);
    assert!(others.is_empty(), "nothing is announced yet");
    assert_eq!(asked[0].mac, Mac::BROADCAST);
    assert_eq!(asked[0].source, Ipv4Addr::UNSPECIFIED);
    assert_eq!(asked[0].destination, Ipv4Addr::BROADCAST);
    assert!(world.host.net.lease().is_none());
    let refused = world.host.net.connect(SocketAddr::from((A, 80)));
    assert_eq!(refused, Err(Error::Unreachable));

    // To the address that it is to have, and to all.
    world.answer(Kind::Offer, B, |_| ());
    assert_eq!(world.last.as_ref().unwrap().kind, Kind::Request);
    world.answer(Kind::Ack, Ipv4Addr::BROADCAST, |_| ());
    let (others, _) = world.pass(Duration::from_secs(7));
    let packets = arp_packets(&others);
    let senders: Vec<Ipv4Addr> = packets.iter().map(|packet| packet.sender).collect();
    let none = Ipv4Addr::UNSPECIFIED;
    // Three probes, and the first announcement or both.
    assert_eq!(senders[..4], [none, none, none, B]);
    assert!(packets.iter().all(|packet| packet.target == B));

    assert_eq!(world.news(), [LeaseEvent::Acquired]);
    assert_eq!(world.host.net.lease().unwrap().address, B);
    assert_eq!(world.host.net.name_servers(), [IpAddr::V4(NAME_SERVER)]);
    let interface = &world.host.net.0.borrow().host.interface;
    assert_eq!((interface.mtu, interface.address()), (1400, Some(B)));
    assert_eq!(interface.routes.next_hop([192, 0, 2, 1].into()), Some(A));
}

#[test]
fn an_mtu_beyond_the_links_is_the_links() {
    let mut world = World::bound();
    let link = world.host.net.0.borrow().host.interface.link.caps().mtu;
    world.pass(Duration::from_secs(1795));
    world.push_arp(arp::Operation::Reply, A, B);
    world.pass(Duration::ZERO);
    world.answer(Kind::Ack, B, |ack| ack.options.mtu = Some(9000));
    assert_eq!(world.news(), [LeaseEvent::Changed]);
    assert_eq!(world.host.net.0.borrow().host.interface.mtu, link);
}

#[test]
fn an_address_that_somebody_has_is_declined() {
    let mut world = World::new();
    world.pass(Duration::ZERO);
    world.answer(Kind::Offer, B, |_| ());
    world.answer(Kind::Ack, B, |_| ());
    world.pass(Duration::from_secs(2));
    world.push_arp(arp::Operation::Reply, B, B);
    let (_, asked) = world.pass(Duration::ZERO);
    assert_eq!(asked[0].destination, Ipv4Addr::BROADCAST);
    assert_eq!(world.last.as_ref().unwrap().kind, Kind::Decline);
    assert_eq!(world.news(), [LeaseEvent::Declined(B)]);
    assert!(world.host.net.lease().is_none());
    assert_eq!(world.pass(Duration::from_secs(9)).1.len(), 0);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.last.as_ref().unwrap().kind, Kind::Discover);
}

#[test]
fn a_renewal_waits_for_the_servers_hardware_address() {
    let mut world = World::bound();
    let (others, asked) = world.pass(Duration::from_secs(1795));
    assert!(asked.is_empty());
    assert!(
        arp_packets(&others).iter().any(|packet| packet.target == A),
        "who is the server?"
    );
    world.push_arp(arp::Operation::Reply, A, B);
    let (_, asked) = world.pass(Duration::ZERO);
    assert_eq!((asked[0].mac, asked[0].source), (Mac(A_MAC), B));
    assert_eq!(asked[0].destination, A);
    world.answer(Kind::Ack, B, |_| ());
    assert!(world.news().is_empty());
    // T1 is half of the hour, from the request on.
    assert!(world.pass(Duration::from_secs(1790)).1.is_empty());
}

#[test]
fn an_older_question_is_not_asked_after_a_newer_one() {
    let mut world = World::bound();
    world.pass(Duration::from_secs(1795));
    world.push_arp(arp::Operation::Reply, A, B);
    world.pass(Duration::ZERO);
    world.answer(Kind::Ack, B, |ack| {
        (ack.options.t1, ack.options.t2) = (Some(100), Some(102));
    });
    // The server is forgotten meanwhile, and asked for again; before it answers, all are asked.
    let (_, asked) = world.pass(Duration::from_secs(99));
    assert!(asked.is_empty());
    let (_, asked) = world.pass(Duration::from_secs(1));
    assert!(asked[0].destination.is_broadcast());
    world.push_arp(arp::Operation::Reply, A, B);
    assert!(world.pass(Duration::from_secs(1)).1.is_empty());
}

#[test]
fn a_lease_that_is_lost_ends_its_connections() {
    let mut world = World::bound();
    let listener = world.host.net.listen(80).unwrap();
    let flow = world.host.connect(A, 80);
    let port = world.host.net.bind(5000).unwrap();
    let sent = world
        .host
        .net
        .poll_send_to(port, b"?", (OTHER, 53).into(), &mut context());
    assert!(sent.is_ready());
    world.pass(Duration::ZERO);
    // The server says no, to all hosts, when the link was away for a moment.
    world.host.wire.unplug();
    world.pass(Duration::ZERO);
    world.host.wire.plug(2, B_MAC);
    world.pass(Duration::ZERO);
    let asked = world.last.as_ref().unwrap();
    assert_eq!(
        (asked.kind, asked.options.requested),
        (Kind::Request, Some(B))
    );
    assert!(world.host.net.lease().is_some(), "still in use");
    world.answer(Kind::Nak, Ipv4Addr::BROADCAST, |_| ());
    assert_eq!(world.news(), [LeaseEvent::Lost(Lost::Refused)]);

    assert_eq!(
        world.host.connected(flow),
        Poll::Ready(Err(Error::Unreachable))
    );
    assert!(world.host.net.name_servers().is_empty());
    assert_eq!(world.host.answers(&echo_request()), Vec::<Vec<u8>>::new());
    let undelivered = world.host.net.poll_undelivered(port, &mut context());
    assert_eq!(
        undelivered,
        Poll::Ready(Ok(((OTHER, 53).into(), Error::Unreachable)))
    );
    world.push_arp(arp::Operation::Request, A, B);
    let (others, _) = world.pass(Duration::from_secs(3));
    assert!(others.is_empty(), "it neither answers nor announces");

    // Another address: what listened goes on to listen.
    world.answer(Kind::Offer, OTHER, |offer| offer.yiaddr = OTHER);
    world.answer(Kind::Ack, OTHER, |ack| ack.yiaddr = OTHER);
    world.pass(Duration::from_secs(7));
    assert_eq!(world.news(), [LeaseEvent::Acquired]);
    assert!(world.host.accept(listener).is_none());
    let flow = world.host.connect(A, 80);
    assert_eq!(
        world.host.net.local_address(flow).unwrap().ip(),
        IpAddr::V4(OTHER)
    );
}

#[test]
fn it_runs_out_while_nobody_answers() {
    let mut world = World::bound();
    let flow = world.host.connect(A, 80);
    let (_, asked) = world.pass(Duration::from_secs(3600));
    // Nobody is at the server's address, so that only what went to all could be sent.
    assert!(asked.iter().all(|asked| asked.mac == Mac::BROADCAST));
    assert_eq!(
        world.news(),
        [LeaseEvent::Rebinding, LeaseEvent::Lost(Lost::Expired)]
    );
    assert!(matches!(world.host.connected(flow), Poll::Ready(Err(_))));
    assert_eq!(world.last.as_ref().unwrap().kind, Kind::Discover);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.news(), [LeaseEvent::Unanswered]);
}

#[test]
fn nothing_else_is_taken_without_an_address() {
    let world = World::new();
    world.host.turn();
    // To the unspecified address, to somebody's, and to all.
    for to in [Ipv4Addr::UNSPECIFIED, B, Ipv4Addr::BROADCAST] {
        let header = Template::new(A, Protocol::ICMP).header(to, 28);
        let packet = [&header[..], &[8, 0, 0xf7, 0xff, 0, 0, 0, 0]].concat();
        assert!(
            world
                .host
                .answers(&frame(B_MAC, EtherType::IPV4, &packet))
                .is_empty()
        );
        let ports = (SocketAddrV4::new(A, 67), SocketAddrV4::new(to, 69));
        let header = Template::new(A, Protocol::UDP).header(to, 28);
        let packet = [&header[..], &udp::header(ports.0, ports.1, b"")].concat();
        assert!(
            world
                .host
                .answers(&frame(B_MAC, EtherType::IPV4, &packet))
                .is_empty()
        );
    }
    assert_eq!(world.host.net.stats().dropped(Drop::OtherHost), 6);
}

#[test]
fn damaged_answers_are_counted() {
    let mut world = World::new();
    world.pass(Duration::ZERO);
    let mut offer = world.answer_to(Kind::Offer, B, |_| ());
    *offer.last_mut().unwrap() ^= 1;
    world.host.push(&offer);
    let strange = world.answer_to(Kind::Offer, B, |offer| offer.xid ^= 1);
    world.host.push(&strange);
    world.pass(Duration::ZERO);
    let stats = world.host.net.stats();
    assert_eq!(stats.dropped(Drop::Dhcp), 2);
    assert_eq!(stats.dhcp.dropped(dhcp::Drop::OtherExchange), 1);
}

#[test]
fn with_a_fixed_address_broadcasts_are_for_others() {
    let mut world = World::new();
    world.pass(Duration::ZERO);
    let offer = world.answer_to(Kind::Offer, Ipv4Addr::BROADCAST, |_| ());
    let host = Host::new(B, B_MAC).announced();
    assert!(host.answers(&offer).is_empty());
    assert_eq!(host.net.stats().dropped(Drop::OtherHost), 1);
    assert!(host.net.poll_lease(&context()).is_pending());
}

fn echo_request() -> Vec<u8> {
    let header = Template::new(A, Protocol::ICMP).header(B, 28);
    frame(
        B_MAC,
        EtherType::IPV4,
        &[&header[..], &[8, 0, 0xf7, 0xff, 0, 0, 0, 0]].concat(),
    )
}
