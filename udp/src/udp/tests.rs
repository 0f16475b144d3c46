use alloc::vec;
use alloc::vec::Vec;

use packet::{Class, Limits, RxMeta};

use super::*;

const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 5000);

fn udp(config: Config) -> Udp {
    let limits = Limits {
        cells: 512,
        pages: 64,
        bays: 8,
    };
    Udp::new(config, Pool::new(limits), &Secrets::new([1; 32]))
}

/// A link that remembers, and answers as it is told.
#[derive(Default)]
struct Wire {
    sent: Vec<(Ipv4Addr, u16, Vec<u8>)>,
    answers: Vec<Blocked>,
}

impl Wire {
    fn payloads(&self) -> Vec<&[u8]> {
        let payloads = self.sent.iter();
        payloads.map(|(_, _, payload)| &payload[..]).collect()
    }
}

impl Output for Wire {
    fn transmit(&mut self, datagram: Outgoing<'_>) -> Result<(), Blocked> {
        if let Some(blocked) = self.answers.pop() {
            return Err(blocked);
        }
        let (source, _) = header::quoted_ports(&datagram.header).unwrap();
        let payload = datagram.payload.to_vec();
        self.sent.push((datagram.remote, source, payload));
        Ok(())
    }
}

fn arrive(udp: &mut Udp, port: u16, payload: &[u8]) -> Result<(), Drop> {
    let destination = SocketAddrV4::new(US, port);
    let bytes = [&header::header(PEER, destination, payload)[..], payload].concat();
    let packet = Packet {
        source: *PEER.ip(),
        destination: US,
    };
    let part = Part::copy_from(&udp.pool, &bytes).unwrap();
    udp.receive(&packet, Frame::new(part, RxMeta::default()))
}

fn taken(udp: &mut Udp, id: PortId) -> Option<Vec<u8>> {
    match udp.take(id) {
        Poll::Ready(Ok((payload, source))) => {
            assert_eq!(source, PEER);
            Some(payload.to_vec())
        }
        Poll::Ready(Err(error)) => panic!("{error:?}"),
        Poll::Pending => None,
    }
}

#[test]
fn datagrams_keep_their_order_and_their_bounds() {
    let mut udp = udp(Config::default());
    let id = udp.bind(53).unwrap();
    assert_eq!(taken(&mut udp, id), None);
    for payload in [&b"first"[..], b"", &[7; 3000]] {
        arrive(&mut udp, 53, payload).unwrap();
    }
    assert_eq!(udp.poll_event(), Some(id));
    assert_eq!(udp.poll_event(), None, "nobody waited any more");
    assert_eq!(taken(&mut udp, id).unwrap(), b"first");
    assert_eq!(taken(&mut udp, id).unwrap(), b"");
    assert_eq!(taken(&mut udp, id).unwrap(), [7; 3000]);
    assert_eq!(taken(&mut udp, id), None);
}

#[test]
fn nobody_is_bound_nothing_is_kept() {
    let mut udp = udp(Config::default());
    assert_eq!(arrive(&mut udp, 53, b"lost"), Err(Drop::NoPort));
    let id = udp.bind(53).unwrap();
    arrive(&mut udp, 53, b"kept").unwrap();
    udp.unbind(id);
    assert_eq!(arrive(&mut udp, 53, b"late"), Err(Drop::NoPort));
    assert_eq!(
        udp.take(id).map(Result::err),
        Poll::Ready(Some(Error::Closed))
    );
    assert_eq!(udp.stats().dropped(Drop::NoPort), 2);
    assert_eq!(udp.pool.usage(Class::Cell).held, 0);
}

#[test]
fn a_reader_that_stops_costs_no_more_than_its_queue() {
    let config = Config {
        received: 4,
        received_memory: 3 * 4096,
        ..Config::default()
    };
    let mut udp = udp(config);
    let id = udp.bind(53).unwrap();
    let counts = |udp: &mut Udp, len| {
        let kept = (0..9)
            .filter(|_| arrive(udp, 53, &vec![1; len]).is_ok())
            .count();
        while taken(udp, id).is_some() {}
        kept
    };
    assert_eq!(counts(&mut udp, 100), 4, "by number");
    assert_eq!(counts(&mut udp, 1000), 3, "by memory");
    assert_eq!(udp.stats().dropped(Drop::QueueFull), 11);
}

#[test]
fn what_came_in_a_bay_is_kept_in_less() {
    let mut udp = udp(Config::default());
    let id = udp.bind(53).unwrap();
    let bytes = [
        &header::header(PEER, SocketAddrV4::new(US, 53), &[5; 200])[..],
        &[5; 200],
    ]
    .concat();
    let mut bay = udp.pool.take(Class::Bay).unwrap();
    bay.bytes_mut().unwrap()[..bytes.len()].copy_from_slice(&bytes);
    let packet = Packet {
        source: *PEER.ip(),
        destination: US,
    };
    let frame = Frame::new(Part::new(bay, 0..bytes.len()), RxMeta::default());
    udp.receive(&packet, frame).unwrap();
    assert_eq!(udp.pool.usage(Class::Bay).held, 0);
    assert_eq!(taken(&mut udp, id).unwrap(), [5; 200]);
}

#[test]
fn a_pool_that_runs_low_is_left_to_links() {
    let mut udp = udp(Config::default());
    udp.bind(53).unwrap();
    let held: Vec<_> = (0..400).map(|_| udp.pool.take(Class::Cell)).collect();
    assert_eq!(arrive(&mut udp, 53, b"x"), Err(Drop::NoMemory));
    drop(held);
    assert_eq!(arrive(&mut udp, 53, b"x"), Ok(()));
}

#[test]
fn a_full_link_makes_senders_wait_and_loses_nothing() {
    let config = Config {
        unsent: 2,
        ..Config::default()
    };
    let mut udp = udp(config);
    let id = udp.bind(5001).unwrap();
    let send = |udp: &mut Udp, payload: &[u8]| udp.send(id, US, PEER, payload);
    assert!(send(&mut udp, b"a").is_ready());
    assert!(send(&mut udp, b"b").is_ready());
    assert!(send(&mut udp, b"c").is_pending());
    let mut wire = Wire {
        answers: vec![Blocked::Full],
        ..Wire::default()
    };
    udp.poll_transmit(&mut wire);
    assert_eq!(udp.poll_event(), None);
    udp.poll_transmit(&mut wire);
    assert_eq!(udp.poll_event(), Some(id));
    assert!(send(&mut udp, b"c").is_ready());
    udp.unbind(id);
    udp.poll_transmit(&mut wire);
    assert_eq!(
        wire.payloads(),
        [b"a", b"b", b"c"],
        "also after the port was given back"
    );
    assert!(
        wire.sent
            .iter()
            .all(|(remote, port, _)| (remote, *port) == (PEER.ip(), 5001))
    );
}

#[test]
fn all_ports_together_have_a_limit() {
    let config = Config {
        all_unsent: 3,
        ..Config::default()
    };
    let mut udp = udp(config);
    for _ in 0..3 {
        let id = udp.bind(0).unwrap();
        assert_eq!(udp.send(id, US, PEER, b"x"), Poll::Ready(Ok(())));
        udp.unbind(id);
    }
    let id = udp.bind(0).unwrap();
    assert_eq!(
        udp.send(id, US, PEER, b"x"),
        Poll::Ready(Err(Error::NoBuffer))
    );
}

#[test]
fn who_waits_for_a_next_hop_lets_others_pass() {
    let config = Config {
        unresolved: 2,
        unsent: 1,
        ..Config::default()
    };
    let mut udp = udp(config);
    let id = udp.bind(5001).unwrap();
    let mut wire = Wire::default();
    for payload in [b"a", b"b", b"c"] {
        assert!(udp.send(id, US, PEER, payload).is_ready());
        wire.answers = vec![Blocked::Unresolved];
        udp.poll_transmit(&mut wire);
    }
    assert_eq!(udp.stats().dropped(Drop::Unresolved), 1, "the oldest");
    assert!(udp.send(id, US, PEER, b"d").is_ready());
    udp.poll_transmit(&mut wire);
    udp.resolved();
    wire.answers = vec![Blocked::Unreachable];
    udp.poll_transmit(&mut wire);
    assert_eq!(wire.payloads(), [b"d", b"c"]);
    assert_eq!(
        udp.take_error(id),
        Poll::Ready(Ok((PEER, Error::Unreachable)))
    );
    assert_eq!(udp.take_error(id), Poll::Pending);
}

#[test]
fn errors_reach_the_port_they_are_about() {
    let mut udp = udp(Config::default());
    let id = udp.bind(5001).unwrap();
    assert_eq!(udp.take_error(id), Poll::Pending);
    let quote = |port| header::header(SocketAddrV4::new(US, port), PEER, b"");
    udp.icmp_error(*PEER.ip(), &quote(5002), Error::Refused);
    udp.icmp_error(*PEER.ip(), &quote(5001)[..7], Error::Refused);
    assert_eq!(udp.poll_event(), None);
    for _ in 0..99 {
        udp.icmp_error(*PEER.ip(), &quote(5001), Error::Refused);
    }
    assert_eq!(udp.poll_event(), Some(id));
    let mut heard = 0;
    while let Poll::Ready(error) = udp.take_error(id) {
        assert_eq!(error, Ok((PEER, Error::Refused)));
        heard += 1;
    }
    assert_eq!(heard, Config::default().undelivered);
}

#[test]
fn what_does_not_fit_is_refused_whole() {
    let mut udp = udp(Config::default());
    let id = udp.bind(0).unwrap();
    let mut send = |len: usize| udp.send(id, US, PEER, &vec![0; len]);
    assert_eq!(send(1472), Poll::Ready(Ok(())));
    assert_eq!(send(1473), Poll::Ready(Err(Error::TooLarge)));
    udp.set_link(1499);
    udp.poll_transmit(&mut Wire::default());
    assert_eq!(
        udp.stats().dropped(Drop::TooLarge),
        1,
        "queued for another link"
    );
    udp.set_link(u16::MAX);
    let mut send = |len: usize| udp.send(id, US, PEER, &vec![0; len]);
    assert_eq!(send(MAX_PAYLOAD_LEN), Poll::Ready(Ok(())));
    assert_eq!(send(MAX_PAYLOAD_LEN + 1), Poll::Ready(Err(Error::TooLarge)));
}
