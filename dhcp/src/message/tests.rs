//! Round trips, overloaded fields, and what is no message.

use alloc::vec;
use alloc::vec::Vec as Bytes;

use proptest::option;
use proptest::prelude::*;

use super::*;

fn message(kind: Kind, options: Options) -> Message {
    Message {
        kind,
        xid: 0x0102_0304,
        secs: 9,
        broadcast: true,
        ciaddr: Ipv4Addr::new(192, 0, 2, 1),
        yiaddr: Ipv4Addr::new(192, 0, 2, 2),
        chaddr: [2, 0, 0, 0, 0, 1],
        options,
    }
}

/// An offer with these bytes behind its cookie.
fn with_field(field: &[u8]) -> Bytes<u8> {
    let mut bytes = message(Kind::Offer, Options::default()).write().to_vec();
    bytes.truncate(240);
    bytes.extend(field);
    bytes
}

fn parsed(field: &[u8]) -> Result<Options, Malformed> {
    Message::parse(&with_field(field)).map(|message| message.options)
}

#[test]
fn the_fixed_fields_are_where_they_belong() {
    let bytes = message(Kind::Request, Options::default()).write();
    assert_eq!(bytes.len(), 300, "what BOOTP relays want");
    assert_eq!(bytes[..12], [1, 1, 6, 0, 1, 2, 3, 4, 0, 9, 0x80, 0]);
    assert_eq!(bytes[12..20], [192, 0, 2, 1, 192, 0, 2, 2]);
    assert_eq!(bytes[28..34], [2, 0, 0, 0, 0, 1]);
    assert_eq!(bytes[236..244], [99, 130, 83, 99, 53, 1, 3, 255]);
}

#[test]
fn everything_at_its_longest_fits() {
    let address = Some(Ipv4Addr::BROADCAST);
    let list = [Ipv4Addr::BROADCAST; 4].into_iter().collect::<Vec<_, 4>>();
    let options = Options {
        mask: address,
        routers: list.clone(),
        name_servers: list,
        host_name: "h".repeat(64).as_str().try_into().unwrap(),
        domain: "d".repeat(255).as_str().try_into().unwrap(),
        mtu: Some(1),
        requested: address,
        lease_time: Some(2),
        server: address,
        wanted: [3; 16].into_iter().collect(),
        max_size: Some(4),
        t1: Some(5),
        t2: Some(6),
        identifier: [7; 32].into_iter().collect(),
    };
    let whole = message(Kind::Ack, options);
    assert_eq!(Message::parse(&whole.write()), Ok(whole));
}

#[test]
fn options_go_on_in_the_other_fields() {
    for (overload, expected) in [
        (1, [Some(1500), None]),
        (2, [None, Some(7)]),
        (3, [Some(1500), Some(7)]),
    ] {
        let mut bytes = with_field(&[53, 1, 2, 52, 1, overload, 255]);
        // `file`, with another overload, which does not count there; `sname`.
        bytes[108..117].copy_from_slice(&[52, 1, 2, 0, 26, 2, 5, 220, 255]);
        bytes[44..51].copy_from_slice(&[58, 4, 0, 0, 0, 7, 255]);
        let options = Message::parse(&bytes).unwrap().options;
        assert_eq!(
            [options.mtu.map(u32::from), options.t1],
            expected,
            "{overload}"
        );
    }
    // The kind of message may be there, too.
    let mut bytes = with_field(&[52, 1, 1, 255]);
    bytes[108..112].copy_from_slice(&[53, 1, 2, 255]);
    assert!(Message::parse(&bytes).is_ok());
    // What goes beyond its field does not go on in the next.
    bytes[235] = 26;
    bytes[111..235].fill(0);
    assert_eq!(Message::parse(&bytes), Err(Malformed::Option));
}

#[test]
fn an_option_that_comes_twice() {
    let field = [
        53, 1, 2, 6, 4, 9, 9, 9, 9, 26, 2, 5, 0, 6, 4, 8, 8, 8, 8, 26, 2, 6, 0,
    ];
    let options = parsed(&field).unwrap();
    assert_eq!(
        options.name_servers[..],
        [Ipv4Addr::from([9; 4]), Ipv4Addr::from([8; 4])]
    );
    assert_eq!(options.mtu, Some(0x500));
}

#[test]
fn lists_and_names_have_limits() {
    let mut field = vec![53, 1, 2, 3, 40];
    field.extend([1; 40]);
    field.extend([12, 65]);
    field.extend([b'a'; 65]);
    let options = parsed(&field).unwrap();
    assert_eq!(options.routers.len(), 4);
    assert_eq!(options.host_name, "");
    for (name, expected) in [
        (&b"example.org"[..], "example.org"),
        (b"example.org\0", "example.org"),
        (b"two lines\n", ""),
        (b"\x1b[2J", ""),
        (b"\xff\xfe", ""),
    ] {
        let field = [&[53, 1, 2, 15, name.len() as u8], name].concat();
        assert_eq!(parsed(&field).unwrap().domain, expected, "{name:?}");
    }
}

#[test]
fn what_is_no_message() {
    let good = with_field(&[53, 1, 2, 255]);
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        Message::parse(&bytes).unwrap_err()
    };
    assert_eq!(with(0, 1), Malformed::Kind, "a request that offers");
    assert_eq!(with(0, 7), Malformed::Kind);
    assert_eq!(with(1, 6), Malformed::Hardware);
    assert_eq!(with(2, 16), Malformed::Hardware);
    assert_eq!(with(239, 0), Malformed::Cookie);
    assert_eq!(with(242, 9), Malformed::Kind);
    for len in 0..240 {
        assert_eq!(Message::parse(&good[..len]), Err(Malformed::Truncated));
    }
    assert_eq!(parsed(&[]), Err(Malformed::Kind));
    assert_eq!(
        parsed(&[255, 53, 1, 2]),
        Err(Malformed::Kind),
        "behind the end"
    );
    for broken in [&[53, 2, 2, 2][..], &[53, 1], &[53]] {
        assert!(parsed(broken).is_err(), "{broken:?}");
    }
    for option in [
        &[1, 3, 255, 255, 0][..],
        &[3, 0],
        &[3, 5, 1, 1, 1, 1, 1],
        &[6, 0],
        &[26, 1, 5],
        &[50, 5, 1, 1, 1, 1, 1],
        &[51, 2, 0, 9],
        &[52, 1, 0],
        &[52, 1, 4],
        &[52, 2, 1, 1],
        &[54, 0],
        &[57, 4, 0, 0, 0, 0],
        &[58, 3, 0, 0, 0],
        &[59, 5, 0, 0, 0, 0, 0],
        &[12, 9, b'a'],
    ] {
        let field = [&[53, 1, 2], option].concat();
        assert_eq!(parsed(&field), Err(Malformed::Option), "{option:?}");
    }
    // Without an end, with padding within, with options that nobody knows: a message all the same.
    assert!(parsed(&[0, 0, 224, 2, 1, 1, 53, 1, 2, 0]).is_ok());
}

prop_compose! {
    fn addresses()(list in prop::collection::vec(any::<u32>(), 0..=4)) -> Vec<Ipv4Addr, 4> {
        list.into_iter().map(Ipv4Addr::from).collect()
    }
}

prop_compose! {
    fn options()(
        [mask, requested, server] in [(); 3].map(|()| option::of(any::<u32>())),
        [lease_time, t1, t2] in [(); 3].map(|()| option::of(any::<u32>())),
        [mtu, max_size] in [(); 2].map(|()| option::of(any::<u16>())),
        (routers, name_servers) in (addresses(), addresses()),
        (host_name, domain) in ("[a-z.-]{0,64}", "[A-Z0-9_.]{0,255}"),
        wanted in prop::collection::vec(any::<u8>(), 0..=16),
        identifier in prop::collection::vec(any::<u8>(), 0..=32),
    ) -> Options {
        Options {
            mask: mask.map(Ipv4Addr::from),
            routers,
            name_servers,
            host_name: host_name.as_str().try_into().unwrap(),
            domain: domain.as_str().try_into().unwrap(),
            mtu,
            requested: requested.map(Ipv4Addr::from),
            lease_time,
            server: server.map(Ipv4Addr::from),
            wanted: wanted.into_iter().collect(),
            max_size,
            t1,
            t2,
            identifier: identifier.into_iter().collect(),
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(kind in 1u8..=8, options in options()) {
        let whole = message(Kind::of(&[kind]).unwrap(), options);
        prop_assert_eq!(Message::parse(&whole.write()), Ok(whole));
    }

    #[test]
    fn any_bytes_are_survived(start in any::<bool>(), rest: Bytes<u8>) {
        let bytes = if start { with_field(&rest) } else { rest };
        Message::parse(&bytes).ok();
    }
}
