//! Conversations with servers of DHCP.

use core::net::Ipv4Addr;

use dhcp::{Kind, Message, Options};

const OFFER: [u8; 2] = [0, 0];
const ACK: [u8; 2] = [0, 1];
const NAK: [u8; 2] = [0, 2];
/// From server 1, with a mask; a lease of 3600 seconds, T1 and T2 left out, an MTU of 1400.
const HOUR: [u8; 9] = [0b101_1001, 0x0e, 0x10, 0, 0, 0, 0, 5, 120];
const FREE: [u8; 2] = [3, 0];
const TAKEN: [u8; 2] = [3, 1];
const NEXT: [u8; 1] = [7];
const DOWN: [u8; 1] = [5];
const UP: [u8; 4] = [4, 1, 5, 220];

pub(super) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let given = [&OFFER[..], &HOUR, &ACK, &HOUR].concat();
    let bound = [&given[..], &FREE].concat();
    let with = |start: &[u8], rest: &[&[u8]]| [start, &rest.concat()].concat();
    let raw = |kind| {
        let message = raw(kind).write();
        [&[2, 0][..], &(message.len() as u16).to_be_bytes(), &message].concat()
    };
    vec![
        ("unanswered", NEXT.repeat(12)),
        (
            "extended",
            with(&bound, &[&NEXT, &ACK, &HOUR, &NEXT, &ACK, &HOUR]),
        ),
        ("expired", with(&bound, &[&NEXT.repeat(14)])),
        ("refused", with(&bound, &[&NEXT, &NAK, &HOUR, &NEXT])),
        (
            "taken-back",
            with(&OFFER, &[&HOUR, &NAK, &HOUR, &NEXT, &NEXT]),
        ),
        ("declined", with(&given, &[&TAKEN, &NEXT]).repeat(11)),
        ("verified", with(&bound, &[&DOWN, &UP, &ACK, &HOUR])),
        ("not-verified", with(&bound, &[&DOWN, &UP, &NEXT.repeat(9)])),
        ("another-card", with(&bound, &[&[4, 0, 5, 220], &NEXT])),
        ("raw", [raw(Kind::Offer), raw(Kind::Ack)].concat()),
        ("overloaded", overloaded()),
    ]
}

/// With every option that a server sends.
fn raw(kind: Kind) -> Message {
    let server = Ipv4Addr::new(10, 0, 0, 1);
    let mut options = Options {
        mask: Some(Ipv4Addr::new(255, 255, 255, 0)),
        mtu: Some(1400),
        lease_time: Some(3600),
        server: Some(server),
        t1: Some(1000),
        t2: Some(2000),
        ..Options::default()
    };
    options.routers.extend([server]);
    options.name_servers.extend([server]);
    options.host_name.push_str("host").ok();
    options.domain.push_str("example.org").ok();
    Message {
        kind,
        xid: 0,
        secs: 0,
        broadcast: false,
        ciaddr: Ipv4Addr::UNSPECIFIED,
        yiaddr: Ipv4Addr::new(10, 0, 0, 2),
        chaddr: [0; 6],
        options,
    }
}

/// An offer whose options go on in `file` and `sname`.
fn overloaded() -> Vec<u8> {
    let mut message = raw(Kind::Offer).write().to_vec();
    message.splice(243..243, [52, 1, 3]);
    message[108..113].copy_from_slice(&[26, 2, 5, 220, 255]);
    message[44..49].copy_from_slice(&[26, 2, 5, 0, 255]);
    let len = (message.len() as u16).to_be_bytes();
    [&[2, 0][..], &len, &message].concat()
}
