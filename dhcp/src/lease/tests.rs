//! What is made of an acknowledgement's options.

use super::*;
use crate::{Kind, Options};

fn lease(address: [u8; 4], change: impl FnOnce(&mut Options)) -> Result<Lease, Drop> {
    let mut options = Options {
        lease_time: Some(60),
        server: Some(Ipv4Addr::new(192, 0, 2, 1)),
        ..Options::default()
    };
    change(&mut options);
    let ack = Message {
        kind: Kind::Ack,
        xid: 1,
        secs: 0,
        broadcast: false,
        ciaddr: Ipv4Addr::UNSPECIFIED,
        yiaddr: address.into(),
        chaddr: [2; 6],
        options,
    };
    Lease::new(&ack, Instant::ZERO)
}

#[test]
fn networks() {
    for (address, mask, expected) in [
        ([192, 0, 2, 9], Some([255, 255, 255, 0]), Some(24)),
        ([192, 0, 2, 9], Some([255, 255, 255, 252]), Some(30)),
        ([192, 0, 2, 8], Some([255, 255, 255, 254]), Some(31)),
        ([192, 0, 2, 8], Some([255; 4]), Some(32)),
        ([192, 0, 2, 8], Some([255, 255, 255, 252]), None),
        ([192, 0, 2, 11], Some([255, 255, 255, 252]), None),
        ([192, 0, 2, 9], Some([0; 4]), None),
        ([192, 0, 2, 9], Some([255, 255, 0, 255]), None),
        ([10, 1, 2, 3], None, Some(8)),
        ([172, 16, 2, 3], None, Some(16)),
        ([192, 0, 2, 9], None, Some(24)),
        ([192, 0, 2, 255], None, None),
    ] {
        let lease = lease(address, |options| options.mask = mask.map(Ipv4Addr::from));
        let prefix_len = lease.map(|lease| lease.prefix_len);
        assert_eq!(prefix_len.ok(), expected, "{address:?} {mask:?}");
    }
}

#[test]
fn the_first_router_of_our_network_is_taken() {
    let gateway = |routers: &[[u8; 4]]| {
        let lease = lease([192, 0, 2, 9], |options| {
            options.routers = routers.iter().copied().map(Ipv4Addr::from).collect();
        });
        lease.unwrap().gateway.map(|router| router.octets())
    };
    assert_eq!(gateway(&[]), None);
    assert_eq!(
        gateway(&[[192, 0, 2, 1], [192, 0, 2, 2]]),
        Some([192, 0, 2, 1])
    );
    let unusable = [[198, 51, 100, 1], [192, 0, 2, 9], [192, 0, 2, 255]];
    assert_eq!(gateway(&unusable), None);
    assert_eq!(
        gateway(&[[0; 4], [192, 0, 2, 0], [192, 0, 2, 2]]),
        Some([192, 0, 2, 2])
    );
}

#[test]
fn an_mtu_is_576_at_least() {
    for (given, expected) in [
        (None, None),
        (Some(68), Some(576)),
        (Some(9001), Some(9001)),
    ] {
        let lease = lease([192, 0, 2, 9], |options| options.mtu = given).unwrap();
        assert_eq!(lease.mtu, expected);
    }
}
