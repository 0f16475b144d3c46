//! Which taps can be attached to, and what is said when not.

use link::{Burst, Link, LinkError, LinkState};
use packet::Instant;
use parhelion_tap::{OpenError, Options, Tap};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

use crate::namespace::{OUR_MAC, alone, ip, options, pool};

#[test]
fn every_kind_of_tap_is_attached_to() {
    alone("attaching::every_kind_of_tap_is_attached_to", || {
        for kind in ["", " multi_queue", " vnet_hdr", " multi_queue vnet_hdr"] {
            ip(&format!("tuntap add dev tap0 mode tap{kind}"));
            ip("link set tap0 mtu 1400");
            for offload in [true, false, true] {
                let tap = Tap::open(&options("tap0", offload), pool()).unwrap();
                assert_eq!(tap.caps().checksum_offload, offload, "{kind}");
                assert_eq!(tap.caps().max_super_frame.is_some(), offload);
                assert_eq!((tap.caps().mtu, tap.caps().mac), (1400, OUR_MAC));
            }
            ip("link del tap0");
        }
    });
}

#[test]
fn several_queues_of_one_tap() {
    alone("attaching::several_queues_of_one_tap", || {
        let several = Options {
            multi_queue: true,
            ..options("tap0", true)
        };
        let first = Tap::open(&several, pool()).unwrap();
        let second = Tap::open(&several, pool()).unwrap();
        assert!(second.caps().checksum_offload);
        drop((first, second));
        // The first queue decides about the header.
        let plain = Options {
            offload: false,
            ..several
        };
        let _first = Tap::open(&plain, pool()).unwrap();
        let follower = Tap::open(&several, pool()).unwrap();
        assert!(!follower.caps().checksum_offload);
    });
}

#[test]
fn errors_say_what_is_wrong() {
    alone("attaching::errors_say_what_is_wrong", || {
        let open = |name| Tap::open(&options(name, true), pool()).unwrap_err();
        let held = Tap::open(&options("tap0", true), pool()).unwrap();
        assert_eq!(open("tap0"), OpenError::Busy("tap0".to_owned()));
        drop(held);
        assert_eq!(open("lo"), OpenError::NotATap("lo".to_owned()));
        ip("tuntap add dev tun0 mode tun");
        assert_eq!(open("tun0"), OpenError::NotATap("tun0".to_owned()));
        assert_eq!(open("tap%d"), OpenError::BadName("tap%d".to_owned()));
        let line = open("lo").to_string();
        assert_eq!(
            line,
            "the interface lo is not a tap: name another, or delete it with `ip link del lo`"
        );
    });
}

#[test]
fn without_the_right_to_make_a_tap() {
    alone("attaching::without_the_right_to_make_a_tap", || {
        let mut sets = capabilities(None).unwrap();
        sets.effective.remove(CapabilitySet::NET_ADMIN);
        set_capabilities(None, sets).unwrap();
        let error = Tap::open(&options("tap0", true), pool()).unwrap_err();
        assert_eq!(error, OpenError::Missing("tap0".to_owned()));
    });
}

#[test]
fn random_addresses_are_local_and_differ() {
    alone("attaching::random_addresses_are_local_and_differ", || {
        let any = |name| Options {
            mac: None,
            ..options(name, true)
        };
        let macs = ["tap0", "tap1"].map(|name| Tap::open(&any(name), pool()).unwrap().caps().mac);
        assert_ne!(macs[0], macs[1]);
        assert!(macs.iter().all(|mac| mac[0] & 3 == 2), "{macs:?}");
    });
}

#[test]
fn a_deleted_tap_is_gone() {
    alone("attaching::a_deleted_tap_is_gone", || {
        let mut tap = Tap::open(&options("tap0", true), pool()).unwrap();
        assert_eq!(tap.receive(Instant::ZERO, &mut Burst::new()), Ok(()));
        assert_eq!(tap.state(), LinkState::Up { epoch: 0 });
        ip("link del tap0");
        assert_eq!(
            tap.receive(Instant::ZERO, &mut Burst::new()),
            Err(LinkError::Gone)
        );
        assert_eq!(tap.state(), LinkState::Down);
        assert_eq!(tap.flush(Instant::ZERO), Err(LinkError::Gone));
    });
}
