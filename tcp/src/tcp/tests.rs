//! What the front says of itself, and what it does where nobody can be reached.

use core::task::Poll;

use alloc::vec::Vec;
use packet::Class;

use super::*;
use crate::testing::{PEER, US, World};
use crate::{Config, Outgoing};

/// A link that says always the same.
struct Says(Blocked);

impl Output for Says {
    fn transmit(&mut self, _: Outgoing<'_>) -> Result<(), Blocked> {
        Err(self.0)
    }
}

impl World {
    fn is_blocked(&mut self, how: Blocked) {
        self.tcp.poll_transmit(self.now, &mut Says(how));
    }

    fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.tcp.poll_event()).collect()
    }

    /// Where time goes next.
    fn wait(&mut self) -> Duration {
        let next = self.tcp.poll_timeout().expect("something is to come");
        let waited = next.since(self.now);
        self.now = next;
        self.tcp.handle_timeout(next);
        waited
    }
}

#[test]
fn an_attempt_to_reach_nobody_fails_and_a_connection_goes_on_trying() {
    let stranger = Ipv4Addr::new(10, 0, 0, 99);
    let mut world = World::new(Config::default());
    let id = world.tcp.connect(world.now, US, PEER).unwrap();
    world.is_blocked(Blocked::Unresolved);
    assert!(!world.tcp.has_output(), "it waits");
    world.tcp.unreachable(world.now, stranger);
    assert!(world.tcp.connected(id).is_pending());
    world.tcp.unreachable(world.now, *PEER.ip());
    let failed = Poll::Ready(Err(Error::Unreachable));
    assert_eq!(world.tcp.connected(id), failed);
    assert_eq!(world.tcp.stats().failed, 1);

    let id = world.tcp.connect(world.now, US, PEER).unwrap();
    world.is_blocked(Blocked::Unreachable);
    assert_eq!(world.tcp.connected(id), failed);

    for is_known in [false, true] {
        let (mut world, id) = World::established(&[], &[]);
        assert!(world.tcp.write(id, b"text").is_ready());
        if is_known {
            world.is_blocked(Blocked::Unreachable);
        } else {
            world.is_blocked(Blocked::Unresolved);
            world.tcp.unreachable(world.now, *PEER.ip());
        }
        assert_eq!(world.sent().len(), 0);
        let rto = world.tcp.info(id).unwrap().rto;
        assert_eq!(world.wait(), rto);
        assert_eq!(world.sent().len(), 1);
    }
}

#[test]
fn a_connection_to_nobody_ends_when_patience_does() {
    let (mut world, id) = World::established(&[], &[]);
    assert!(world.tcp.write(id, b"text").is_ready());
    let start = world.now;
    world.is_blocked(Blocked::Unreachable);
    while world.tcp.info(id).unwrap().state == State::Established {
        world.wait();
        world.is_blocked(Blocked::Unreachable);
    }
    assert_eq!(world.now.since(start), Config::default().user_timeout);
    assert_eq!(world.tcp.drained(id), Poll::Ready(Err(Error::TimedOut)));
}

#[test]
fn what_waited_for_a_neighbour_is_sent_once_it_is_known() {
    let (mut world, id) = World::established(&[], &[]);
    assert!(world.sent().is_empty());
    assert!(!world.tcp.has_output());
    assert!(world.tcp.write(id, b"text").is_ready());
    assert!(world.tcp.has_output());
    world.is_blocked(Blocked::Full);
    assert!(world.tcp.has_output());
    world.is_blocked(Blocked::Unresolved);
    assert!(!world.tcp.has_output());
    world.tcp.resolved();
    assert!(world.tcp.has_output());
    assert_eq!(world.sent().len(), 1);
    assert!(!world.tcp.has_output());
    // A reply of nobody's.
    world.peer_port += 1;
    assert!(world.receive(1, 1, Flags::ACK, 0).is_err());
    assert!(world.tcp.has_output());
    assert_eq!(world.sent().len(), 1);
    assert!(!world.tcp.has_output());
}

#[test]
fn it_is_quiet_while_nobody_owes_a_confirmation() {
    let (mut world, id) = World::established(&[], &[]);
    assert!(world.sent().is_empty());
    assert!(world.tcp.is_quiet());
    assert_eq!(world.tcp.connection_count(), 1);
    assert!(world.tcp.write(id, b"text").is_ready());
    assert!(!world.tcp.is_quiet());
    world.sent();
    assert!(!world.tcp.is_quiet());
    assert_eq!(world.receive(1, 5, Flags::ACK, 0), Ok(()));
    // Its output is looked at once more.
    assert!(!world.tcp.is_quiet());
    world.sent();
    assert!(world.tcp.is_quiet());
    assert!(world.tcp.write(id, b"text").is_ready());
    world.tcp.abort(world.now, id);
    world.sent();
    assert!(world.tcp.is_quiet(), "what is over confirms nothing");
}

#[test]
fn who_waits_is_told_once() {
    let (mut world, id) = World::established(&[], &[]);
    assert_eq!(world.events(), []);
    assert!(world.tcp.read(id).is_pending());
    for seq in [1, 2] {
        assert_eq!(world.receive(seq, 1, Flags::ACK, 1), Ok(()));
    }
    assert_eq!(world.events(), [Event::Connection(id)]);
    assert_eq!(world.receive(3, 1, Flags::ACK, 1), Ok(()));
    assert_eq!(world.events(), [], "it does not wait now");
}

#[test]
fn a_writer_without_memory_tries_again_soon() {
    let (mut world, id) = World::established(&[], &[]);
    let all = |world: &World| -> Vec<_> {
        let classes = Class::ALL.into_iter();
        classes
            .flat_map(|class| core::iter::from_fn(move || world.pool.take(class)))
            .collect()
    };
    let held = all(&world);
    for _ in 0..2 {
        assert!(world.tcp.write(id, b"text").is_pending());
        assert!(world.tcp.write(id, b"text").is_pending());
        world.sent();
        assert_eq!(world.events(), []);
        assert_eq!(world.wait(), Duration::from_millis(10));
        assert_eq!(world.events(), [Event::Connection(id)]);
    }
    world.sent();
    assert_eq!(world.tcp.poll_timeout(), None);
    drop(held);
    assert!(world.tcp.write(id, b"text").is_ready());
}

#[test]
fn segments_are_counted() {
    let (mut world, _) = World::established(&[], &[]);
    assert_eq!(world.tcp.stats().segments_received, 2);
    world.gso_size = 100;
    assert_eq!(world.receive(1, 1, Flags::ACK, 250), Ok(()));
    assert_eq!(world.tcp.stats().segments_received, 5);
    assert_eq!(world.tcp.stats().urgent, 0);
    let urgent = Flags::ACK.with(Flags::URG);
    assert_eq!(world.receive(251, 1, urgent, 0), Ok(()));
    assert_eq!(world.tcp.stats().urgent, 1);
    for count in 1..=2 {
        let far = world.receive(50_000, 1, Flags::ACK, 1);
        assert_eq!(far, Err(Drop::OutsideWindow));
        assert_eq!(world.tcp.stats().dropped(Drop::OutsideWindow), count);
    }
    assert_eq!(world.tcp.stats().dropped(Drop::Reset), 0);
}

#[test]
fn ends_are_counted() {
    let (mut world, id) = World::established(&[], &[]);
    assert!(world.tcp.write(id, b"text").is_ready());
    world.sent();
    world.tcp.release(world.now, id);
    while world.tcp.connection_count() > 0 {
        world.wait();
        world.sent();
    }
    let stats = world.tcp.stats();
    assert_eq!((stats.resets_sent, stats.failed), (1, 1), "an orphan");
    assert!(stats.timeouts > 1);
}
