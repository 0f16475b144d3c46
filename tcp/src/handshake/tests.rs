//! What is known from the first segment on.

use super::*;
use crate::testing::{PEER_WINDOW, WINDOW, World};

/// Two words that end with a value.
const fn stamp(value: u8) -> [u8; 12] {
    [1, 1, 8, 10, 0, 0, 0, value, 0, 0, 0, 0]
}

/// The peer need not wait for our acknowledgement of its SYN.
#[test]
fn text_right_behind_the_syn_ack_is_taken_with_its_timestamp() {
    for (seq, is_taken) in [(1, true), (WINDOW, true), (WINDOW + 1, false)] {
        let (mut world, id) = World::connecting();
        world.options = stamp(5).to_vec();
        let syn_ack = Flags::SYN.with(Flags::ACK);
        assert_eq!(world.receive(0, 1, syn_ack, 0), Ok(()));
        assert_eq!(world.tcp.stats().connected, 1);
        world.options = stamp(6).to_vec();
        assert_eq!(world.receive(seq, 1, Flags::ACK, 1).is_ok(), is_taken);
        let info = world.tcp.info(id).unwrap();
        assert_eq!(info.snd_wnd, u32::from(PEER_WINDOW));
        let echo = world.sent()[0].options.timestamps.unwrap().echo;
        assert_eq!(echo, if seq == 1 { 6 } else { 5 });
    }
}

#[test]
fn an_mss_is_bounded_and_leaves_room_for_options() {
    let config = Config::default();
    for (mss, timestamps, expected) in [
        (None, false, 536),
        (Some(9000), false, 1460),
        (Some(1460), true, 1448),
        (Some(60), true, 48),
        (Some(59), true, MIN_MSS),
        (Some(0), false, MIN_MSS),
    ] {
        assert_eq!(send_mss(&config, mss, timestamps), expected, "{mss:?}");
    }
}
