//! Devices that come and go.

use link::{Link, LinkState, Offload};
use packet::Class;

use super::world::{MAC, MAC_TEXT, PAGES, World};
use crate::device::State;
use crate::model::Offers;

const OTHER_MAC: [u8; 6] = [0, 0x16, 0x3e, 9, 9, 9];
const OTHER_MAC_TEXT: &str = "00:16:3E:09:09:09";

/// Nothing is lent, and no bell is open.
fn assert_nothing_shared(world: &World) {
    assert_eq!(world.dom0.xen.grants_in_use(), 0);
    assert_eq!(world.dom0.xen.open_channels(), 0);
    assert_eq!(world.pool.usage(Class::Page).held, 0);
    assert_eq!(world.stats().leaked, 0);
}

#[test]
fn a_device_comes_up() {
    let mut world = World::up(Offers::ALL);
    let caps = *world.front.caps();
    assert_eq!((caps.mac, caps.mtu), (MAC, 1500));
    assert!(caps.checksum_offload && caps.max_super_frame.is_some());
    let keys = [
        ("request-rx-copy", "1"),
        ("feature-rx-notify", "1"),
        ("feature-sg", "1"),
        ("feature-gso-tcpv4", "1"),
        ("state", "4"),
    ];
    for (key, value) in keys {
        assert_eq!(world.dom0.front(key).as_deref(), Some(value), "{key}");
    }
    let [tx, rx] = world.back().keys().bells;
    assert_ne!(tx, rx);
    assert_eq!(world.dom0.front("feature-gso-tcpv6"), None);
    assert!(world.dom0.xen.take_notified(rx), "it is greeted");
    world.assert_alive();
}

#[test]
fn what_a_back_end_cannot_do_is_not_asked_for() {
    let mut world = World::up(Offers::NONE);
    let [tx, rx] = world.back().keys().bells;
    assert_eq!(tx, rx);
    assert_eq!(world.dom0.xen.open_channels(), 1);
    assert_eq!(world.front.caps().max_super_frame, None);
    world.assert_alive();

    let offers = Offers {
        csum: false,
        ..Offers::ALL
    };
    let caps = *World::up(offers).front.caps();
    assert_eq!((caps.checksum_offload, caps.max_super_frame), (false, None));
}

#[test]
fn without_a_device_there_is_silence_until_one_comes() {
    let mut world = World::new();
    world.settle();
    assert_eq!(world.front.state(), LinkState::Down);
    assert!(!world.front.arm());
    assert_nothing_shared(&world);
    world.transmit(&[1; 60], &[], Offload::default()).unwrap();
    world.flush();
    assert_eq!(world.stats().down, 1);
    world.dom0.attach(MAC_TEXT, Offers::ALL);
    assert!(world.front.arm(), "it is not slept through");
    world.settle();
    assert_eq!(world.front.state(), LinkState::Up { epoch: 1 });
}

#[test]
fn a_device_goes_and_another_comes_in_its_place() {
    let mut world = World::up(Offers::ALL);
    world.transmit(&[1; 60], &[], Offload::default()).unwrap();
    world.flush();
    world.dom0.detach();
    world.receive();
    assert_eq!(world.front.state(), LinkState::Down);
    let lent = world.dom0.xen.grants_in_use();
    assert!(lent > PAGES.into(), "the back end may still use it");
    world.settle();
    assert_eq!(world.dom0.front("state"), None, "the toolstack has it back");
    assert_nothing_shared(&world);

    world.dom0.attach(OTHER_MAC_TEXT, Offers::NONE);
    world.settle();
    assert_eq!(world.front.state(), LinkState::Up { epoch: 2 });
    assert_eq!(world.front.caps().mac, OTHER_MAC);
    assert_eq!(world.front.caps().max_super_frame, None);
    assert_eq!(world.dom0.store.watches(), 2);
    world.assert_alive();
}

#[test]
fn a_device_that_is_replaced_at_once_is_not_taken_for_the_old_one() {
    let mut world = World::up(Offers::ALL);
    world.dom0.detach();
    world.receive();
    // All of this before we look again.
    world.dom0.turn();
    world.receive();
    world.dom0.turn();
    world.dom0.attach(OTHER_MAC_TEXT, Offers::ALL);
    world.settle();
    assert_eq!(world.front.state(), LinkState::Up { epoch: 2 });
    assert_eq!(world.front.caps().mac, OTHER_MAC);
    world.assert_alive();
}

#[test]
fn a_back_end_that_is_gone_is_missed() {
    let mut world = World::up(Offers::ALL);
    world.back();
    if let Some(back_end) = world.dom0.back_end.take() {
        back_end.leave();
    }
    world.dom0.store.remove("/local/domain/0/backend/vif/1/0");
    world.dom0.store.remove("device/vif/0");
    world.settle();
    assert_eq!(world.front.state(), LinkState::Down);
    assert_eq!(world.dom0.front("state"), None, "nothing is made anew");
    assert_nothing_shared(&world);
}

#[test]
fn what_others_left_is_cleared_away() {
    // A boot loader had it: still connected, or gone without a word, or properly closed.
    for (front, back) in [
        ("4", State::Connected),
        ("4", State::Closing),
        ("6", State::Closed),
    ] {
        let mut world = World::new();
        world.dom0.attach(MAC_TEXT, Offers::ALL);
        world.dom0.store.write("device/vif/0/state", front);
        world
            .dom0
            .store
            .write("device/vif/0/feature-no-csum-offload", "1");
        world.dom0.store.write("device/vif/0/event-channel", "77");
        world.dom0.say(back);
        for _ in 0..4 {
            world.settle();
        }
        assert_eq!(world.front.state(), LinkState::Up { epoch: 1 }, "{back:?}");
        assert_eq!(world.dom0.front("feature-no-csum-offload"), None);
        assert_eq!(world.dom0.front("event-channel"), None);
        world.assert_alive();
    }
}

#[test]
fn others_may_write_at_the_same_time() {
    let mut world = World::new();
    world.dom0.attach(MAC_TEXT, Offers::ALL);
    world.dom0.store.disturb(3);
    world.settle();
    assert_eq!(world.front.state(), LinkState::Up { epoch: 1 });
}

#[test]
fn what_may_not_be_written_is_given_up() {
    let mut world = World::new();
    world.dom0.attach(MAC_TEXT, Offers::ALL);
    world.dom0.store.forbid("device/vif/0/tx-ring-ref");
    world.settle();
    assert_eq!(world.front.state(), LinkState::Down);
    assert_eq!(world.dom0.front("state").as_deref(), Some("6"));
    assert_nothing_shared(&world);
}

#[test]
fn a_device_that_was_closed_can_be_attached_again() {
    let mut world = World::up(Offers::ALL);
    let page = world.back().rx.page().clone();
    page.u32(8)
        .store(999, core::sync::atomic::Ordering::Relaxed);
    world.assert_broken();
    world.dom0.detach();
    world.settle();
    assert_nothing_shared(&world);
    world.dom0.attach(OTHER_MAC_TEXT, Offers::ALL);
    world.settle();
    assert_eq!(world.front.state(), LinkState::Up { epoch: 2 });
    world.assert_alive();
}

#[test]
fn a_state_that_never_rests_does_not_keep_us() {
    let mut world = World::up(Offers::ALL);
    for _ in 0..100 {
        for state in [
            State::InitWait,
            State::Closed,
            State::Closing,
            State::Connected,
        ] {
            world.dom0.say(state);
            world.receive();
        }
    }
    world.dom0.detach();
    world.settle();
    assert_eq!(world.front.state(), LinkState::Down);
}
