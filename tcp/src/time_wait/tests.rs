//! How long an entry lives, and what it answers.

use core::net::Ipv4Addr;

use super::*;
use crate::testing::World;
use crate::{Config, Drop, Flags};

fn tcb(port: u16) -> Tcb {
    let address = |last, port| SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, last), port);
    Tcb::new(address(1, 80), address(2, port), Seq(7), 1460)
}

#[test]
fn entries_that_come_and_go_leave_nothing_behind() {
    let mut table = TimeWait::new(10);
    let now = Instant::from_millis(1);
    for port in 0..10_000 {
        let slot = table.insert(now, &tcb(port)).expect("there is room");
        table.remove(slot);
    }
    assert!(table.order.len() <= SLACK + 2, "{}", table.order.len());
}

#[test]
fn an_entry_lives_a_minute_and_the_oldest_goes_first() {
    let mut table = TimeWait::new(2);
    assert!(!table.is_full());
    let start = Instant::from_millis(1);
    table.insert(start, &tcb(1));
    table.insert(start + Duration::from_secs(1), &tcb(2));
    assert!(table.is_full());
    assert!(table.insert(start, &tcb(3)).is_none());
    assert_eq!(table.poll_timeout(), Some(start + TWO_MSL));
    assert!(
        table
            .pop_expired(start + TWO_MSL - Duration::from_nanos(1))
            .is_none()
    );
    let (_, first) = table
        .pop_expired(start + TWO_MSL)
        .expect("its time is over");
    assert_eq!(first.remote.port(), 1);
    let (_, second) = table.pop_oldest().expect("one is left");
    assert_eq!(second.remote.port(), 2);
    assert!(table.pop_oldest().is_none());
}

/// The slot is another's by the time that the first one's life would be over.
#[test]
fn an_entry_does_not_die_of_the_one_before_it_in_its_slot() {
    let start = Instant::from_millis(1);
    let later = start + Duration::from_secs(30);
    for by_time in [true, false] {
        let mut table = TimeWait::new(10);
        let slot = table.insert(start, &tcb(1)).expect("there is room");
        table.remove(slot);
        table.insert(later, &tcb(2)).expect("there is room");
        if by_time {
            assert!(table.pop_expired(start + TWO_MSL).is_none());
        } else {
            table.insert(start, &tcb(3)).expect("there is room");
        }
        let (_, oldest) = table.pop_oldest().expect("it lives");
        assert_eq!(oldest.remote.port(), 2);
    }
}

/// A host whose connection has ended; the next number of the peer is 2, and it is told so.
fn ended(options: &[u8]) -> World {
    let (mut world, id) = World::established(options, options);
    world.tcp.finish(world.now, id);
    world.tcp.release(world.now, id);
    assert_eq!(world.sent().len(), 1);
    let fin = Flags::ACK.with(Flags::FIN);
    assert_eq!(world.receive(1, 2, fin, 0), Ok(()));
    assert_eq!(world.acknowledged(), [2]);
    assert_eq!(world.tcp.connection_count(), 0);
    world
}

/// RFC 9293, 3.10.7.4: the FIN again, text, and what stands elsewhere are answered; RFC 1337.
#[test]
fn what_is_not_as_it_should_be_is_told_again_where_we_are() {
    let fin = Flags::ACK.with(Flags::FIN);
    for (seq, flags, len, is_answered) in [
        (2, Flags::ACK, 0, false),
        (1, Flags::ACK, 0, true),
        (3, Flags::ACK, 0, true),
        (2, Flags::ACK, 1, true),
        (1, fin, 0, true),
        (2, Flags::RST, 0, false),
        (1, Flags::RST, 0, false),
    ] {
        let mut world = ended(&[]);
        assert_eq!(world.receive(seq, 2, flags, len), Err(Drop::TimeWait));
        let expected = if is_answered { &[2][..] } else { &[] };
        assert_eq!(world.acknowledged(), expected, "{seq} {flags:?} {len}");
    }
}

/// RFC 6191, 2, and without timestamps, or with equal ones, by the number alone.
#[test]
fn a_new_connection_begins_behind_the_old_one() {
    const OLDER: [u8; 12] = [1, 1, 8, 10, 0, 0, 0, 6, 0, 0, 0, 0];
    const STAMP: [u8; 12] = [1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0];
    const NEWER: [u8; 12] = [1, 1, 8, 10, 0, 0, 0, 8, 0, 0, 0, 0];
    for (before, now, seq, is_new) in [
        (&[][..], &[][..], 2, false),
        (&[], &[], 3, true),
        (&[], &STAMP, 2, false),
        (&STAMP, &OLDER, 3, false),
        (&STAMP, &STAMP, 2, false),
        (&STAMP, &STAMP, 3, true),
        (&STAMP, &NEWER, 2, true),
    ] {
        let mut world = ended(before);
        world.options = now.to_vec();
        let answer = world.receive(seq, 0, Flags::SYN, 0);
        assert_eq!(answer == Ok(()), is_new, "{now:?} {seq}");
        let sent = world.sent();
        assert_eq!(sent[0].flags().has(Flags::SYN), is_new);
    }
}

#[test]
fn the_fin_again_begins_the_minute_again() {
    let mut world = ended(&[]);
    let start = world.now;
    let fin = Flags::ACK.with(Flags::FIN);
    for (seconds, flags, answer) in [
        (30, fin, Drop::TimeWait),
        (60, Flags::ACK, Drop::TimeWait),
        (89, Flags::ACK, Drop::TimeWait),
        (90, Flags::ACK, Drop::NoConnection),
    ] {
        world.now = start + Duration::from_secs(seconds);
        world.tcp.handle_timeout(world.now);
        assert_eq!(world.receive(1, 2, flags, 0), Err(answer), "{seconds}");
    }
    assert_eq!(world.tcp.poll_timeout(), None);
}

#[test]
fn where_there_is_no_room_the_oldest_goes_early() {
    let mut world = World::new(Config {
        time_wait: 1,
        ..Config::default()
    });
    // The window that is left is told in the last acknowledgement, scaled.
    world.options = [3, 3, 2, 1].to_vec();
    let listener = world.tcp.listen(80).unwrap();
    let fin = Flags::ACK.with(Flags::FIN);
    for (port, evicted) in [(4000, 0), (4001, 1)] {
        world.peer_port = port;
        assert_eq!(world.receive(0, 0, Flags::SYN, 0), Ok(()));
        world.sent();
        assert_eq!(world.receive(1, 1, Flags::ACK, 0), Ok(()));
        let id = world.accepted(listener).expect("it is established");
        world.tcp.finish(world.now, id);
        world.sent();
        assert_eq!(world.receive(1, 2, fin, 0), Ok(()));
        let window = world.sent()[0].header.window.get();
        let left = Config::default().receive_buffer - 1;
        assert_eq!(usize::from(window), left >> Config::WINDOW_SCALE);
        assert_eq!(world.tcp.stats().time_wait_evicted, evicted);
    }
    for (port, answer) in [(4000, Drop::NoConnection), (4001, Drop::TimeWait)] {
        world.peer_port = port;
        assert_eq!(world.receive(1, 2, fin, 0), Err(answer));
    }
}
