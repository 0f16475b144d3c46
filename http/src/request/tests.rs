use super::*;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

fn parse(head: &str) -> Result<Request<'_>, Refusal> {
    Request::parse(head.as_bytes(), &Limits::default())
}

fn with_fields(fields: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n")
}

#[test]
fn request_lines_that_are_refused() {
    for (line, refusal) in [
        ("GET / HTTP/1.1 ", Refusal::StartLine),
        (" GET / HTTP/1.1", Refusal::StartLine),
        ("GET  / HTTP/1.1", Refusal::StartLine),
        ("GET /  HTTP/1.1", Refusal::StartLine),
        ("GET\t/ HTTP/1.1", Refusal::StartLine),
        ("GET / http/1.1", Refusal::StartLine),
        ("GET / HTTP/11", Refusal::StartLine),
        ("GET / HTTP/1.1.", Refusal::StartLine),
        ("GET / HTTP/1.10", Refusal::StartLine),
        ("GET /", Refusal::StartLine),
        ("GET", Refusal::StartLine),
        ("", Refusal::StartLine),
        ("G(T / HTTP/1.1", Refusal::StartLine),
        ("GET /a b HTTP/1.1", Refusal::StartLine),
        ("GET /#a HTTP/1.1", Refusal::StartLine),
        ("GET /<a> HTTP/1.1", Refusal::StartLine),
        ("GET /é HTTP/1.1", Refusal::StartLine),
        ("GET /\u{7f} HTTP/1.1", Refusal::StartLine),
        ("GET a HTTP/1.1", Refusal::Target),
        ("GET * HTTP/1.1", Refusal::Target),
        ("GET ?a HTTP/1.1", Refusal::Target),
        ("GET /%4 HTTP/1.1", Refusal::Target),
        ("GET /%gg HTTP/1.1", Refusal::Target),
        ("GET a:80 HTTP/1.1", Refusal::Target),
        ("GET https://a/ HTTP/1.1", Refusal::Target),
        ("GET http:///a HTTP/1.1", Refusal::Target),
        ("GET http://user@a/ HTTP/1.1", Refusal::Target),
        ("CONNECT a:80 HTTP/1.1", Refusal::Method),
        ("BREW / HTTP/1.1", Refusal::Method),
        ("get / HTTP/1.1", Refusal::Method),
        ("GET / HTTP/0.9", Refusal::Version),
        ("GET / HTTP/2.0", Refusal::Version),
        ("PRI * HTTP/2.0", Refusal::Version),
    ] {
        let head = format!("{line}\r\nHost: a\r\n\r\n");
        assert_eq!(parse(&head).map(|_| ()), Err(refusal), "{line}");
    }
}

#[test]
fn fields_that_are_refused() {
    for (fields, refusal) in [
        ("A : b", Refusal::Field),
        (" A: b", Refusal::Field),
        ("A: b\r\n folded", Refusal::Field),
        ("A: b\r\n\tfolded", Refusal::Field),
        ("A", Refusal::Field),
        (": b", Refusal::Field),
        ("A(: b", Refusal::Field),
        ("é: b", Refusal::Field),
        ("A: b\u{1}", Refusal::Field),
        ("A: b\u{7f}", Refusal::Field),
        ("Host: a", Refusal::Host),
        ("Host: b", Refusal::Host),
        ("Content-Length: +1", Refusal::Framing),
        ("Content-Length: -1", Refusal::Framing),
        ("Content-Length: 0x1", Refusal::Framing),
        ("Content-Length: 1 1", Refusal::Framing),
        ("Content-Length:", Refusal::Framing),
        ("Content-Length: 1, 1", Refusal::Framing),
        ("Content-Length: 1\r\nContent-Length: 1", Refusal::Framing),
        ("Content-Length: 1\r\nContent-Length: 2", Refusal::Framing),
        ("Content-Length: 18446744073709551616", Refusal::Framing),
        ("Content-Length: 1048577", Refusal::BodyTooLarge),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 1",
            Refusal::Framing,
        ),
        (
            "Content-Length: 1\r\nTransfer-Encoding: chunked",
            Refusal::Framing,
        ),
        ("Transfer-Encoding: chunked, chunked", Refusal::Framing),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            Refusal::Framing,
        ),
        ("Transfer-Encoding: chunked, gzip", Refusal::Framing),
        ("Transfer-Encoding:", Refusal::Framing),
        ("Transfer-Encoding: ,", Refusal::Framing),
        ("Transfer-Encoding: gzip, chunked", Refusal::Coding),
        ("Transfer-Encoding: identity", Refusal::Coding),
        ("Transfer-Encoding: xchunked", Refusal::Coding),
        ("Transfer-Encoding: \"chunked\"", Refusal::Coding),
        ("Transfer-Encoding: chunked;a=b", Refusal::Coding),
        ("Expect: 200-ok", Refusal::Expectation),
        ("Expect: 100-continue, more", Refusal::Expectation),
    ] {
        let head = with_fields(fields);
        assert_eq!(parse(&head).map(|_| ()), Err(refusal), "{fields}");
    }
    let many = with_fields(&["A: b"; 100].join("\r\n"));
    assert_eq!(parse(&many).map(|_| ()), Err(Refusal::HeadTooLarge));
}

#[test]
fn one_host_in_1_1_and_at_most_one_in_1_0() {
    let host = |version: &str, fields: &str| {
        let head = format!("GET / HTTP/{version}\r\n{fields}\r\n");
        parse(&head).map(|request| request.host.map(String::from))
    };
    assert_eq!(host("1.1", ""), Err(Refusal::Host));
    assert_eq!(host("1.0", ""), Ok(None));
    assert_eq!(host("1.0", "Host: a\r\nHost: a\r\n"), Err(Refusal::Host));
    for valid in [
        "",
        "a",
        "a.b:80",
        "10.0.0.2:",
        "[::1]",
        "[::1]:8080",
        "a%20b",
        "x_y",
    ] {
        let fields = format!("hOsT: {valid}\r\n");
        assert_eq!(host("1.1", &fields), Ok(Some(valid.into())), "{valid}");
    }
    for invalid in [
        "a b", "a/b", "a@b", "a:b", "a:123456", "[::1", "[g]", "a%2", "é", "a,b:c",
    ] {
        let fields = format!("Host: {invalid}\r\n");
        assert_eq!(host("1.1", &fields), Err(Refusal::Host), "{invalid}");
    }
}

#[test]
fn the_forms_of_a_target() {
    for (line, path, query, host) in [
        ("GET /", "/", None, "a"),
        ("GET /a?b?c=/", "/a", Some("b?c=/"), "a"),
        ("GET /?", "/", Some(""), "a"),
        ("GET /a?{b}|c^`[]\\", "/a", Some("{b}|c^`[]\\"), "a"),
        ("GET http://b:80/c?d", "/c", Some("d"), "b:80"),
        ("GET HTTP://b", "/", None, "b"),
        ("GET http://b?d", "/", Some("d"), "b"),
        ("OPTIONS *", "*", None, "a"),
        ("OPTIONS /a", "/a", None, "a"),
    ] {
        let head = format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n");
        let request = parse(&head).unwrap();
        let parts = (request.path, request.query, request.host);
        assert_eq!(parts, (path, query, Some(host)), "{line}");
    }
}

#[test]
fn what_framing_persistence_and_expectation_come_to() {
    let request = |version: &str, fields: &str| {
        let head = format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
        let request = parse(&head).unwrap();
        (request.framing, request.persists, request.expects_continue)
    };
    let none = Framing::Length(0);
    for (version, fields, expected) in [
        ("1.1", "", (none, true, false)),
        ("1.9", "", (none, true, false)),
        ("1.0", "", (none, false, false)),
        ("1.0", "Connection: Keep-Alive\r\n", (none, true, false)),
        (
            "1.0",
            "Connection: keep-alive, close\r\n",
            (none, false, false),
        ),
        (
            "1.1",
            "Connection: x\r\nConnection: ,CLOSE\r\n",
            (none, false, false),
        ),
        (
            "1.1",
            "Content-Length: 007\r\n",
            (Framing::Length(7), true, false),
        ),
        (
            "1.1",
            "Transfer-Encoding: Chunked\r\n",
            (Framing::Chunked, true, false),
        ),
        (
            "1.1",
            "Transfer-Encoding: , chunked ,\r\n",
            (Framing::Chunked, true, false),
        ),
        (
            "1.1",
            "Expect: 100-Continue\r\nContent-Length: 1\r\n",
            (Framing::Length(1), true, true),
        ),
        // Nothing to wait for (RFC 9110, 10.1.1).
        ("1.1", "Expect: 100-continue\r\n", (none, true, false)),
        (
            "1.0",
            "Expect: 100-continue\r\nContent-Length: 1\r\n",
            (Framing::Length(1), false, false),
        ),
    ] {
        assert_eq!(request(version, fields), expected, "{version} {fields}");
    }
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(parse(old).map(|_| ()), Err(Refusal::Framing));
}

#[test]
fn fields_are_found_in_any_case_and_trimmed() {
    let head = with_fields("X-a: \t one \t\r\nx-A:\r\nX-A: two, \u{e9}");
    let request = parse(&head).unwrap();
    let values: Vec<_> = request.fields.all("x-a").collect();
    assert_eq!(values, [b"one", &b""[..], "two, é".as_bytes()]);
    assert_eq!(request.fields.first("x-b"), None);
}

/// Bytes like those of a request, so that more than its first byte is looked at.
fn almost_a_request() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(&b"GET / HTTP/1.1\r\nHost: a\r\n"[..]),
        1 => Just(&b"POST http://a/%41?b HTTP/1.0\r\n"[..]),
        1 => Just(&b"OPTIONS * HTTP/1.1\r\n"[..]),
        2 => Just(&b"Content-Length: 5\r\n"[..]),
        1 => Just(&b"Transfer-Encoding: chunked\r\n"[..]),
        1 => Just(&b"Connection: close\r\n"[..]),
        1 => Just(&b"X: \t y \x80\r\n"[..]),
        1 => Just(&b"X : y\r\n"[..]),
        1 => Just(&b" folded\r\n"[..]),
        1 => Just(&b"\0"[..]),
        3 => Just(&b"\r\n"[..]),
    ];
    let pieces = prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
    prop_oneof![pieces, prop::collection::vec(any::<u8>(), 0..64)]
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_parsed(head in almost_a_request()) {
        let _ = Request::parse(&head, &Limits::default());
    }

    /// What we accept, another strict parser accepts too, and reads the same.
    #[test]
    fn httparse_agrees_with_what_is_accepted(head in almost_a_request()) {
        let Ok(ours) = Request::parse(&head, &Limits::default()) else {
            return Ok(());
        };
        let mut fields = [httparse::EMPTY_HEADER; 100];
        let mut theirs = httparse::Request::new(&mut fields);
        let parsed = theirs.parse(&head);
        // It knows no minor version but 0 and 1.
        if matches!(parsed, Err(httparse::Error::Version)) {
            return Ok(());
        }
        prop_assert_eq!(parsed, Ok(httparse::Status::Complete(head.len())));
        prop_assert_eq!(theirs.method, Some(ours.method.as_str()));
        prop_assert_eq!(theirs.path, Some(ours.target));
        prop_assert_eq!(theirs.headers.len(), ours.fields.count());
        for (their, (name, value)) in theirs.headers.iter().zip(ours.fields) {
            prop_assert_eq!((their.name.as_bytes(), their.value), (name, value));
        }
    }
}
