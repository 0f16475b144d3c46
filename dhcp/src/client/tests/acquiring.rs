//! INIT, SELECTING, REQUESTING, PROBING.

use super::*;

#[test]
fn from_nothing_to_an_address() {
    let mut world = World::new();
    let hello = world.last.clone();
    assert_eq!(hello.ciaddr, Ipv4Addr::UNSPECIFIED);
    assert_eq!(hello.options.server, None);
    assert_eq!(
        hello.options.wanted[..],
        [1, 3, 6, 12, 15, 26, 51, 54, 58, 59]
    );
    assert_eq!(hello.options.identifier[..], [1, 2, 0, 0, 0, 0, 7]);
    assert_eq!(hello.options.max_size, Some(1500));

    world.answer(Kind::Offer, |_| ()).unwrap();
    let outgoing = world.sent(Kind::Request);
    // To all servers, so that those not chosen know (3.1, step 3), and from no address yet (4.1).
    assert_eq!(outgoing.destination, Ipv4Addr::BROADCAST);
    assert_eq!(outgoing.source, Ipv4Addr::UNSPECIFIED);
    let request = &world.last;
    assert_eq!((request.xid, request.secs), (hello.xid, hello.secs));
    assert_eq!(request.ciaddr, Ipv4Addr::UNSPECIFIED);
    assert_eq!(request.options.server, Some(SERVER));
    assert_eq!(request.options.requested, Some(ADDRESS));
    assert_eq!(request.options.wanted, hello.options.wanted);
    assert_eq!(request.options.identifier, hello.options.identifier);

    world.answer(Kind::Ack, |_| ()).unwrap();
    assert_eq!(world.events(), [Event::Probe(ADDRESS)]);
    assert!(world.client.lease().is_none(), "not before it was probed");
    world.now += Duration::from_secs(6);
    world.client.probed(world.now, ADDRESS, true);
    assert_eq!(world.events(), [Event::Acquired]);
    let lease = world.client.lease().unwrap();
    assert_eq!((lease.address, lease.prefix_len), (ADDRESS, 24));
    assert_eq!((lease.gateway, lease.server), (Some(SERVER), SERVER));
    // Counted from the request on (4.4.1), which took no time here.
    let start = Instant::from_millis(5000);
    let times = lease.times.unwrap();
    assert_eq!(times.t1, start + Duration::from_secs(1800));
    assert_eq!(times.t2, start + Duration::from_secs(3150));
    assert_eq!(times.end, start + Duration::from_secs(3600));
    assert!(world.is_silent());
}

#[test]
fn a_discover_is_repeated_ever_more_rarely() {
    let mut world = World::new();
    let xid = world.last.xid;
    let mut told = 0;
    for seconds in [4, 8, 16, 32, 64, 64, 64] {
        world.wait_about(seconds);
        world.sent(Kind::Discover);
        assert_eq!(world.last.xid, xid, "a late offer counts");
        told += world
            .events()
            .iter()
            .filter(|event| **event == Event::Unanswered)
            .count();
    }
    assert_eq!(told, 1);
    assert!(
        (250..=255).contains(&world.last.secs),
        "{}",
        world.last.secs
    );
    let secs = world.last.secs;
    world.answer(Kind::Offer, |_| ()).unwrap();
    world.now += Duration::from_secs(9);
    world.sent(Kind::Request);
    assert_eq!(
        world.last.secs, secs,
        "the same in the request (3.1, step 3)"
    );
}

#[test]
fn delays_differ_between_hosts_and_not_between_runs() {
    let delay = |seed| {
        let mut client = Client::new(&Secrets::new([seed; 32]));
        client.link_up(Instant::ZERO, MAC, 1500);
        client.handle_timeout(Instant::ZERO);
        let xid = Message::parse(&client.poll_transmit().unwrap().message)
            .unwrap()
            .xid;
        (client.poll_timeout().unwrap(), xid)
    };
    assert_eq!(delay(1), delay(1));
    assert_ne!(delay(1).0, delay(2).0);
    assert_ne!(delay(1).1, delay(2).1);
}

#[test]
fn a_request_without_an_answer_starts_over() {
    let mut world = World::new();
    let first = world.last.xid;
    world.answer(Kind::Offer, |_| ()).unwrap();
    world.sent(Kind::Request);
    for seconds in [4, 8, 16] {
        world.wait_about(seconds);
        world.sent(Kind::Request);
        assert_eq!(world.last.options.server, Some(SERVER));
    }
    world.wait_about(32);
    world.sent(Kind::Discover);
    assert_ne!(world.last.xid, first);
}

#[test]
fn a_lease_counts_from_the_first_request() {
    let mut world = World::new();
    world.answer(Kind::Offer, |_| ()).unwrap();
    let start = world.now;
    world.wait_about(4);
    world.sent(Kind::Request);
    world.answer(Kind::Ack, |_| ()).unwrap();
    world.client.probed(world.now, ADDRESS, true);
    let times = world.client.lease().unwrap().times.unwrap();
    assert_eq!(times.end, start + Duration::from_secs(3600));
}

#[test]
fn an_address_in_use_is_declined() {
    let mut world = World::probing(|_| ());
    let asked = world.last.clone();
    world.client.probed(world.now, SERVER, false);
    assert!(world.is_silent(), "another address was not asked about");
    world.client.probed(world.now, ADDRESS, false);
    assert_eq!(world.events(), [Event::Declined(ADDRESS)]);
    let outgoing = world.sent(Kind::Decline);
    assert_eq!(outgoing.destination, Ipv4Addr::BROADCAST);
    assert_eq!(outgoing.source, Ipv4Addr::UNSPECIFIED);
    let decline = world.last.clone();
    assert_ne!(decline.xid, asked.xid);
    assert_eq!((decline.ciaddr, decline.secs), (Ipv4Addr::UNSPECIFIED, 0));
    // Table 5: these two, the identifier, and nothing else.
    let expected = Options {
        requested: Some(ADDRESS),
        server: Some(SERVER),
        identifier: asked.options.identifier,
        ..Options::default()
    };
    assert_eq!(decline.options, expected);
    assert!(world.client.lease().is_none());
    world.wait_exactly(10);
    world.sent(Kind::Discover);
}

#[test]
fn conflicts_without_end_slow_it_down() {
    let mut world = World::new();
    for conflict in 1..=12 {
        world.answer(Kind::Offer, |_| ()).unwrap();
        world.sent(Kind::Request);
        world.answer(Kind::Ack, |_| ()).unwrap();
        world.client.probed(world.now, ADDRESS, false);
        world.sent(Kind::Decline);
        // RFC 5227, 2.1.1: MAX_CONFLICTS is 10.
        world.wait_exactly(if conflict < 10 { 10 } else { 60 });
        world.sent(Kind::Discover);
    }
}

#[test]
fn what_was_to_be_sent_is_not_sent_on_the_next_network() {
    let mut world = World::new();
    world.answer(Kind::Offer, |_| ()).unwrap();
    world.client.link_down();
    assert!(world.is_silent());
}

#[test]
fn conflicts_are_forgotten_once_an_address_is_bound() {
    let mut world = World::new();
    // Nine conflicts, then an address, which is refused at T1; then one conflict more.
    for is_free in [false; 9].into_iter().chain([true, false]) {
        world.answer(Kind::Offer, |_| ()).unwrap();
        world.sent(Kind::Request);
        world.answer(Kind::Ack, |_| ()).unwrap();
        world.client.probed(world.now, ADDRESS, is_free);
        if is_free {
            world.wait_exactly(1800);
            world.sent(Kind::Request);
            world.answer(Kind::Nak, |_| ()).unwrap();
            world.wait_exactly(0);
        } else {
            world.sent(Kind::Decline);
            world.wait_exactly(10);
        }
        world.sent(Kind::Discover);
    }
}

#[test]
fn an_offer_taken_back_is_not_asked_for_at_once() {
    let mut world = World::new();
    world.answer(Kind::Offer, |_| ()).unwrap();
    world.sent(Kind::Request);
    world.answer(Kind::Nak, |_| ()).unwrap();
    assert_eq!(world.events(), [Event::Refused]);
    assert!(world.is_silent());
    world.wait_exactly(10);
    world.sent(Kind::Discover);
}

#[test]
fn the_link_goes_down_and_up_while_asking() {
    let mut world = World::probing(|_| ());
    world.client.link_down();
    assert_eq!(world.client.poll_timeout(), None);
    world.client.probed(world.now, ADDRESS, true);
    assert!(world.client.lease().is_none(), "of the network that was");
    world.client.link_up(world.now, MAC, 1500);
    assert_eq!(world.wait(), Duration::ZERO);
    world.sent(Kind::Discover);
}
