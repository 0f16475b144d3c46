//! What single segments do to an established connection.

use core::task::Poll;

use packet::Class;

use super::*;
use crate::testing::{WINDOW, World};

/// RFC 9293, 3.10.7.4, first, table 6. The acknowledgement of what is not acceptable counts for
/// nothing either.
#[test]
fn segments_outside_the_window_do_nothing() {
    let edge = 1 + WINDOW;
    for (seq, len, is_inside) in [
        (1, 100, false),
        (50, 51, false),
        (50, 52, true),
        (99, 0, false),
        // tests/tcp/zero-window-probes-crossed.pkt
        (100, 0, true),
        (101, 0, true),
        (101, 1, true),
        (edge - 1, 0, true),
        (edge - 1, 9, true),
        (edge, 0, true),
        (edge + 1, 0, false),
        (edge, 9, false),
    ] {
        let (mut world, id) = World::established(&[], &[]);
        assert_eq!(world.receive(1, 1, Flags::ACK, 100), Ok(()));
        assert!(world.tcp.read(id).is_ready());
        assert!(world.tcp.write(id, &[1; 50]).is_ready());
        assert_eq!(world.acknowledged(), [101]);
        let expected = if is_inside {
            Ok(())
        } else {
            Err(Drop::OutsideWindow)
        };
        assert_eq!(
            world.receive(seq, 51, Flags::ACK, len),
            expected,
            "{seq} {len}"
        );
        let in_flight = world.tcp.info(id).unwrap().in_flight;
        assert_eq!(in_flight, if is_inside { 0 } else { 50 }, "{seq} {len}");
    }
}

/// Text may be a lost acknowledgement's consequence; others could go on for ever (RFC 5961, 7).
#[test]
fn outside_the_window_text_is_always_answered_and_the_rest_ten_times_a_second() {
    let (mut world, _) = World::established(&[], &[]);
    let far = 2 + WINDOW;
    let mut answers = |len, flags| {
        let mut answers = 0;
        for _ in 0..30 {
            let answer = world.receive(far, 1, flags, len);
            assert_eq!(
                answer,
                Err(Drop::OutsideWindow),
                "{flags:?} {len} {:?}",
                world.tcp.stats()
            );
            answers += world.sent().len();
        }
        answers
    };
    assert_eq!(answers(5, Flags::ACK), 30);
    assert_eq!(answers(0, Flags::ACK), 10);
    assert_eq!(answers(5, Flags::RST), 0);
}

/// RFC 7323, 5.3.
#[test]
fn old_timestamps_are_answered_alike() {
    let stamped = |value: u8| [1, 1, 8, 10, 0, 0, 0, value, 0, 0, 0, 0];
    let (mut world, _) = World::established(&stamped(100), &stamped(100));
    world.options = stamped(99).to_vec();
    let mut answers = |len, flags| {
        let mut answers = 0;
        for _ in 0..30 {
            assert_eq!(world.receive(1, 1, flags, len), Err(Drop::OldTimestamp));
            answers += world.sent().len();
        }
        answers
    };
    assert_eq!(answers(5, Flags::ACK), 30);
    assert_eq!(answers(0, Flags::ACK), 10);
}

#[test]
fn what_is_known_in_part_is_taken_from_there_with_its_fin_and_answered_at_once() {
    let (mut world, id) = World::established(&[], &[]);
    assert_eq!(world.receive(1, 1, Flags::ACK, 100), Ok(()));
    assert_eq!(world.acknowledged(), []);
    assert_eq!(world.receive(51, 1, Flags::ACK, 60), Ok(()));
    assert_eq!(world.acknowledged(), [111]);
    let fin = Flags::ACK.with(Flags::FIN);
    assert_eq!(world.receive(101, 1, fin, 30), Ok(()));
    assert_eq!(world.acknowledged(), [132]);
    let mut read = 0;
    while let Poll::Ready(Ok(Some(chunk))) = world.tcp.read(id) {
        read += chunk.len();
    }
    assert_eq!(read, 130);
    assert!(matches!(world.tcp.read(id), Poll::Ready(Ok(None))));
}

/// Each small segment holds a whole cell: twice the window of memory, not of text, is allowed.
#[test]
fn small_segments_out_of_order_have_room_for_twice_the_window() {
    let (mut world, _) = World::established(&[], &[]);
    let fit = 2 * WINDOW as usize / Class::Cell.size();
    for number in 0..fit as u32 {
        assert_eq!(
            world.receive(11 + 20 * number, 1, Flags::ACK, 10),
            Ok(()),
            "{number}"
        );
    }
}

/// RFC 9293, 3.10.7.4, second: no error where all was received.
#[test]
fn a_reset_after_both_have_finished_is_no_error() {
    let (mut world, id) = World::established(&[], &[]);
    let fin = Flags::ACK.with(Flags::FIN);
    assert_eq!(world.receive(1, 1, fin, 0), Ok(()));
    world.tcp.finish(world.now, id);
    world.sent();
    assert_eq!(world.tcp.info(id).unwrap().state, State::LastAck);
    assert!(world.tcp.drained(id).is_pending());
    assert_eq!(world.receive(2, 0, Flags::RST, 0), Err(Drop::Reset));
    assert_eq!(world.tcp.stats().failed, 0);
    assert!(matches!(world.tcp.read(id), Poll::Ready(Ok(None))));
    // Yet nobody has confirmed the end, and nobody will.
    assert_eq!(world.tcp.drained(id), Poll::Ready(Err(Error::Closed)));
}

/// RFC 9293, 3.10.7.4, second, SYN-RECEIVED after an active open.
#[test]
fn a_reset_of_syns_that_crossed_is_a_refusal() {
    let (mut world, id) = World::connecting();
    assert_eq!(world.receive(0, 0, Flags::SYN, 0), Ok(()));
    assert_eq!(world.tcp.info(id).unwrap().state, State::SynReceived);
    assert_eq!(world.receive(1, 0, Flags::RST, 0), Err(Drop::Reset));
    assert_eq!(world.tcp.connected(id), Poll::Ready(Err(Error::Refused)));
}

/// RFC 9293, 3.6.1: the reset of text that nobody reads stands where the peer expects it.
#[test]
fn text_that_nobody_reads_is_answered_with_a_reset() {
    let (mut world, id) = World::established(&[], &[]);
    assert!(world.tcp.write(id, &[1; 50]).is_ready());
    world.tcp.release(world.now, id);
    world.sent();
    let answer = world.receive(1, 21, Flags::ACK, 5);
    assert_eq!(answer, Err(Drop::NobodyReads));
    let sent = world.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].flags(), sent[0].seq), (Flags::RST, 21));
    assert_eq!(sent[0].header.ack.get(), 0);
    assert_eq!(world.tcp.stats().resets_sent, 1);
}

/// RFC 5681, 4.2: the sender counts, so each is told of, also when they come in one burst; what
/// fills the hole is told of once.
#[test]
fn each_segment_out_of_order_is_acknowledged_by_itself() {
    let (mut world, _) = World::established(&[], &[]);
    for seq in [101, 201, 301] {
        assert_eq!(world.receive(seq, 1, Flags::ACK, 100), Ok(()));
    }
    assert_eq!(world.acknowledged(), [1, 1, 1]);
    assert_eq!(world.receive(401, 1, Flags::ACK, 100), Ok(()));
    assert_eq!(world.receive(1, 1, Flags::ACK, 100), Ok(()));
    assert_eq!(world.acknowledged(), [501]);
}
