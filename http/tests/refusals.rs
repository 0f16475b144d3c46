//! What peers get that are wrong, slow or gone; and that any bytes are survived.

#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]

extern crate parhelion_http as http;

mod resources;
mod script;

use http::Limits;
use packet::{Chunk, Duration};
use proptest::prelude::*;
use resources::{ROOT, answer, get, serve, serve_with, text};
use script::Event;

#[test]
fn every_refusal_is_told_and_closes() {
    let long_line = format!("GET /{} HTTP/1.1\r\n", "a".repeat(8192));
    let long_head = format!("GET / HTTP/1.1\r\nA: {}", "a".repeat(17_000));
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 400),
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            400,
        ),
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n",
            413,
        ),
        (&long_line, 414),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", 417),
        (&long_head, 431),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: br\r\n\r\n",
            501,
        ),
        ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    ] {
        let peer = serve([request.into(), get("/").as_str().into()]);
        let answer = text(&peer);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answer}"
        );
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
        assert!(peer.finished && peer.script.is_empty(), "{request}");
    }
}

#[test]
fn a_request_cut_short_is_told_too() {
    let upload = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na";
    for request in ["GET / HTTP/1.1\r\nHo", upload] {
        assert!(answer(request).starts_with("HTTP/1.1 400 "), "{request}");
    }
    assert_eq!(answer("\r\n"), "");
}

#[test]
fn a_chunked_body_that_grows_too_long_is_refused() {
    let limits = Limits {
        body: 10,
        ..Limits::default()
    };
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunks = "6\r\nabcdef\r\n5\r\nabcde\r\n0\r\n\r\n";
    let peer = serve_with(limits, [head.into(), chunks.into()]);
    assert!(text(&peer).starts_with("HTTP/1.1 413 "));
}

#[test]
fn heads_in_pieces_cost_a_bounded_memory() {
    let limits = Limits {
        gathered: 0,
        ..Limits::default()
    };
    let request = get("/");
    let (first, second) = request.split_at(10);
    let peer = serve_with(limits, [first.into(), second.into()]);
    assert!(text(&peer).starts_with("HTTP/1.1 503 "));
    let peer = serve_with(limits, [request.as_str().into()]);
    assert_eq!(text(&peer), ROOT);
}

#[test]
fn slow_peers_are_told_where_that_is_possible() {
    let limits = Limits::default();
    let upload = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n";
    for (sent, status, waits) in [
        ("", "", vec![limits.idle]),
        ("\r\n", "", vec![limits.head_time]),
        ("GET / HT", "HTTP/1.1 408", vec![limits.head_time]),
        (upload, "HTTP/1.1 408", vec![limits.stall]),
    ] {
        let bytes = (!sent.is_empty()).then(|| sent.into());
        let peer = serve(bytes.into_iter().chain([Event::Silence]));
        assert!(peer.finished && text(&peer).starts_with(status), "{sent}");
        assert_eq!(text(&peer).is_empty(), status.is_empty(), "{sent}");
        assert_eq!(peer.waited, waits, "{sent}");
    }
    // Between requests: first a second in which memory is kept, then the rest without.
    let peer = serve([get("/").as_str().into(), Event::Silence, Event::Silence]);
    assert_eq!(text(&peer), ROOT);
    assert_eq!(peer.waited.iter().sum::<Duration>(), limits.idle);
}

#[test]
fn a_body_may_not_drip_for_ever() {
    let limits = Limits {
        request_time: Duration::from_secs(40),
        ..Limits::default()
    };
    let upload = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
    let drip = Event::Later(Duration::from_secs(25), Chunk::from(&b"a"[..]));
    let peer = serve_with(limits, [upload.into(), drip, Event::Silence]);
    assert!(text(&peer).starts_with("HTTP/1.1 408 "));
    // Of the 30 seconds of another pause only 15 are left.
    assert_eq!(peer.waited, [Duration::from_secs(15)]);
}

#[test]
fn a_closing_connection_listens_for_a_bounded_while() {
    let limits = Limits {
        drain: 10,
        ..Limits::default()
    };
    let refused = "BREW / HTTP/1.1\r\nHost: a\r\n\r\n";
    let peer = serve_with(
        limits,
        [refused.into(), "12345".into(), "123456".into(), "x".into()],
    );
    assert_eq!(peer.script.len(), 1, "the rest is not read");
    let peer = serve_with(limits, [refused.into(), Event::Silence, "x".into()]);
    assert_eq!(
        (peer.waited, peer.script.len()),
        (vec![limits.drain_time], 1)
    );
}

#[test]
fn a_reset_connection_is_dropped() {
    let peer = serve([get("/").as_str().into(), Event::Reset]);
    assert_eq!(text(&peer), ROOT);
    let upload = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n";
    let peer = serve([upload.into(), Event::Reset]);
    assert!(!peer.finished && peer.wire.is_empty());
}

proptest! {
    /// Where the pieces of a stream end makes no difference.
    #[test]
    fn requests_are_answered_the_same_however_they_are_cut(
        which in 0..STREAMS.len(),
        mut cuts in prop::collection::vec(0usize..400, 0..12),
    ) {
        let stream = STREAMS[which].as_bytes();
        cuts.extend([0, stream.len()]);
        cuts.iter_mut().for_each(|cut| *cut = (*cut).min(stream.len()));
        cuts.sort_unstable();
        cuts.dedup();
        let pieces = cuts.windows(2).map(|cut| Event::from(&stream[cut[0]..cut[1]]));
        prop_assert_eq!(text(&serve(pieces)), answer(STREAMS[which]));
    }

    #[test]
    fn any_bytes_are_survived(pieces in prop::collection::vec(piece(), 0..8)) {
        let peer = serve(pieces.iter().map(|piece| Event::from(piece.as_slice())));
        prop_assert!(peer.finished);
    }
}

const STREAMS: [&str; 5] = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /unknown-length HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0a;x=\"y\"\r\n\
     0123456789\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.0\r\n\r\n",
    "POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nA : b\r\n\r\n",
];

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec()),
        Just(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        Just(b"4\r\nabcd\r\n".to_vec()),
        Just(b"0\r\n\r\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ]
}
