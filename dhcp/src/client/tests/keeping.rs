//! BOUND, RENEWING, REBINDING, REBOOTING.

use super::*;
use crate::Lost;

#[test]
fn at_t1_its_server_is_asked() {
    let mut world = World::bound(|_| ());
    let before = world.last.xid;
    world.wait_exactly(1800);
    let outgoing = world.sent(Kind::Request);
    assert_eq!((outgoing.source, outgoing.destination), (ADDRESS, SERVER));
    let request = &world.last;
    assert_ne!(request.xid, before);
    assert_eq!(request.ciaddr, ADDRESS);
    // 4.3.2: these two must not be there; the list must be the same (4.4.1).
    assert_eq!(
        (request.options.server, request.options.requested),
        (None, None)
    );
    assert_eq!(
        request.options.wanted[..],
        [1, 3, 6, 12, 15, 26, 51, 54, 58, 59]
    );
    let start = world.now;
    world.now += Duration::from_secs(2);
    world.answer(Kind::Ack, |_| ()).unwrap();
    assert!(world.events().is_empty(), "only its times have changed");
    let times = world.client.lease().unwrap().times.unwrap();
    assert_eq!(times.end, start + Duration::from_secs(3600));
    world.wait_exactly(1798);
    world.sent(Kind::Request);
}

#[test]
fn what_else_changes_is_told() {
    let mut world = World::bound(|_| ());
    world.wait_exactly(1800);
    world.sent(Kind::Request);
    world
        .answer(Kind::Ack, |ack| ack.options.mtu = Some(1400))
        .unwrap();
    assert_eq!(world.events(), [Event::Changed]);
    assert_eq!(world.client.lease().unwrap().mtu, Some(1400));
}

/// 4.4.5: half of the time that is left, until a minute.
#[test]
fn silence_from_t1_to_the_end() {
    let mut world = World::bound(|_| ());
    world.wait_exactly(1800);
    world.sent(Kind::Request);
    let mut xid = world.last.xid;
    // From T1 to T2 there are 1350 s.
    for halves in [2, 4, 8, 16] {
        let took = world.wait();
        assert_eq!(took, Duration::from_secs(1350) / halves);
        assert_eq!(world.sent(Kind::Request).destination, SERVER);
        assert_ne!(core::mem::replace(&mut xid, world.last.xid), world.last.xid);
    }
    // 84.375 s are left.
    world.wait_exactly(60);
    assert_eq!(world.sent(Kind::Request).destination, SERVER);
    assert_eq!(world.wait(), Duration::from_millis(24_375));

    assert_eq!(
        world.now,
        Instant::from_millis(5000) + Duration::from_secs(3150)
    );
    assert_eq!(world.events(), [Event::Rebinding]);
    let outgoing = world.sent(Kind::Request);
    assert_eq!(
        (outgoing.source, outgoing.destination),
        (ADDRESS, Ipv4Addr::BROADCAST)
    );
    assert_eq!(world.last.ciaddr, ADDRESS);
    assert_eq!(
        (world.last.options.server, world.last.options.requested),
        (None, None)
    );
    // From T2 to the end there are 450 s.
    for millis in [225_000, 112_500, 60_000] {
        assert_eq!(world.wait(), Duration::from_millis(millis));
        assert_eq!(world.sent(Kind::Request).destination, Ipv4Addr::BROADCAST);
        assert!(world.client.lease().is_some() && world.events().is_empty());
    }
    assert_eq!(world.wait(), Duration::from_millis(52_500));
    assert_eq!(world.events(), [Event::Lost(Lost::Expired)]);
    assert!(world.client.lease().is_none());
    assert_eq!(world.sent(Kind::Discover).source, Ipv4Addr::UNSPECIFIED);
}

#[test]
fn any_server_may_extend_from_t2_on() {
    let mut world = World::bound(|ack| ack.options.t1 = Some(3149));
    world.wait_exactly(3149);
    world.sent(Kind::Request);
    world.wait_exactly(1);
    world.sent(Kind::Request);
    world
        .answer(Kind::Ack, |ack| ack.options.server = Some(OTHER_SERVER))
        .unwrap();
    assert_eq!(world.events(), [Event::Rebinding, Event::Changed]);
    world.wait_exactly(1800);
    assert_eq!(world.sent(Kind::Request).destination, OTHER_SERVER);
}

#[test]
fn a_refusal_ends_it_at_once() {
    for t in [1800, 3150] {
        let mut world = World::bound(|_| ());
        while world.now < Instant::from_millis(5000) + Duration::from_secs(t) {
            world.wait();
            world.sent(Kind::Request);
        }
        world.events();
        world.answer(Kind::Nak, |_| ()).unwrap();
        assert_eq!(world.events(), [Event::Lost(Lost::Refused)]);
        assert!(world.client.lease().is_none());
        assert_eq!(world.wait(), Duration::ZERO);
        world.sent(Kind::Discover);
    }
}

#[test]
fn times_are_the_servers_where_they_make_sense() {
    for (lease, t1, t2, expected) in [
        (3600, None, None, (1800, 3150)),
        (3600, Some(100), Some(200), (100, 200)),
        (3600, Some(100), None, (100, 3150)),
        (3600, None, Some(2000), (1800, 2000)),
        // T1 < T2 < the end (4.4.5), else as if nothing had been said.
        (3600, None, Some(1000), (1800, 3150)),
        (3600, Some(3500), Some(3000), (1800, 3150)),
        (3600, Some(100), Some(3600), (1800, 3150)),
        (3600, Some(100), Some(100), (1800, 3150)),
        (3600, Some(0), Some(200), (1800, 3150)),
        (3600, Some(u32::MAX), Some(u32::MAX), (1800, 3150)),
        (16, None, None, (8, 14)),
    ] {
        let world = World::bound(|ack| {
            ack.options.lease_time = Some(lease);
            (ack.options.t1, ack.options.t2) = (t1, t2);
        });
        let times = world.client.lease().unwrap().times.unwrap();
        let after = |seconds: u64| world.now + Duration::from_secs(seconds);
        assert_eq!((times.t1, times.t2), (after(expected.0), after(expected.1)));
        assert_eq!(times.end, after(lease.into()));
        assert_eq!(world.client.poll_timeout(), Some(times.t1));
    }
}

#[test]
fn for_ever_is_for_ever() {
    let mut world = World::bound(|ack| {
        ack.options.lease_time = Some(u32::MAX);
        ack.options.t1 = Some(100);
    });
    assert_eq!(world.client.lease().unwrap().times, None);
    assert_eq!(world.client.poll_timeout(), None);
    world.client.handle_timeout(Instant::from_nanos(u64::MAX));
    assert!(world.is_silent() && world.client.lease().is_some());
}

#[test]
fn nobody_called_for_long() {
    for (after, expected) in [
        (2000, Kind::Request),
        (3200, Kind::Request),
        (3600, Kind::Discover),
        (99_999, Kind::Discover),
    ] {
        let mut world = World::bound(|_| ());
        world.now += Duration::from_secs(after);
        world.client.handle_timeout(world.now);
        world.sent(expected);
        assert!(world.client.poll_timeout().unwrap() > world.now);
        assert_eq!(world.client.lease().is_none(), after >= 3600);
    }
}

#[test]
fn a_link_that_blinked_is_asked_about() {
    let mut world = World::bound(|_| ());
    world.now += Duration::from_secs(100);
    world.client.link_down();
    world.now += Duration::from_secs(50);
    world.client.link_up(world.now, MAC, 1500);
    let outgoing = world.sent(Kind::Request);
    assert_eq!(outgoing.source, Ipv4Addr::UNSPECIFIED);
    assert_eq!(outgoing.destination, Ipv4Addr::BROADCAST);
    // 4.3.2: INIT-REBOOT.
    let request = &world.last;
    assert_eq!(request.ciaddr, Ipv4Addr::UNSPECIFIED);
    assert_eq!(
        (request.options.server, request.options.requested),
        (None, Some(ADDRESS))
    );
    assert_eq!(
        world.client.lease().unwrap().address,
        ADDRESS,
        "still in use"
    );
    let start = world.now;
    world.answer(Kind::Ack, |_| ()).unwrap();
    assert!(world.events().is_empty());
    let times = world.client.lease().unwrap().times.unwrap();
    assert_eq!(times.end, start + Duration::from_secs(3600));
}

#[test]
fn on_another_network_the_lease_is_refused() {
    let mut world = World::bound(|_| ());
    world.client.link_up(world.now, MAC, 1500);
    world.sent(Kind::Request);
    world
        .answer(Kind::Nak, |nak| nak.options.server = Some(OTHER_SERVER))
        .unwrap();
    assert_eq!(world.events(), [Event::Lost(Lost::Refused)]);
    world.wait();
    world.sent(Kind::Discover);
}

/// 3.2, step 4: without an answer it may be used as long as it runs.
#[test]
fn no_server_to_verify_it() {
    let mut world = World::bound(|_| ());
    world.client.link_up(world.now, MAC, 1500);
    world.sent(Kind::Request);
    for seconds in [4, 8, 16] {
        world.wait_about(seconds);
        world.sent(Kind::Request);
        assert_eq!(world.last.options.requested, Some(ADDRESS));
    }
    world.wait_about(32);
    assert!(world.is_silent());
    world.wait();
    assert_eq!(
        world.now,
        Instant::from_millis(5000) + Duration::from_secs(1800)
    );
    assert_eq!(world.sent(Kind::Request).destination, SERVER);
}

#[test]
fn a_lease_runs_out_also_while_it_is_verified_or_the_link_is_down() {
    for is_up in [true, false] {
        let mut world = World::bound(|_| ());
        world.now += Duration::from_secs(3599);
        world.client.link_down();
        if is_up {
            world.client.link_up(world.now, MAC, 1500);
            world.sent(Kind::Request);
        }
        world.wait_exactly(1);
        assert_eq!(world.events(), [Event::Lost(Lost::Expired)]);
        assert_eq!(world.is_silent(), !is_up);
        assert_eq!(world.client.poll_timeout().is_some(), is_up);
    }
}

#[test]
fn another_card_is_another_client() {
    let mut world = World::bound(|_| ());
    world.client.link_up(world.now, [2, 0, 0, 0, 0, 8], 1500);
    assert_eq!(world.events(), [Event::Lost(Lost::OtherHardware)]);
    world.client.handle_timeout(world.now);
    let hello = world.client.poll_transmit().unwrap();
    let hello = Message::parse(&hello.message).unwrap();
    assert_eq!(
        (hello.kind, hello.chaddr),
        (Kind::Discover, [2, 0, 0, 0, 0, 8])
    );
}
