//! Questions to a xenstore, and what its daemon does meanwhile (the bytes of `xenstore`).

/// The daemon answers as it should.
const SERVE: u8 = 0;
/// Bytes into the ring, and a message.
const RAW: u8 = 4;
const ANSWER: u8 = 5;
/// A word of the page, by its number.
const WORD: u8 = 7;

// Calls of ours; the high four bits are the path.
const READ: u8 = 0;
const NUMBER: u8 = 49;
const LIST: u8 = 38;
const WRITE: u8 = 3;
const REMOVE: u8 = 4;
const WATCH: u8 = 41;
const UNWATCH: u8 = 6;
const TRANSACTION: u8 = 19;
const POLL: u8 = 8;
const SHUTDOWN: u8 = 9;
/// dom0 writes at `control/shutdown`.
const DOM0: u8 = 58;

/// `RESET_WATCHES` is answered.
const OPENED: [u8; 2] = [0, SERVE];

/// One of each sort.
const ERRORS: [&[u8]; 8] = [
    b"EINVAL\0",
    b"EACCES\0",
    b"EEXIST\0",
    b"ENOENT\0",
    b"ENOSPC\0",
    b"EAGAIN\0",
    b"ENOSYS\0",
    b"EIO",
];

pub(super) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = honest();
    all.extend(hostile());
    all
}

/// After `RESET_WATCHES` has been answered.
fn opened(rest: &[&[u8]]) -> Vec<u8> {
    [&OPENED[..], &rest.concat()].concat()
}

fn honest() -> Vec<(&'static str, Vec<u8>)> {
    let values = [
        WRITE, 0, SERVE, READ, SERVE, NUMBER, SERVE, LIST, SERVE, REMOVE, SERVE,
    ];
    let watched = [
        WATCH, SERVE, POLL, WRITE, 0, SERVE, POLL, UNWATCH, SERVE, POLL,
    ];
    let asked = [SHUTDOWN, SERVE, SERVE, SERVE, POLL, DOM0, 2, POLL, SHUTDOWN];
    let words =
        [0, 5, 6, 7, 8].map(|word| [DOM0, word, POLL, SHUTDOWN, SERVE, SERVE, SERVE, SERVE]);
    let words = words.concat();
    vec![
        ("unanswered", vec![0]),
        ("wrapping", vec![0xff, SERVE, WRITE, 0, SERVE, READ, SERVE]),
        ("values", opened(&[&values])),
        ("transaction", opened(&[&[TRANSACTION, 0, 2], &[SERVE; 15]])),
        ("watched", opened(&[&watched])),
        ("unspeakable", opened(&[&[84, 96]])),
        (
            "always-disturbed",
            opened(&[&[TRANSACTION, 0, 255], &[SERVE; 165]]),
        ),
        ("transaction-of-nothing", opened(&[&[7, 0, 0], &[SERVE; 4]])),
        ("shut-down", opened(&[&asked, &[SERVE; 4], &words])),
        ("too-many-watches", opened(&[&[WATCH, SERVE].repeat(18)])),
    ]
}

fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let word = |number: u8, value: [u8; 3]| [WORD + 8 * number, value[0], value[1], value[2]];
    let answer = |kind: u8, which: u8, payload: &[u8]| {
        let head = [ANSWER, kind, which, payload.len() as u8];
        [&head[..], payload].concat()
    };
    let then = |what: &[u8], rest: &[u8]| opened(&[what, rest]);
    let read = |what: &[u8]| opened(&[&[READ], what, &[READ, SERVE]]);
    let commit = [TRANSACTION, 0, 0, SERVE, SERVE, SERVE, SERVE];
    let errors = ERRORS.map(|name| [&[READ][..], &answer(16, 0, name)].concat());
    let errors = errors.each_ref().map(Vec::as_slice);
    let (features, one) = (word(4, [0, 0, 3]), [0, 0, 1]);
    vec![
        ("errors", opened(&errors)),
        (
            "a-refused-commit",
            opened(&[&commit, &answer(16, 0, b"EIO\0")]),
        ),
        ("another-kind", read(&answer(1, 0, b"a\0b\0"))),
        ("another-number", read(&answer(2, 1, b"4"))),
        ("an-answer-without-text", read(&answer(2, 0, b"\xff"))),
        ("a-long-answer", read(&answer(2, 2, b"4"))),
        ("an-overlong-answer", read(&answer(2, 4, b"4"))),
        (
            "no-transaction",
            then(&[TRANSACTION, 0, 0], &answer(6, 0, b"0\0")),
        ),
        (
            "an-event-of-nobody",
            then(&answer(15, 0, b"a\09\0"), &[POLL]),
        ),
        ("half-an-event", then(&answer(15, 0, b"a"), &[POLL])),
        ("raw", read(&[&[RAW, 20][..], &[2; 20]].concat())),
        ("an-impossible-answer", read(&word(3, [0x40, 0, 0]))),
        ("an-impossible-question", read(&word(0, [0x40, 0, 0]))),
        ("reconnecting", read(&[features, word(5, one)].concat())),
        (
            "broken-by-its-own-word",
            read(&[features, word(6, one)].concat()),
        ),
    ]
}
