//! What acknowledgements change.

use packet::{Class, Duration};

use super::*;
use crate::testing::{PEER_WINDOW, World};
use crate::{ConnectionId, Info};

/// An MSS of 1000, and windows shifted by 2.
const MSS_AND_SCALE: [u8; 8] = [2, 4, 3, 232, 1, 3, 3, 2];

fn established() -> (World, ConnectionId) {
    let (mut world, id) = World::established(&MSS_AND_SCALE, &[]);
    world.tcp.set_link(1500, 65_000, 18);
    (world, id)
}

impl World {
    fn look(&mut self, id: ConnectionId) -> Info {
        self.tcp.info(id).expect("the connection is there")
    }

    /// Writes so much, which leaves at once.
    fn send(&mut self, id: ConnectionId, len: usize) {
        assert!(self.tcp.write(id, &[1; 30_000][..len]).is_ready());
        let sent: usize = self.sent().iter().map(|sent| sent.text.len()).sum();
        assert_eq!(sent, len);
    }

    fn acknowledge(&mut self, ack: u32) {
        assert_eq!(self.receive(1, ack, Flags::ACK, 0), Ok(()));
    }
}

/// RFC 9293, 3.10.7.4, fifth, SYN-RECEIVED; the SYNs have crossed.
#[test]
fn only_the_acknowledgement_of_our_syn_completes_a_simultaneous_open() {
    for (ack, is_right) in [(0, false), (1, true), (2, false)] {
        let (mut world, id) = World::connecting();
        assert_eq!(world.receive(0, 0, Flags::SYN, 0), Ok(()));
        assert_eq!(world.sent().len(), 1);
        let answer = world.receive(1, ack, Flags::ACK, 0);
        let sent = world.sent();
        let resets = u64::from(!is_right);
        assert_eq!(world.tcp.stats().resets_sent, resets, "{ack}");
        assert_eq!(world.tcp.stats().connected, 1 - resets);
        assert_eq!(world.look(id).state == State::Established, is_right);
        if is_right {
            assert_eq!(answer, Ok(()));
            continue;
        }
        assert_eq!(answer, Err(Drop::BadAck));
        assert_eq!((sent.len(), sent[0].flags()), (1, Flags::RST));
        assert_eq!(sent[0].seq, ack);
    }
}

/// RFC 5681, 2 (a): a duplicate acknowledgement is one while something is in flight.
#[test]
fn acknowledgements_of_nothing_are_no_duplicates() {
    let (mut world, id) = established();
    let before = world.look(id);
    for _ in 0..5 {
        world.acknowledge(1);
    }
    let after = world.look(id);
    assert_eq!((after.cwnd, after.ssthresh), (before.cwnd, before.ssthresh));
}

#[test]
fn what_is_acknowledged_is_given_back() {
    let (mut world, id) = established();
    let held = |world: &World| Class::ALL.map(|class| world.pool.usage(class).held);
    assert_eq!(held(&world), [0; 3]);
    world.send(id, 9000);
    assert_ne!(held(&world), [0; 3]);
    world.acknowledge(9001);
    assert_eq!(held(&world), [0; 3]);
}

/// RFC 7661, 4.1.
#[test]
fn the_window_grows_only_for_what_was_sent_while_it_was_used() {
    let (mut world, id) = established();
    let initial = world.look(id).cwnd;
    world.send(id, initial as usize);
    world.acknowledge(1 + initial);
    let grown = world.look(id).cwnd;
    assert_eq!(grown, 2 * initial);
    world.send(id, 1000);
    world.acknowledge(1 + initial + 1000);
    assert_eq!(world.look(id).cwnd, grown);
}

/// RFC 6298, 3: the time is that of what was timed, all of it.
#[test]
fn a_super_frame_is_a_sample_once_it_is_acknowledged_whole() {
    let (mut world, id) = established();
    world.send(id, 2000);
    for (ack, srtt) in [(1001, 0), (2001, 160 / 8)] {
        world.now += Duration::from_millis(80);
        world.acknowledge(ack);
        assert_eq!(world.look(id).srtt.map(|srtt| srtt.as_millis()), Some(srtt));
    }
}

/// Also where it closes the window; but the answer to a probe is none (a peer may take its time).
#[test]
fn an_acknowledgement_that_closes_the_window_is_a_sample_and_one_that_leaves_it_closed_is_none() {
    let (mut world, id) = established();
    world.send(id, 1000);
    world.window = 0;
    world.now += Duration::from_millis(160);
    world.acknowledge(1001);
    assert_eq!(world.look(id).srtt.map(|srtt| srtt.as_millis()), Some(20));
    assert!(world.tcp.write(id, &[1; 10]).is_ready());
    let mut sent = world.sent();
    while sent.is_empty() {
        world.now = world.tcp.poll_timeout().expect("the persist timer is set");
        world.tcp.handle_timeout(world.now);
        sent = world.sent();
    }
    world.now += Duration::from_millis(160);
    world.acknowledge(1002);
    assert_eq!(world.look(id).srtt.map(|srtt| srtt.as_millis()), Some(20));
}

/// RFC 9293, 3.10.7.4: an older segment does not change the window, were it a keep-alive's.
#[test]
fn only_a_newer_segment_moves_the_window() {
    let window = u32::from(PEER_WINDOW) << 2;
    for (seq, snd_wnd) in [(100, window), (101, 400)] {
        let (mut world, id) = established();
        assert_eq!(world.receive(1, 1, Flags::ACK, 100), Ok(()));
        assert_eq!(world.receive(101, 1, Flags::ACK, 0), Ok(()));
        world.window = 100;
        assert_eq!(world.receive(seq, 1, Flags::ACK, 0), Ok(()));
        assert_eq!(world.look(id).snd_wnd, snd_wnd);
    }
}
