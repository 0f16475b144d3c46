//! What the client makes of responses, malformed ones too.

#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]

extern crate parhelion_http as http;

mod script;

use http::{Error, Limits, Refusal, Url, client};
use proptest::prelude::*;
use script::{Event, Script, World, run};

#[derive(Debug, PartialEq, Eq)]
struct Fetched {
    status: u16,
    length: Option<u64>,
    body: Vec<u8>,
    server: Option<Vec<u8>>,
}

fn fetch(script: impl IntoIterator<Item = Event>) -> Result<Fetched, Error<script::Failure>> {
    let transport = Script::new(&World::default(), script);
    let peer = transport.peer.clone();
    let url = Url::parse("http://example.com:81/a?b").unwrap();
    let limits = Limits {
        body: 1000,
        ..Limits::default()
    };
    let fetched = run(async {
        let mut download = client::get(transport, &url, &limits).await?;
        let mut body = Vec::new();
        while let Some(chunk) = download.receive().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(Fetched {
            status: download.status().0,
            length: download.length(),
            server: download.fields().first("server").map(<[u8]>::to_vec),
            body,
        })
    });
    assert_eq!(
        String::from_utf8_lossy(&peer.borrow().wire),
        "GET /a?b HTTP/1.1\r\nHost: example.com:81\r\nUser-Agent: parhelion\r\n\
         Accept: */*\r\nConnection: close\r\n\r\n"
    );
    fetched
}

#[test]
fn bodies_end_as_they_say() {
    for (response, length, body) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more",
            Some(5),
            "hello",
        ),
        ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", Some(0), ""),
        (
            "HTTP/1.0 200 OK\r\n\r\nuntil the end",
            None,
            "until the end",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            None,
            "hello",
        ),
        ("HTTP/1.1 204 No Content\r\n\r\nnot a body", Some(0), ""),
        (
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
            Some(0),
            "",
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\
             HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
            Some(1),
            "a",
        ),
    ] {
        let fetched = fetch([response.into()]).unwrap();
        assert_eq!(
            (fetched.length, &*fetched.body),
            (length, body.as_bytes()),
            "{response}"
        );
    }
}

#[test]
fn status_and_fields_are_told() {
    let fetched = fetch(["HTTP/1.1 404 Nicht da\r\nServer: x\r\nContent-Length: 0\r\n\r\n".into()]);
    assert_eq!(
        fetched,
        Ok(Fetched {
            status: 404,
            length: Some(0),
            body: Vec::new(),
            server: Some(b"x".to_vec())
        })
    );
}

#[test]
fn what_cannot_be_right_is_refused() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(9);
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "a".repeat(1001));
    for (response, refusal) in [
        ("", Refusal::Truncated),
        ("HTTP/1.1 200 OK\r\n", Refusal::Truncated),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na",
            Refusal::Truncated,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
            Refusal::Truncated,
        ),
        ("SSH-2.0-OpenSSH\r\n\r\n", Refusal::StartLine),
        ("HTTP/1.1 20 OK\r\n\r\n", Refusal::StartLine),
        ("HTTP/1.1 099 OK\r\n\r\n", Refusal::StartLine),
        ("HTTP/1.1  200 OK\r\n\r\n", Refusal::StartLine),
        ("HTTP/2.0 200 OK\r\n\r\n", Refusal::Version),
        ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", Refusal::Field),
        ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", Refusal::Field),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
            Refusal::Framing,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            Refusal::Framing,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            Refusal::Coding,
        ),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", Refusal::Framing),
        (&interim, Refusal::Framing),
        (&endless, Refusal::BodyTooLarge),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
            Refusal::BodyTooLarge,
        ),
    ] {
        assert_eq!(
            fetch([response.into()]),
            Err(Error::Refused(refusal)),
            "{response}"
        );
    }
    assert_eq!(
        fetch([Event::Reset]),
        Err(Error::Transport(script::Failure::Reset))
    );
}

proptest! {
    #[test]
    fn a_response_is_the_same_however_it_is_cut(cuts in prop::collection::vec(1usize..20, 1..40)) {
        let mut response = "HTTP/1.1 200 OK\r\nServer: x\r\nTransfer-Encoding: chunked\r\n\r\n\
            2\r\nhe\r\n3;a\r\nllo\r\n0\r\n\r\n".as_bytes();
        let mut events = Vec::new();
        for cut in cuts {
            let (piece, rest) = response.split_at(cut.min(response.len()));
            events.extend((!piece.is_empty()).then(|| Event::from(piece)));
            response = rest;
        }
        events.extend((!response.is_empty()).then(|| Event::from(response)));
        prop_assert_eq!(fetch(events).unwrap().body, b"hello");
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        for start in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"] {
            let _ = fetch([start.into(), Event::from(&bytes[..])]);
        }
    }
}
