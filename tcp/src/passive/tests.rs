//! Who gets in.

use alloc::vec::Vec;

use super::*;
use crate::Config;
use crate::testing::{Sent, World};

/// The last step of a handshake whose SYN-ACK was sent.
fn complete(world: &mut World) -> Result<(), Drop> {
    world.receive(1, 1, Flags::ACK, 0)
}

/// RFC 9293, 3.10.7.2.
#[test]
fn only_a_syn_by_itself_begins_a_handshake() {
    let flags = [Flags::SYN, Flags::FIN, Flags::RST, Flags::ACK];
    for set in 0..16 {
        let chosen = (0..4).filter(|at| set & 1 << at != 0);
        let all = chosen.fold(Flags::default(), |all, at| all.with(flags[at]));
        let mut world = World::new(Config::default());
        world.tcp.listen(80).unwrap();
        let answer = world.receive(0, 0, all, 0);
        let answers = world.sent();
        let kinds: Vec<Flags> = answers.iter().map(Sent::flags).collect();
        let expected = match all {
            Flags::SYN => &[Flags::SYN.with(Flags::ACK)][..],
            // A stray acknowledgement, unless it is a reset.
            _ if all.has(Flags::ACK) && !all.has(Flags::RST) => &[Flags::RST],
            _ => &[],
        };
        assert_eq!(kinds, expected, "{all:?}");
        assert_eq!(answer == Ok(()), all == Flags::SYN);
    }
}

#[test]
fn with_as_many_connections_as_there_may_be_a_handshake_waits_for_room() {
    let mut world = World::new(Config {
        connections: 1,
        ..Config::default()
    });
    let listener = world.tcp.listen(80).unwrap();
    let mut accepted = Vec::new();
    for port in [4000, 4001] {
        world.peer_port = port;
        assert_eq!(world.receive(0, 0, Flags::SYN, 0), Ok(()));
        assert_eq!(world.sent().len(), 1);
        let answer = complete(&mut world);
        accepted.extend(world.accepted(listener));
        assert_eq!(answer.is_ok(), port == 4000);
    }
    assert_eq!(world.tcp.stats().accepted, 1);
    world.tcp.release(world.now, accepted[0]);
    world.tcp.abort(world.now, accepted[0]);
    assert_eq!(complete(&mut world), Ok(()));
    assert!(world.accepted(listener).is_some());
    assert_eq!(world.tcp.stats().accepted, 2);
}

#[test]
fn syn_acks_are_counted_and_repeated() {
    let mut world = World::new(Config::default());
    world.tcp.listen(80).unwrap();
    assert_eq!(world.receive(0, 0, Flags::SYN, 0), Ok(()));
    for repeats in 0..6 {
        assert_eq!(world.sent().len(), 1);
        let stats = world.tcp.stats();
        assert_eq!(stats.segments_sent, repeats + 1);
        assert_eq!(stats.segments_resent, repeats);
        world.now = world.tcp.poll_timeout().expect("it waits");
        world.tcp.handle_timeout(world.now);
    }
    assert_eq!((world.sent().len(), world.tcp.poll_timeout()), (0, None));
}

/// One of two whose SYN-ACKs wait for the link is over.
#[test]
fn a_handshake_that_ends_takes_no_other_with_it() {
    let mut world = World::new(Config::default());
    world.tcp.listen(80).unwrap();
    for port in [4000, 4001] {
        world.peer_port = port;
        assert_eq!(world.receive(0, 0, Flags::SYN, 0), Ok(()));
    }
    assert_eq!(world.receive(1, 0, Flags::RST, 0), Err(Drop::Reset));
    let ports: Vec<u16> = world.sent().iter().map(Sent::to).collect();
    assert_eq!(ports, [4000]);
}

/// RFC 7323, 3.2: once they are in use, every segment but a reset has timestamps.
#[test]
fn a_challenge_within_a_handshake_has_timestamps_if_it_has() {
    const STAMP: [u8; 12] = [1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0];
    for options in [&[][..], &STAMP] {
        let mut world = World::new(Config::default());
        world.options = options.to_vec();
        world.tcp.listen(80).unwrap();
        assert_eq!(world.receive(0, 0, Flags::SYN, 0), Ok(()));
        world.sent();
        assert_eq!(world.receive(9, 0, Flags::SYN, 0), Err(Drop::Challenged));
        let challenge = &world.sent()[0];
        assert_eq!(challenge.flags(), Flags::ACK);
        let echo = challenge.options.timestamps.map(|stamps| stamps.echo);
        assert_eq!(echo, (!options.is_empty()).then_some(7));
    }
}

impl Sent {
    fn to(&self) -> u16 {
        self.header.destination.get()
    }
}
