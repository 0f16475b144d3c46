//! What a peer sees of the server.

#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]

extern crate parhelion_http as http;

mod script;

use core::cell::RefCell;

use http::{Answered, Error, Exchange, Handler, Limits, Method, Request, Response, Server, Status};
use packet::{Chunk, Duration, Surroundings, Transport};
use proptest::prelude::*;
use script::{Event, Peer, Script, World, run, talk};

/// Resources that behave well, and some that do not.
#[derive(Default)]
struct Resources {
    log: RefCell<Vec<String>>,
}

static BODY: &[u8] = b"a body";

impl Handler for Resources {
    fn methods(&self, path: &str) -> &'static [Method] {
        match path {
            "/echo" | "/ignore" => &[Method::Post],
            _ => &[Method::Get, Method::Head],
        }
    }

    async fn handle<T: Transport>(
        &self,
        request: &Request<'_>,
        exchange: &mut Exchange<'_, T>,
    ) -> Result<(), Error<T::Error>> {
        let ok = Response::new(Status::OK);
        match request.path {
            "/" => exchange.reply(ok, BODY).await,
            "/echo" => {
                let mut body = Vec::new();
                while let Some(chunk) = exchange.receive().await? {
                    body.extend_from_slice(&chunk);
                }
                exchange.respond(ok.length(body.len() as u64)).await?;
                exchange.write(&body).await
            }
            "/ignore" => exchange.reply_status(Status::OK).await,
            "/unknown-length" => {
                exchange.respond(ok).await?;
                exchange.send(BODY.into()).await?;
                exchange.send(Chunk::default()).await?;
                exchange.write(b"and more").await
            }
            "/not-modified" => exchange.respond(Response::new(Status::NOT_MODIFIED)).await,
            "/moved" => {
                let response = Response::new(Status::MOVED_PERMANENTLY);
                exchange
                    .reply(response.location("/a\r\nSet-Cookie: b"), BODY)
                    .await
            }
            "/silent" => Ok(()),
            "/short" => exchange.respond(ok.length(7)).await,
            "/long" => {
                exchange.respond(ok.length(5)).await?;
                exchange.send(BODY.into()).await
            }
            "/twice" => {
                exchange.reply(ok.clone(), BODY).await?;
                exchange.respond(ok).await
            }
            "/aborted" => Err(Error::Aborted),
            _ => exchange.reply_status(Status::NOT_FOUND).await,
        }
    }

    fn log(&self, answered: &Answered<'_>) {
        self.log.borrow_mut().push(format!(
            "{} {} {} {}",
            answered.method, answered.target, answered.status.0, answered.bytes
        ));
    }
}

const DATE: &str = "Date: Sun, 06 Nov 1994 08:49:37 GMT";

fn serve(script: impl IntoIterator<Item = Event>) -> Peer {
    serve_with(Limits::default(), script)
}

fn serve_with(limits: Limits, script: impl IntoIterator<Item = Event>) -> Peer {
    let world = World::default();
    let server = Server::new(limits, world.clone());
    talk(&server, &world, &Resources::default(), script)
}

/// The bytes a peer gets for these, without the dates.
fn answer(request: &str) -> String {
    let peer = serve([request.into()]);
    assert!(peer.finished);
    text(&peer)
}

fn text(peer: &Peer) -> String {
    let text = String::from_utf8(peer.wire.clone()).unwrap();
    text.replace(&format!("{DATE}\r\n"), "")
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// A response to a GET of `/` on a connection that stays.
const ROOT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na body";

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
    let world = World::default();
    let server = Server::new(limits, world.clone());
    let script = Script::new(&world, [upload.into(), "a".into(), Event::Silence]);
    // The clock moves when a wait ends: make the first one last as long as it may.
    run(server.serve(script.clone(), &Resources::default()));
    assert_eq!(script.peer.borrow().waited, [limits.stall]);
    assert_eq!(world.now().as_millis(), 30_000);
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
