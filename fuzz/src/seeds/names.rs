//! Answers of name servers.

use crate::dns::{ID, NAME};

const ANSWER: [u8; 2] = [0x81, 0x80];
const NO_SUCH_NAME: [u8; 2] = [0x81, 0x83];
const TRUNCATED: [u8; 2] = [0x83, 0x80];

/// The name that was asked for.
const ASKED: &[u8] = b"\xc0\x0c";

pub(super) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let (a, b) = (&b"\x01a\xc0\x10"[..], &b"\x01b\x07example\x03net\0"[..]);
    let address = |owner, last| record(owner, 1, &[192, 0, 2, last]);
    let alias = |owner, target| record(owner, 5, target);
    vec![
        ("address", answer(ANSWER, &[address(ASKED, 1)], &[])),
        (
            "addresses",
            answer(ANSWER, &[address(ASKED, 1), address(ASKED, 2)], &[]),
        ),
        (
            "aliases",
            answer(ANSWER, &[alias(ASKED, a), alias(a, b), address(b, 1)], &[]),
        ),
        (
            "circle",
            answer(ANSWER, &[alias(ASKED, a), alias(a, ASKED)], &[]),
        ),
        ("absent", answer(NO_SUCH_NAME, &[], &[zone()])),
        ("no-address", answer(ANSWER, &[alias(ASKED, b)], &[zone()])),
        ("truncated", answer(TRUNCATED, &[], &[])),
        (
            "pointer-to-itself",
            answer(ANSWER, &[address(b"\xc0\x21", 1)], &[]),
        ),
        ("whole", whole()),
    ]
}

/// What follows the question, behind flags and counts.
fn answer(flags: [u8; 2], answers: &[Vec<u8>], authorities: &[Vec<u8>]) -> Vec<u8> {
    let counts = [0, answers.len() as u8, 0, authorities.len() as u8];
    [
        &[1][..],
        &flags,
        &counts,
        &answers.concat(),
        &authorities.concat(),
    ]
    .concat()
}

fn record(owner: &[u8], kind: u8, data: &[u8]) -> Vec<u8> {
    let fixed = [0, kind, 0, 1, 0, 0, 0, 60, 0, data.len() as u8];
    [owner, &fixed, data].concat()
}

fn zone() -> Vec<u8> {
    let numbers = [1u32, 7200, 900, 86_400, 300]
        .map(u32::to_be_bytes)
        .concat();
    record(
        b"\x07example\x03org\0",
        6,
        &[&b"\x02ns\xc0\x10\0"[..], &numbers].concat(),
    )
}

/// A message with its header and question written out.
fn whole() -> Vec<u8> {
    let labels = NAME.split('.');
    let name = labels.flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat());
    let question = name.chain([0, 0, 1, 0, 1]).collect::<Vec<_>>();
    let header = [ANSWER, [0, 1], [0, 1], [0, 0], [0, 0]].concat();
    let address = record(ASKED, 1, &[192, 0, 2, 1]);
    [&[0][..], &ID.to_be_bytes(), &header, &question, &address].concat()
}
