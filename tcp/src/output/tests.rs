//! What leaves, and when.

use core::task::Poll;

use alloc::vec;
use alloc::vec::Vec;
use packet::Duration;

use super::*;
use crate::testing::{PEER_WINDOW, Sent, WINDOW, World};
use crate::{Config, ConnectionId};

/// An MSS of 1000, and windows shifted by 2.
const MSS: [u8; 4] = [2, 4, 3, 232];
const MSS_AND_SCALE: [u8; 8] = [2, 4, 3, 232, 1, 3, 3, 2];

/// The peer acknowledges everything, until all that was written has come.
fn drain(world: &mut World, mut seq: u32) -> u32 {
    for _ in 0..100 {
        let sent = world.sent();
        let Some(last) = sent.last() else { return seq };
        seq = last.seq + last.text.len() as u32;
        assert_eq!(world.receive(1, seq, Flags::ACK, 0), Ok(()));
    }
    panic!("it never comes")
}

/// RFC 9293, 3.9.1.2: the end of what the user wrote is pushed, and nothing else.
#[test]
fn only_the_last_bytes_are_pushed() {
    let (mut world, id) = World::established(&MSS, &[]);
    assert!(world.tcp.write(id, &[1; 2500]).is_ready());
    let push = Flags::ACK.with(Flags::PSH);
    let sent: Vec<_> = world.sent().iter().map(Sent::what).collect();
    assert_eq!(
        sent,
        [
            (1, 1000, Flags::ACK, None),
            (1001, 1000, Flags::ACK, None),
            (2001, 500, push, None)
        ]
    );
    world.tcp.finish(world.now, id);
    let sent: Vec<_> = world.sent().iter().map(Sent::what).collect();
    let fin = Flags::ACK.with(Flags::FIN);
    assert_eq!(sent, [(2501, 0, fin, None)]);
}

#[test]
fn the_end_goes_however_little_is_left_before_it() {
    for rest in 0..3 {
        let (mut world, id) = with_parts();
        assert!(world.tcp.write(id, &vec![1; 1000 + rest]).is_ready());
        world.tcp.finish(world.now, id);
        let has_fin = |sent: &Sent| sent.flags().has(Flags::FIN);
        let ends: Vec<bool> = world.sent().iter().map(has_fin).collect();
        let expected = if rest == 0 {
            &[true][..]
        } else {
            &[false, true]
        };
        assert_eq!(ends, expected);
    }
}

#[test]
fn a_super_frame_of_more_pieces_than_the_link_takes_ends_with_a_whole_segment() {
    let (mut world, id) = World::established(&MSS, &[]);
    world.tcp.set_link(1500, 65_000, 2);
    for _ in 0..4 {
        let mut chunk = Some(Chunk::Static(&[3; 1200]));
        assert_eq!(world.tcp.send(id, &mut chunk), Poll::Ready(Ok(())));
    }
    let sent: Vec<_> = world.sent().iter().map(Sent::what).collect();
    let push = Flags::ACK.with(Flags::PSH);
    assert_eq!(
        sent,
        [
            (1, 2000, Flags::ACK, Some(1000)),
            (2001, 1000, Flags::ACK, None),
            (3001, 1800, push, Some(1000)),
        ]
    );
}

/// Chunks so small that not even one segment can be gathered.
#[test]
fn a_segment_of_more_pieces_than_the_link_takes_is_a_small_one() {
    let (mut world, id) = World::established(&MSS, &[]);
    world.tcp.set_link(1500, 0, 2);
    for _ in 0..3 {
        let mut chunk = Some(Chunk::Static(&[3; 300]));
        assert_eq!(world.tcp.send(id, &mut chunk), Poll::Ready(Ok(())));
    }
    let lens: Vec<usize> = world.sent().iter().map(|sent| sent.text.len()).collect();
    assert_eq!(lens, [600, 300]);
}

/// RFC 7323, 2.2 and 2.3.
#[test]
fn windows_are_scaled_if_both_want_it_but_not_in_a_syn() {
    for (options, scale) in [(&MSS[..], 0), (&MSS_AND_SCALE, Config::WINDOW_SCALE)] {
        let (mut world, _) = World::established(options, &[]);
        assert_eq!(world.receive(2, 1, Flags::ACK, 1), Ok(()));
        let window = world.sent()[0].header.window.get();
        assert_eq!(u32::from(window), WINDOW >> scale);
    }
    // SYNs that cross: ours offered it already.
    for (options, offered) in [
        (&MSS[..], None),
        (&MSS_AND_SCALE, Some(Config::WINDOW_SCALE)),
    ] {
        let (mut world, _) = World::connecting();
        world.options = options.to_vec();
        assert_eq!(world.receive(0, 0, Flags::SYN, 0), Ok(()));
        let sent = world.sent();
        assert_eq!(sent[0].flags(), Flags::SYN.with(Flags::ACK));
        assert_eq!(sent[0].options.window_scale, offered);
        assert_eq!(u32::from(sent[0].header.window.get()), WINDOW);
    }
}

#[test]
fn with_little_memory_left_no_more_is_offered() {
    for is_low in [false, true] {
        let (mut world, id) = World::established(&MSS, &[]);
        assert_eq!(world.receive(1, 1, Flags::ACK, 2000), Ok(()));
        assert!(world.tcp.read(id).is_ready());
        let pages = if is_low {
            world.take_pages()
        } else {
            Vec::new()
        };
        assert_eq!(world.receive(2001, 1, Flags::ACK, 1), Ok(()));
        let sent = world.sent();
        let edge = sent[0].ack + u32::from(sent[0].header.window.get());
        assert_eq!(edge > 1 + WINDOW, !is_low);
        drop(pages);
    }
}

/// RFC 9293, 3.8.6.2.2: by half of the buffer, where that is less than a segment.
#[test]
fn the_window_moves_by_a_worthwhile_step() {
    for (len, edge) in [(499, 1001), (500, 1501)] {
        let (mut world, id) = World::with_buffer(1000);
        assert_eq!(world.receive(1, 1, Flags::ACK, len), Ok(()));
        assert!(world.tcp.read(id).is_ready());
        // An old duplicate is answered at once.
        let _ = world.receive(1, 1, Flags::ACK, 1);
        let sent = world.sent();
        let window = u32::from(sent[0].header.window.get());
        assert_eq!(sent[0].ack + window, edge);
    }
}

/// It is told by itself only when less than half of the buffer is on offer, and to nobody who has
/// finished.
#[test]
fn a_window_that_has_opened_is_told_when_little_is_left() {
    let fin = Flags::ACK.with(Flags::FIN);
    for (len, flags, updates) in [(5000, Flags::ACK, 0), (5001, Flags::ACK, 1), (6000, fin, 0)] {
        let (mut world, id) = World::established(&[], &[]);
        assert_eq!(world.receive(1, 1, Flags::ACK, 2500), Ok(()));
        assert_eq!(world.receive(2501, 1, flags, len - 2500), Ok(()));
        assert_eq!(world.sent().len(), 1);
        assert!(world.tcp.read(id).is_ready() && world.tcp.read(id).is_ready());
        assert_eq!(world.sent().len(), updates, "{len}");
    }
}

/// RFC 5681, 4.1.
#[test]
fn after_more_than_a_timeout_of_silence_the_window_is_the_initial_one() {
    for (too_long, expected) in [(Duration::ZERO, 20_000), (Duration::from_nanos(1), 10_000)] {
        let (mut world, id) = World::established(&MSS_AND_SCALE, &[]);
        world.tcp.set_link(1500, 0, 18);
        let mut seq = 1;
        while world.tcp.info(id).unwrap().cwnd < 20_000 {
            assert!(seq < 1_000_000, "the window does not grow");
            assert!(world.tcp.write(id, &[1; 20_000]).is_ready());
            seq = drain(&mut world, seq);
        }
        assert!(u32::from(PEER_WINDOW) << 2 >= 20_000);
        world.now += world.tcp.info(id).unwrap().rto + too_long;
        assert!(world.tcp.write(id, &[1; 60_000]).is_ready());
        let sent: usize = world.sent().iter().map(|sent| sent.text.len()).sum();
        assert_eq!(sent, expected);
    }
}

#[test]
fn what_is_sent_again_is_counted_and_nothing_else() {
    let (mut world, id) = with_parts();
    assert!(world.tcp.write(id, &[1; 2000]).is_ready());
    assert_eq!(world.sent().len(), 2);
    world.receive_two();
    assert_eq!(world.sent().len(), 1);
    assert_eq!(world.tcp.stats().segments_resent, 0);
    world.time_out();
    assert_eq!(world.sent().len(), 1);
    assert_eq!(world.tcp.stats().segments_resent, 1);
    world.time_out();
    assert_eq!(world.sent().len(), 1);
    assert_eq!(world.tcp.stats().segments_resent, 2);
}

/// An acknowledgement beside a probe stands before the probe's byte, but repeats nothing.
#[test]
fn an_acknowledgement_before_a_probe_is_not_sent_again() {
    let (mut world, id) = with_parts();
    world.window = 0;
    assert_eq!(world.receive(1, 1, Flags::ACK, 0), Ok(()));
    assert!(world.tcp.write(id, &[1; 10]).is_ready());
    assert_eq!(world.sent().len(), 0);
    world.time_out();
    assert_eq!(world.sent()[0].what(), (1, 1, Flags::ACK, None));
    world.receive_two();
    assert_eq!(world.sent()[0].what(), (1, 0, Flags::ACK, None));
    assert_eq!(world.tcp.stats().segments_resent, 0);
}

/// The timer fires, but before anything can leave, everything is acknowledged.
#[test]
fn what_was_acknowledged_before_it_was_sent_again_is_not_sent_again() {
    let (mut world, id) = with_parts();
    assert!(world.tcp.write(id, &[1; 500]).is_ready());
    assert_eq!(world.sent().len(), 1);
    world.time_out();
    assert_eq!(world.receive(1, 501, Flags::ACK, 0), Ok(()));
    assert_eq!(world.sent().len(), 0);
}

/// RFC 6298, 3: every segment that was sent once is a sample, where none is under way.
#[test]
fn what_is_sent_for_the_first_time_is_timed() {
    let (mut world, id) = with_parts();
    let srtt = |world: &mut World| world.tcp.info(id).unwrap().srtt.unwrap().as_millis();
    assert_eq!(srtt(&mut world), 0);
    assert!(world.tcp.write(id, &[1; 500]).is_ready());
    assert_eq!(world.sent().len(), 1);
    world.now += Duration::from_millis(160);
    assert_eq!(world.receive(1, 501, Flags::ACK, 0), Ok(()));
    assert_eq!(srtt(&mut world), 160 / 8);
}

/// The Nagle algorithm as Minshall relaxed it: text waits only for a segment that was small itself,
/// which the end of a super-frame may be.
#[test]
fn little_text_waits_for_a_small_segment_only() {
    let (none, some) = (0, 65_000);
    for (super_frames, first, then) in [
        (none, 400, 0),
        (none, 1000, 1),
        (none, 2000, 1),
        (some, 1000, 1),
        (some, 2000, 1),
        (some, 2400, 0),
    ] {
        let (mut world, id) = World::established(&MSS, &[]);
        world.tcp.set_nagle(id, true);
        world.tcp.set_link(1500, super_frames, 18);
        assert!(world.tcp.write(id, &vec![1; first]).is_ready());
        let sent: usize = world.sent().iter().map(|sent| sent.text.len()).sum();
        assert_eq!(sent, first);
        assert!(world.tcp.write(id, &[1; 100]).is_ready());
        assert_eq!(world.sent().len(), then, "after {first} bytes");
    }
}

/// Over a link that takes segments of many pieces, so that all are whole.
fn with_parts() -> (World, ConnectionId) {
    let (mut world, id) = World::established(&MSS, &[]);
    world.tcp.set_link(1500, 0, 18);
    (world, id)
}

impl World {
    /// Two segments, which are acknowledged at once.
    fn receive_two(&mut self) {
        for seq in [1, 1001] {
            assert_eq!(self.receive(seq, 1, Flags::ACK, 1000), Ok(()));
        }
    }

    /// The retransmission timer fires.
    fn time_out(&mut self) {
        let before = self.tcp.stats().timeouts;
        while self.tcp.stats().timeouts == before {
            self.now = self.tcp.poll_timeout().expect("it is set");
            self.tcp.handle_timeout(self.now);
        }
    }
}

impl Sent {
    /// Where it stands, its length and flags, and whether it is a super-frame.
    fn what(&self) -> (u32, usize, Flags, Option<u16>) {
        (self.seq, self.text.len(), self.flags(), self.gso_size)
    }
}
