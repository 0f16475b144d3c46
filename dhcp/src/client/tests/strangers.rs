//! What is thrown away, in which state, and that it changes nothing.

use proptest::prelude::*;

use super::*;

/// Sends one answer to `world`, which must drop it and stay as it is.
fn refuses(world: &mut World, kind: Kind, reason: Drop, change: impl FnOnce(&mut Message)) {
    let before = world.client.stats().dropped(reason);
    let timeout = world.client.poll_timeout();
    assert_eq!(world.answer(kind, change), Err(reason));
    assert_eq!(world.client.stats().dropped(reason), before + 1);
    assert_eq!(world.client.poll_timeout(), timeout);
    assert!(world.is_silent() && world.events().is_empty());
}

/// What no state takes.
fn refuses_strangers(world: &mut World, kind: Kind) {
    // "MUST be silently discarded" (4.1, 4.4.1).
    refuses(world, kind, Drop::OtherExchange, |answer| answer.xid ^= 1);
    refuses(world, kind, Drop::OtherClient, |answer| {
        answer.chaddr[5] ^= 1;
    });
    refuses(world, kind, Drop::OtherClient, |answer| {
        answer.options.identifier.extend([1, 2]);
    });
    refuses(world, kind, Drop::NoServer, |answer| {
        answer.options.server = None;
    });
}

/// Offers and acknowledgements that cannot be used.
fn refuses_nonsense(world: &mut World, kind: Kind) {
    for lease_time in [None, Some(0), Some(9)] {
        refuses(world, kind, Drop::LeaseTime, |answer| {
            answer.options.lease_time = lease_time;
        });
    }
    for address in [
        [0, 0, 0, 0],
        [127, 0, 0, 1],
        [224, 0, 0, 9],
        [255; 4],
        [240, 0, 0, 1],
        [192, 0, 2, 0],
        [192, 0, 2, 255],
    ] {
        refuses(world, kind, Drop::Address, |answer| {
            answer.yiaddr = address.into();
        });
    }
    for mask in [[0; 4], [255, 0, 255, 0], [0, 255, 255, 255]] {
        refuses(world, kind, Drop::Address, |answer| {
            answer.options.mask = Some(mask.into());
        });
    }
}

/// Where one server was asked, nobody else's answer counts.
fn takes_its_server_alone(mut world: World) {
    refuses_strangers(&mut world, Kind::Ack);
    refuses_nonsense(&mut world, Kind::Ack);
    refuses(&mut world, Kind::Offer, Drop::Unexpected, |_| ());
    for kind in [Kind::Ack, Kind::Nak] {
        refuses(&mut world, kind, Drop::OtherServer, |answer| {
            answer.options.server = Some(OTHER_SERVER);
        });
    }
    refuses(&mut world, Kind::Ack, Drop::OtherAddress, |answer| {
        answer.yiaddr = OTHER_SERVER;
    });
    world.answer(Kind::Ack, |_| ()).unwrap();
}

#[test]
fn selecting() {
    let mut world = World::new();
    refuses_strangers(&mut world, Kind::Offer);
    refuses_nonsense(&mut world, Kind::Offer);
    for kind in [Kind::Ack, Kind::Nak, Kind::Discover, Kind::Request] {
        refuses(&mut world, kind, Drop::Unexpected, |_| ());
    }
    world.answer(Kind::Offer, |_| ()).unwrap();
}

#[test]
fn requesting() {
    let mut world = World::new();
    world.answer(Kind::Offer, |_| ()).unwrap();
    world.sent(Kind::Request);
    takes_its_server_alone(world);
}

#[test]
fn probing_and_bound() {
    for mut world in [World::probing(|_| ()), World::bound(|_| ())] {
        for kind in [Kind::Offer, Kind::Ack, Kind::Nak] {
            refuses(&mut world, kind, Drop::Unexpected, |_| ());
        }
    }
}

#[test]
fn renewing() {
    let mut world = World::bound(|_| ());
    world.wait_exactly(1800);
    world.sent(Kind::Request);
    takes_its_server_alone(world);
}

#[test]
fn noise_is_counted() {
    let mut world = World::new();
    assert_eq!(
        world.client.receive(world.now, b"noise"),
        Err(Drop::Malformed)
    );
    let stats = world.client.stats();
    assert_eq!((stats.received, stats.dropped(Drop::Malformed)), (1, 1));
}

#[test]
fn our_identifier_may_come_back() {
    let mut world = World::new();
    let ours = world.last.options.identifier.clone();
    world
        .answer(Kind::Offer, |answer| answer.options.identifier = ours)
        .unwrap();
}

proptest! {
    /// Whatever servers answer and whenever, deadlines lie ahead, and nothing is lost or leaked.
    #[test]
    fn any_conversation_goes_on(steps: Vec<(u8, u8, u32)>) {
        let mut world = World::new();
        for (what, how, number) in steps {
            let kinds = [Kind::Offer, Kind::Ack, Kind::Nak];
            match what % 8 {
                0..=2 => {
                    world.answer(kinds[usize::from(what % 8)], |answer| {
                        answer.options.lease_time = (how & 1 == 0).then_some(number);
                        answer.options.t1 = (how & 2 == 0).then_some(number / 3);
                        answer.options.t2 = (how & 4 == 0).then_some(number / 2);
                        if how & 0x70 == 0 {
                            answer.yiaddr = number.into();
                        }
                    }).ok();
                }
                3 => world.client.probed(world.now, ADDRESS, how & 1 == 0),
                4 => world.client.link_down(),
                5 => world.client.link_up(world.now, MAC, number as u16),
                _ => {
                    world.now = world.client.poll_timeout().unwrap_or(world.now);
                    world.client.handle_timeout(world.now);
                    let next = world.client.poll_timeout();
                    prop_assert!(next.is_none_or(|next| next > world.now));
                }
            }
            if let Some(sent) = world.client.poll_transmit() {
                world.last = Message::parse(&sent.message).unwrap();
                let lease = world.client.lease();
                let is_ours = |lease: &crate::Lease| lease.address == sent.source;
                prop_assert!(sent.source.is_unspecified() || lease.is_some_and(is_ours));
            }
            if how & 8 == 0 {
                world.events();
            }
        }
    }
}
