//! What peers get that do as they should.

#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]

extern crate parhelion_http as http;

mod resources;
mod script;

use http::{Limits, Server};
use resources::{BODY, DATE, ROOT, Resources, answer, get, serve, serve_with, text};
use script::{Script, World, talk};

#[test]
fn requests_are_answered_in_order_on_one_connection() {
    let pipelined = [get("/"), get("/nowhere"), get("/")].concat();
    let missing = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Length: 9\r\n\r\nNot Found";
    assert_eq!(answer(&pipelined), [ROOT, missing, ROOT].concat());
    let peer = serve([get("/").as_str().into(), get("/").as_str().into()]);
    assert_eq!(text(&peer), [ROOT, ROOT].concat());
    assert_eq!(String::from_utf8_lossy(&peer.wire).matches(DATE).count(), 2);
}

#[test]
fn a_body_is_sent_without_a_copy() {
    let peer = serve([get("/").as_str().into()]);
    assert_eq!(peer.chunks.len(), 1);
    assert_eq!(peer.chunks[0].as_ptr(), BODY.as_ptr());
}

#[test]
fn the_connection_stays_or_goes_as_asked() {
    let close = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\na body";
    let keep = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: keep-alive\r\n\r\na body";
    for (request, expected) in [
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            close,
        ),
        ("GET / HTTP/1.0\r\n\r\n", close),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", keep),
    ] {
        let ignored = if expected == close {
            get("/")
        } else {
            String::new()
        };
        assert_eq!(
            answer(&format!("{request}{ignored}")),
            expected,
            "{request}"
        );
    }
    let limits = Limits {
        requests: 2,
        ..Limits::default()
    };
    let peer = serve_with(limits, [get("/").repeat(3).as_str().into()]);
    assert_eq!(text(&peer), [ROOT, close].concat());
}

#[test]
fn head_is_get_without_its_body() {
    for path in ["/", "/unknown-length", "/nowhere", "/not-modified"] {
        let get = answer(&get(path));
        let head = answer(&format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let (expected, _) = get.split_once("\r\n\r\n").unwrap();
        assert_eq!(head, format!("{expected}\r\n\r\n"), "{path}");
    }
}

#[test]
fn a_body_of_unknown_length_goes_in_chunks_or_until_the_end() {
    assert_eq!(
        answer(&[get("/unknown-length"), get("/")].concat()),
        [
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
             6\r\na body\r\n8\r\nand more\r\n0\r\n\r\n",
            ROOT
        ]
        .concat()
    );
    assert_eq!(
        answer("GET /unknown-length HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\na bodyand more"
    );
}

#[test]
fn methods_are_checked_before_the_handler() {
    let allowed = |request: &str| {
        let answer = answer(&format!("{request} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let head = answer.split("\r\n\r\n").next().unwrap();
        let allow = head.lines().find(|line| line.starts_with("Allow")).unwrap();
        (head.lines().next().unwrap().to_string(), allow.to_string())
    };
    let refused = "HTTP/1.1 405 Method Not Allowed".to_string();
    let listed = "HTTP/1.1 204 No Content".to_string();
    let reading = "Allow: GET, HEAD, OPTIONS".to_string();
    let posting = "Allow: POST, OPTIONS".to_string();
    assert_eq!(allowed("POST /"), (refused.clone(), reading.clone()));
    assert_eq!(allowed("TRACE /"), (refused.clone(), reading.clone()));
    assert_eq!(allowed("GET /echo"), (refused, posting.clone()));
    assert_eq!(allowed("OPTIONS *"), (listed.clone(), reading));
    assert_eq!(allowed("OPTIONS /echo"), (listed, posting));
}

#[test]
fn a_body_is_read_however_it_is_framed() {
    let expected = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world";
    for body in [
        "Content-Length: 11\r\n\r\nhello world",
        "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nA: b\r\n\r\n",
    ] {
        let request = format!("POST /echo HTTP/1.1\r\nHost: a\r\n{body}{}", get("/"));
        assert_eq!(answer(&request), [expected, ROOT].concat());
    }
}

#[test]
fn an_unread_body_is_thrown_away_or_closes_the_connection() {
    let small = "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /";
    let answer_small = answer(&[small, &get("/")].concat());
    assert!(answer_small.ends_with(ROOT), "{answer_small}");
    let large = "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    let answer_large = answer(large);
    assert!(answer_large.contains("Connection: close"), "{answer_large}");
}

#[test]
fn continue_is_said_only_to_those_who_wait_and_only_when_it_is_meant() {
    let head = |path: &str, version: &str| {
        format!(
            "POST {path} HTTP/{version}\r\nHost: a\r\nContent-Length: 2\r\n\
             Expect: 100-continue\r\n\r\n"
        )
    };
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    let echoed = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
    let peer = serve([head("/echo", "1.1").as_str().into(), "ab".into()]);
    assert_eq!(text(&peer), [go_on, echoed].concat());
    assert_eq!(answer(&format!("{}ab", head("/echo", "1.1"))), echoed);
    let old = serve([head("/echo", "1.0").as_str().into(), "ab".into()]);
    assert!(text(&old).starts_with("HTTP/1.1 200 OK"));
    let refused = answer(&head("/ignore", "1.1"));
    assert!(
        refused.contains("Connection: close") && !refused.contains("100"),
        "{refused}"
    );
}

#[test]
fn a_handler_that_breaks_its_word_closes_the_connection() {
    let error = "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Length: 21\r\n";
    let text = "Internal Server Error";
    let close = format!("{error}Connection: close\r\n\r\n{text}");
    assert_eq!(answer(&get("/aborted")), close);
    assert_eq!(answer(&get("/silent")), format!("{error}\r\n{text}"));
    for (path, expected) in [
        ("/short", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"),
        ("/long", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        ("/twice", ROOT),
    ] {
        assert_eq!(answer(&[get(path), get("/")].concat()), expected, "{path}");
    }
}

#[test]
fn nothing_can_be_put_into_a_head() {
    let moved = answer(&get("/moved"));
    assert!(moved.contains("Location: /aSet-Cookie:b\r\n"), "{moved}");
}

#[test]
fn a_stopping_server_finishes_and_closes() {
    let world = World::default();
    let server = Server::new(Limits::default(), world.clone());
    world.stopping.set(true);
    let peer = talk(
        &server,
        &world,
        &Resources::default(),
        [get("/").repeat(2).as_str().into()],
    );
    assert!(text(&peer).contains("Connection: close"));
    assert_eq!(text(&peer).matches("HTTP/1.1 200").count(), 1);
    assert!(peer.finished);
}

#[test]
fn each_answer_is_logged() {
    let resources = Resources::default();
    let world = World::default();
    let server = Server::new(Limits::default(), world.clone());
    let requests = [
        get("/?q"),
        get("/unknown-length"),
        "BREW / HTTP/1.1\r\n\r\n".into(),
    ]
    .concat();
    talk(&server, &world, &resources, [requests.as_str().into()]);
    assert_eq!(
        *resources.log.borrow(),
        ["GET /?q 200 6", "GET /unknown-length 200 14", "- - 501 15"]
    );
    assert_eq!(server.served(), 3);
}

#[test]
fn an_idle_connection_is_small() {
    let world = World::default();
    let server = Server::new(Limits::default(), world.clone());
    let resources = Resources::default();
    let task = server.serve(Script::new(&world, []), &resources);
    // The transport of this test has 32 bytes, a real one 48; the rest is what the task adds.
    let size = size_of_val(&task);
    assert!(size <= 320, "{size}");
}
