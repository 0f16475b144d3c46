use alloc::vec;
use alloc::vec::Vec as List;

use proptest::prelude::*;

use super::*;

const ID: u16 = 0x1234;
/// Where the name of the question stands in every message.
const ASKED: &[u8] = b"\xc0\x0c";
const ANSWER: u16 = RESPONSE | RECURSION_DESIRED | RECURSION_AVAILABLE;

fn name() -> Name {
    "www.example.org".parse().unwrap()
}

/// An answer to the query, written word by word.
fn answer(flags: u16, answers: &[List<u8>], authorities: &[List<u8>]) -> List<u8> {
    let mut message = query(ID, &name()).to_vec();
    message[2..4].copy_from_slice(&flags.to_be_bytes());
    message[7] = answers.len() as u8;
    message[9] = authorities.len() as u8;
    for record in answers.iter().chain(authorities) {
        message.extend(record);
    }
    message
}

fn record(owner: &[u8], kind: u16, ttl: u32, data: &[u8]) -> List<u8> {
    let mut record = owner.to_vec();
    record.extend(kind.to_be_bytes());
    record.extend(CLASS_IN.to_be_bytes());
    record.extend(ttl.to_be_bytes());
    record.extend((data.len() as u16).to_be_bytes());
    record.extend(data);
    record
}

fn address(owner: &[u8], ttl: u32, last: u8) -> List<u8> {
    record(owner, KIND_A, ttl, &[192, 0, 2, last])
}

fn alias(owner: &[u8], ttl: u32, target: &[u8]) -> List<u8> {
    record(owner, KIND_CNAME, ttl, target)
}

/// A zone that says for how long what it does not have is not there.
fn zone(ttl: u32, minimum: u32) -> List<u8> {
    let words = [1, 2, 3, 4, minimum].into_iter().flat_map(u32::to_be_bytes);
    let data: List<u8> = b"\0\0".iter().copied().chain(words).collect();
    record(b"\x07example\x03org\0", KIND_SOA, ttl, &data)
}

fn seconds(ttl: u64) -> Duration {
    Duration::from_secs(ttl)
}

fn addresses(last: &[u8], ttl: u64) -> Result<Answer, NotAnAnswer> {
    let addresses = last.iter().map(|last| [192, 0, 2, *last].into()).collect();
    Ok(Answer::Addresses(Addresses(addresses), seconds(ttl)))
}

fn reading(message: &[u8]) -> Result<Answer, NotAnAnswer> {
    read(message, ID, &name())
}

#[test]
fn a_query_is_as_the_rfc_draws_it() {
    let header = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0";
    let question = b"\x03www\x07example\x03org\0\0\x01\0\x01";
    assert_eq!(query(ID, &name())[..], [&header[..], question].concat());
}

#[test]
fn addresses_come_in_order_with_the_shortest_time() {
    let records = [address(ASKED, 300, 1), address(ASKED, 60, 2)];
    assert_eq!(
        reading(&answer(ANSWER, &records, &[])),
        addresses(&[1, 2], 60)
    );
    let other = address(b"\x05other\0", 9, 3);
    let strange = record(ASKED, 16, 5, b"\x03txt");
    let records = [other, strange, address(ASKED, u32::MAX, 1)];
    // RFC 2181, 8: the first bit says that it is no time.
    assert_eq!(reading(&answer(ANSWER, &records, &[])), addresses(&[1], 0));
    let forever = [address(ASKED, 0x7fff_ffff, 1)];
    assert_eq!(
        reading(&answer(ANSWER, &forever, &[])),
        addresses(&[1], 86_400)
    );
    let many: List<_> = (0..40).map(|last| address(ASKED, 60, last)).collect();
    let first: List<u8> = (0..16).collect();
    assert_eq!(reading(&answer(ANSWER, &many, &[])), addresses(&first, 60));
}

#[test]
fn aliases_are_followed_in_any_order() {
    let (a, b) = (&b"\x01A\0"[..], &b"\x01b\0"[..]);
    let mut records = vec![
        alias(ASKED, 50, a),
        alias(b"\x01a\0", 40, b),
        address(b, 90, 7),
    ];
    assert_eq!(reading(&answer(ANSWER, &records, &[])), addresses(&[7], 40));
    records.reverse();
    assert_eq!(reading(&answer(ANSWER, &records, &[])), addresses(&[7], 40));
    records.remove(0);
    let absent = Ok(Answer::NoAddress(seconds(0)));
    assert_eq!(
        reading(&answer(ANSWER, &records, &[])),
        absent,
        "an alias of nothing"
    );
}

#[test]
fn aliases_without_end_fail() {
    let circle = [alias(ASKED, 50, b"\x01a\0"), alias(b"\x01a\0", 50, ASKED)];
    assert_eq!(reading(&answer(ANSWER, &circle, &[])), Ok(Answer::Failed));
    let label = |number: usize| [1, b'a' + number as u8, 0];
    let chain = |len: usize| {
        let mut records = vec![alias(ASKED, 50, &label(0))];
        records.extend((1..len).map(|at| alias(&label(at - 1), 50, &label(at))));
        records.push(address(&label(len - 1), 50, 1));
        reading(&answer(ANSWER, &records, &[]))
    };
    assert_eq!(chain(MAX_ALIASES), addresses(&[1], 50));
    assert_eq!(chain(MAX_ALIASES + 1), Ok(Answer::Failed));
}

#[test]
fn absence_holds_as_long_as_the_zone_says() {
    let read = |flags, zone: &[List<u8>]| reading(&answer(flags, &[], zone)).unwrap();
    let no_name = ANSWER | 3;
    assert_eq!(
        read(no_name, &[zone(60, 30)]),
        Answer::NoSuchName(seconds(30))
    );
    assert_eq!(
        read(no_name, &[zone(20, 30)]),
        Answer::NoSuchName(seconds(20))
    );
    assert_eq!(
        read(no_name, &[zone(9999, 9999)]),
        Answer::NoSuchName(seconds(300))
    );
    assert_eq!(read(no_name, &[]), Answer::NoSuchName(seconds(0)));
    assert_eq!(
        read(ANSWER, &[zone(60, 30)]),
        Answer::NoAddress(seconds(30))
    );
    let referral = RESPONSE | RECURSION_DESIRED;
    let servers = record(b"\x03org\0", 2, 60, b"\x01a\0");
    assert_eq!(read(referral, &[servers]), Answer::Failed);
    assert_eq!(
        read(referral, &[zone(60, 30)]),
        Answer::NoAddress(seconds(30))
    );
    for code in [1, 2, 4, 5, 9] {
        assert_eq!(read(ANSWER | code, &[]), Answer::Failed);
    }
}

#[test]
fn what_does_not_fit_says_so() {
    let cut = answer(ANSWER | TRUNCATED, &[address(ASKED, 60, 1)], &[]);
    assert_eq!(reading(&cut), Ok(Answer::Truncated));
    assert_eq!(reading(&cut[..33]), Ok(Answer::Truncated));
}

#[test]
fn what_is_not_an_answer_to_this_question_is_none() {
    let good = answer(ANSWER, &[address(ASKED, 60, 1)], &[]);
    assert_eq!(read(&good, ID ^ 1, &name()), Err(NotAnAnswer));
    assert_eq!(
        read(&good, ID, &"www.example.com".parse().unwrap()),
        Err(NotAnAnswer)
    );
    assert_eq!(reading(&query(ID, &name())), Err(NotAnAnswer), "a query");
    for (at, what) in [
        (5, "two questions"),
        (2, "an opcode"),
        (30, "a kind"),
        (32, "a class"),
    ] {
        let mut other = good.clone();
        other[at] ^= 0x08;
        assert_eq!(reading(&other), Err(NotAnAnswer), "{what}");
    }
    for len in 0..33 {
        assert_eq!(reading(&good[..len]), Err(NotAnAnswer), "{len} bytes");
    }
    for len in 33..good.len() {
        assert_eq!(reading(&good[..len]), Ok(Answer::Failed), "{len} bytes");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(flags: u16, counts: [u8; 2], rest: List<u8>) {
        let mut message = answer(flags | RESPONSE, &[], &[]);
        message[7] = counts[0];
        message[9] = counts[1];
        message.extend(rest);
        reading(&message).ok();
    }
}
