//! What users may do before a connection is established, and after its end.

use super::*;
use crate::Flags;
use crate::testing::{US, World};

const CLOSED: Poll<Result<(), Error>> = Poll::Ready(Err(Error::Closed));

impl World {
    fn state(&mut self, id: ConnectionId) -> State {
        self.tcp.info(id).expect("it is known").state
    }
}

/// RFC 9293, 3.10.4, SYN-SENT.
#[test]
fn an_attempt_that_is_finished_is_over() {
    let (mut world, id) = World::connecting();
    assert!(world.tcp.connected(id).is_pending());
    world.tcp.finish(world.now, id);
    assert_eq!(world.state(id), State::Closed);
    assert_eq!(world.tcp.connected(id), CLOSED);
    assert_eq!(world.tcp.poll_timeout(), None);
    world.tcp.finish(world.now, id);
    assert_eq!(world.state(id), State::Closed);
}

/// RFC 9293, 3.10.4, SYN-RECEIVED: the FIN goes once both are synchronised.
#[test]
fn what_is_finished_before_it_is_established_ends_with_what_was_written() {
    let (mut world, id) = World::connecting();
    assert_eq!(world.receive(0, 0, Flags::SYN, 0), Ok(()));
    assert_eq!(world.sent().len(), 1);
    assert!(world.tcp.write(id, b"text").is_ready());
    world.tcp.finish(world.now, id);
    assert_eq!(world.state(id), State::SynReceived);
    let late = world.tcp.write(id, b"more");
    assert_eq!(late, Poll::Ready(Err(Error::Closed)));
    assert_eq!(world.receive(1, 1, Flags::ACK, 0), Ok(()));
    assert_eq!(world.state(id), State::FinWait1);
    let sent = world.sent();
    assert_eq!(sent[0].text, b"text");
    assert!(sent[0].flags().has(Flags::FIN));
    let at = world.tcp.info(id).unwrap().positions;
    assert_eq!(at.end, at.una + 5, "four bytes and the FIN");
}

#[test]
fn an_abort_is_a_reset_and_before_the_peer_knows_nothing() {
    let (mut world, id) = World::established(&[], &[]);
    world.tcp.abort(world.now, id);
    assert!(world.sent()[0].flags().has(Flags::RST));
    assert_eq!(world.tcp.stats().resets_sent, 1);
    world.tcp.abort(world.now, id);
    assert_eq!((world.sent().len(), world.tcp.stats().resets_sent), (0, 1));

    let (mut world, id) = World::connecting();
    world.tcp.abort(world.now, id);
    assert_eq!((world.sent().len(), world.tcp.stats().resets_sent), (0, 0));
    assert_eq!(world.tcp.connected(id), CLOSED);
}

#[test]
fn a_released_id_is_known_to_nobody() {
    let (mut world, id) = World::established(&[], &[]);
    let local = SocketAddrV4::new(US, 80);
    assert_eq!(world.tcp.local(id), Some(local));
    world.tcp.abort(world.now, id);
    world.tcp.release(world.now, id);
    assert_eq!(world.tcp.local(id), None);
    assert_eq!(world.tcp.connected(id), CLOSED);
    assert_eq!(world.tcp.drained(id), CLOSED);
    assert!(matches!(
        world.tcp.read(id),
        Poll::Ready(Err(Error::Closed))
    ));
    assert_eq!(world.tcp.write(id, b"x"), Poll::Ready(Err(Error::Closed)));
    assert_eq!(world.tcp.send(id, &mut None), CLOSED);
}

/// An event and a turn to send that were due stay the only ones.
#[test]
fn what_is_released_is_announced_and_sent_once() {
    let (mut world, id) = World::established(&[], &[]);
    world.sent();
    assert!(world.tcp.read(id).is_pending());
    assert!(world.tcp.write(id, b"text").is_ready());
    let fin = Flags::ACK.with(Flags::FIN);
    assert_eq!(world.receive(1, 1, fin, 0), Ok(()));
    world.tcp.release(world.now, id);
    assert!(world.tcp.poll_event().is_some());
    assert!(world.tcp.poll_event().is_none());
    assert_eq!(world.tcp.ready.len(), 1);
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn nothing_is_queued_for_nothing() {
    let (mut world, id) = World::established(&[], &[]);
    for _ in 0..5000 {
        let mut chunk = Some(Chunk::Static(b""));
        assert_eq!(world.tcp.send(id, &mut chunk), Poll::Ready(Ok(())));
    }
    assert!(world.tcp.write(id, b"text").is_ready());
    assert_eq!(world.sent()[0].text, b"text");
    assert_eq!(world.sent().len(), 0);
    assert_eq!(world.tcp.stats().segments_resent, 0);
}
