//! Network devices of Xen, and what back ends do (the bytes of `netfront`).

const ATTACH: [u8; 2] = [0, 15];
const PLAIN: [u8; 2] = [0, 4];
const DETACH: u8 = 1;
const TURN: [u8; 4] = [2, 3, 2, 3];
const RECEIVE: u8 = 3;
const TAKE: u8 = 6;
const ANSWER: [u8; 2] = [7, 0];
const FLUSH: u8 = 8;
const ARM: u8 = 9;

/// A frame for the front end: its length, that of its pieces, and what is known of it.
fn bring(len: u16, piece: u16, how: u8) -> Vec<u8> {
    let ([a, b], [c, d]) = (len.to_be_bytes(), piece.to_be_bytes());
    vec![4, a, b, c, d, how, RECEIVE]
}

/// A frame from it, of these pieces.
fn send(how: u8, pieces: &[u16]) -> Vec<u8> {
    let mut bytes = vec![5, pieces.len() as u8, how];
    bytes.extend(pieces.iter().flat_map(|len| len.to_be_bytes()));
    bytes.extend([FLUSH, TAKE]);
    bytes
}

/// A response for a page.
fn respond(offset: u16, flags: u8, status: i16) -> Vec<u8> {
    let ([a, b], [c, d]) = (offset.to_be_bytes(), status.to_be_bytes());
    vec![10, 0, a, b, flags, c, d]
}

/// A device comes, and then this happens.
fn up(what: &[&[u8]]) -> Vec<u8> {
    [&ATTACH[..], &what.concat()].concat()
}

pub(super) fn all() -> Vec<(&'static str, Vec<u8>)> {
    [honest(), hostile()].concat()
}

fn honest() -> Vec<(&'static str, Vec<u8>)> {
    let gso = 6;
    let many = [4000; 12];
    vec![
        ("receive", up(&[&bring(46, 4096, 1), &bring(1500, 4096, 2)])),
        ("receive-super", up(&[&bring(60_000, 4096, gso)])),
        ("receive-pieces", up(&[&bring(3000, 200, gso)])),
        (
            "send",
            up(&[
                &send(1, &[]),
                &ANSWER,
                &send(1, &[200, 1000]),
                &ANSWER,
                &[3],
            ]),
        ),
        ("send-super", up(&[&send(3, &many), &ANSWER, &[3, ARM]])),
        (
            "send-small-pieces",
            up(&[&send(3, &[300; 19]), &ANSWER, &[3]]),
        ),
        (
            "plain",
            [&PLAIN[..], &send(1, &[700]), &bring(60, 4096, 0)].concat(),
        ),
        (
            "again",
            up(&[&[DETACH], &TURN, &TURN, &PLAIN, &bring(60, 4096, 0)]),
        ),
    ]
}

fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let chain: Vec<u8> = (0..20).flat_map(|_| respond(0, 4, 9)).collect();
    vec![
        ("outside", up(&[&respond(4090, 0, 60), &[RECEIVE]])),
        ("failed", up(&[&respond(0, 0, -1), &[RECEIVE]])),
        ("chain", up(&[&chain, &respond(0, 0, 60), &[RECEIVE]])),
        (
            "extra",
            up(&[&respond(0, 8, 60), &respond(1000, 0, 1), &[RECEIVE]]),
        ),
        ("claim", up(&[&[12, 0, 0, 2, 200, RECEIVE]])),
        (
            "done-twice",
            up(&[&send(1, &[]), &ANSWER, &[11, 0, 0, 0, RECEIVE]]),
        ),
        (
            "kept",
            up(&[&[13, 3], &send(1, &[]), &[13, 40], &ANSWER, &[RECEIVE]]),
        ),
        (
            "states",
            up(&[&[14, 5, 4], &TURN, &[14, 5, 3], &TURN, &[14, 0, 1], &TURN]),
        ),
        (
            "texts",
            [
                &[14, 1, 8][..],
                &ATTACH,
                &[14, 3, 6],
                &TURN,
                &[14, 8, 0],
                &TURN,
            ]
            .concat(),
        ),
        (
            "meddle",
            up(&[
                &[15, 60, 0, 0, 2, 1],
                &bring(3000, 4096, 0),
                &bring(60, 4096, 0),
            ]),
        ),
    ]
}
