//! When the back end is to wake us.

use alloc::vec::Vec;

use link::{Link, Offload};
use xen::{Events, Port};

use super::world::World;
use crate::model::{Offers, Sent};

/// Each wake-up costs more than the memory of a few frames is worth.
#[test]
fn what_was_sent_wakes_us_when_much_of_it_is_done() {
    let mut world = World::up(Offers::ALL);
    let port = world.dom0.front("event-channel-tx").unwrap();
    let port = Port(port.parse().unwrap());
    let sent: Vec<Sent> = (0..48)
        .map(|_| world.send(&[1; 60], &[], Offload::default()))
        .collect();
    assert!(!world.front.arm());
    for (done, sent) in (1..).zip(&sent) {
        world.back().answer(sent);
        assert_eq!(world.dom0.xen.take_pending(port), done == 32);
    }
}

#[test]
fn a_frame_that_waits_for_room_is_told_of_the_first() {
    let mut world = World::up(Offers::ALL);
    let port = world.dom0.front("event-channel-tx").unwrap();
    let port = Port(port.parse().unwrap());
    let mut sent = Vec::new();
    while world.transmit(&[1; 60], &[], Offload::default()).is_ok() {
        world.flush();
        sent.push(world.back().take().unwrap().unwrap());
    }
    assert!(!world.front.arm());
    world.back().answer(&sent[0]);
    assert!(world.dom0.xen.take_pending(port));
    assert!(world.front.arm());
}
