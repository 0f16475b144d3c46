//! A site as its visitors see it.

#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]

extern crate parhelion_site as site;

mod place;

use place::{Got, PAGE, Script, Setup, visit};

static LARGE: [u8; 3 * PAGE + 100] = [b'a'; 3 * PAGE + 100];
const FILES: &[(&str, &[u8])] = &[
    ("index.html", b"<p>root"),
    ("docs/index.html", b"<p>docs"),
    ("docs/a b.css", b"p{}"),
    ("empty/file.txt", b""),
    (".secret", b"secret"),
    ("docs/.git/config", b"secret"),
    ("app.js", b"let a = 1;"),
    ("app.js@gzip", b"(gz)"),
    ("large", &LARGE),
    ("broken", &LARGE),
    ("unreadable", &LARGE),
];
const VALIDATORS: &str = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
    ETag: \"0000000000000007\"\r\nAccept-Ranges: bytes\r\n";

fn ask_with(settings: &[&str], script: impl Into<Script>) -> (Got, Vec<String>) {
    let setup = Setup {
        files: FILES,
        settings,
        ..Setup::default()
    };
    let mut visit = visit(site::main, &setup, [script.into()]);
    (visit.got.remove(0), visit.lines)
}

fn ask(line: &str, fields: &str) -> String {
    let (got, _) = ask_with(&[], request(line, fields).as_str());
    assert!(got.finished);
    got.text()
}

fn request(line: &str, fields: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

fn ok(media: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nContent-Length: {length}\r\n{VALIDATORS}\r\n{body}"
    )
}

#[test]
fn files_are_found_by_path() {
    let html = "text/html; charset=utf-8";
    for (path, media, body) in [
        ("/", html, "<p>root"),
        ("/?query", html, "<p>root"),
        ("/index.html", html, "<p>root"),
        ("/docs/", html, "<p>docs"),
        ("/docs/../docs/./", html, "<p>docs"),
        ("//docs//", html, "<p>docs"),
        ("/docs/a%20b.css", "text/css; charset=utf-8", "p{}"),
        ("/empty/file.txt", "text/plain; charset=utf-8", ""),
    ] {
        assert_eq!(ask(&format!("GET {path}"), ""), ok(media, body), "{path}");
    }
}

#[test]
fn a_client_gets_the_form_that_it_asks_for() {
    let script = "Content-Type: text/javascript; charset=utf-8\r\n";
    let plain = "Vary: Accept-Encoding\r\nContent-Length: 10\r\n";
    let coded = "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\nContent-Length: 4\r\n";
    let tag = VALIDATORS.replace("07\"", "08\"");
    let get = |fields: &str| ask("GET /app.js", fields);
    let whole = format!("HTTP/1.1 200 OK\r\n{script}{plain}{VALIDATORS}\r\nlet a = 1;");
    assert_eq!(get(""), whole);
    assert_eq!(get("Accept-Encoding: br, gzip;q=0\r\n"), whole);
    let gzip = format!("HTTP/1.1 200 OK\r\n{script}{coded}{tag}\r\n(gz)");
    assert_eq!(get("Accept-Encoding: gzip, br\r\n"), gzip);

    // Conditions and ranges are about the form that is asked for.
    let taken = "Accept-Encoding: gzip\r\n";
    let old = get(&format!("{taken}If-None-Match: \"0000000000000008\"\r\n"));
    let vary = "Vary: Accept-Encoding\r\n";
    assert_eq!(old, format!("HTTP/1.1 304 Not Modified\r\n{vary}{tag}\r\n"));
    let other = get(&format!("{taken}If-None-Match: \"0000000000000007\"\r\n"));
    assert_eq!(other, gzip);
    let part = get(&format!("{taken}Range: bytes=1-2\r\n"));
    let coded = coded.replace("h: 4", "h: 2");
    let range = "Content-Range: bytes 1-2/4\r\n";
    assert_eq!(
        part,
        format!("HTTP/1.1 206 Partial Content\r\n{script}{coded}{tag}{range}\r\ngz")
    );
    let beyond = get(&format!("{taken}Range: bytes=4-\r\n"));
    let nothing = "Content-Length: 0\r\nContent-Range: bytes */4\r\n";
    assert_eq!(
        beyond,
        format!("HTTP/1.1 416 Range Not Satisfiable\r\n{vary}{nothing}\r\n")
    );
}

#[test]
fn what_is_not_there_is_not_found() {
    for path in [
        "/nothing",
        "/index.html/",
        "/empty/",
        "/.secret",
        "/docs/.git/config",
        "/docs/%2egit/",
    ] {
        let answer = ask(&format!("GET {path}"), "");
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{path}");
        assert!(answer.contains("There is nothing here"), "{path}");
    }
    let (got, _) = ask_with(&["dotfiles=yes"], request("GET /.secret", "").as_str());
    assert!(got.text().ends_with("\r\n\r\nsecret"));
}

#[test]
fn no_path_leaves_the_root() {
    for path in [
        "/../index.html",
        "/%2e%2e/index.html",
        "/docs/../../a",
        "/docs%2findex.html",
        "/a%00",
    ] {
        let answer = ask(&format!("GET {path}"), "");
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{path}");
    }
}

#[test]
fn a_directory_without_its_slash_is_elsewhere() {
    for (path, location) in [
        ("/docs", "/docs/"),
        ("/docs?a=b", "/docs/?a=b"),
        ("//docs", "/docs/"),
        ("/empty/../docs", "/docs/"),
    ] {
        let answer = ask(&format!("GET {path}"), "");
        assert!(
            answer.starts_with("HTTP/1.1 301 Moved Permanently\r\n"),
            "{path}"
        );
        assert!(
            answer.contains(&format!("\r\nLocation: {location}\r\n")),
            "{answer}"
        );
    }
}

#[test]
fn conditions_save_the_body() {
    let not_modified = format!("HTTP/1.1 304 Not Modified\r\n{VALIDATORS}\r\n");
    for fields in [
        "If-None-Match: \"0000000000000007\"\r\n",
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
    ] {
        assert_eq!(ask("GET /large", fields), not_modified);
        assert_eq!(ask("HEAD /large", fields), not_modified);
    }
    let failed = ask("GET /large", "If-Match: \"1\"\r\n");
    assert!(failed.starts_with("HTTP/1.1 412 "), "{failed}");
}

#[test]
fn a_range_is_a_part() {
    let part = |line: &str, fields: &str| ask(line, &format!("Range: bytes=1-4\r\n{fields}"));
    let expected = format!(
        "HTTP/1.1 206 Partial Content\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Length: 4\r\n{VALIDATORS}Content-Range: bytes 1-4/7\r\n\r\np>ro"
    );
    let whole = ok("text/html; charset=utf-8", "<p>root");
    assert_eq!(part("GET /", ""), expected);
    assert_eq!(
        part("GET /", "If-Range: \"0000000000000007\"\r\n"),
        expected
    );
    assert_eq!(part("GET /", "If-Range: \"0000000000000008\"\r\n"), whole);
    assert_eq!(
        ask("GET /", "Range: bytes=7-\r\n"),
        "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nContent-Range: bytes */7\r\n\r\n"
    );
}

#[test]
fn other_methods_are_refused_and_head_has_no_body() {
    let refused = ask("POST /", "");
    assert!(refused.starts_with("HTTP/1.1 405 "), "{refused}");
    assert!(
        refused.contains("\r\nAllow: GET, HEAD, OPTIONS\r\n"),
        "{refused}"
    );
    let head = ask("HEAD /", "");
    let get = ask("GET /", "");
    assert_eq!(Some(head.as_str()), get.strip_suffix("<p>root"));
}

#[test]
fn a_file_is_sent_without_a_copy() {
    let (got, _) = ask_with(&[], request("GET /large", "").as_str());
    assert!(got.bytes.ends_with(&LARGE));
    let mut at = LARGE.as_ptr();
    for chunk in &got.chunks {
        assert_eq!(chunk.as_ptr(), at);
        at = at.wrapping_add(chunk.len());
    }
    let sent: usize = got.chunks.iter().map(|chunk| chunk.len()).sum();
    assert_eq!(sent, LARGE.len());
}

#[test]
fn a_disk_that_fails_is_told_or_seen() {
    let unreadable = ask("GET /unreadable", "");
    assert!(unreadable.starts_with("HTTP/1.1 500 "), "{unreadable}");
    let both = [request("GET /broken", ""), request("GET /", "")].concat();
    let (got, _) = ask_with(&[], both.as_str());
    assert!(got.text().starts_with("HTTP/1.1 200 "));
    assert!(
        got.finished && got.chunks.len() == 1,
        "closed short of the length"
    );
    assert!(ask("GET /denied", "").starts_with("HTTP/1.1 403 "));
    assert!(ask("GET /busy", "").starts_with("HTTP/1.1 503 "));
}

#[test]
fn each_request_is_a_line_unless_quiet() {
    let requests = [request("GET /", ""), request("GET /nothing?x", "")].concat();
    let (_, lines) = ask_with(&[], requests.as_str());
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].starts_with("10.0.0.1:50000 GET / 200 7 B "),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("10.0.0.1:50000 GET /nothing?x 404 "),
        "{lines:?}"
    );
    let (_, lines) = ask_with(&["quiet=yes"], requests.as_str());
    assert_eq!(lines, [""; 0]);
}

#[test]
fn a_visitor_who_stays_is_let_go_when_the_site_stops() {
    let script = Script {
        stays: true,
        ..Script::from(request("GET /", "").as_str())
    };
    let (got, _) = ask_with(&[], script);
    assert!(got.finished && got.text().ends_with("<p>root"));
}

#[test]
fn visitors_beyond_the_limit_are_turned_away() {
    let setup = Setup {
        files: FILES,
        tasks: 3,
        ..Setup::default()
    };
    let script = Script {
        stays: true,
        ..Script::from(request("GET /", "").as_str())
    };
    let visit = visit(site::main, &setup, [script.clone(), script.clone(), script]);
    let answered = visit.got.iter().map(|got| got.text().ends_with("<p>root"));
    assert_eq!(answered.collect::<Vec<_>>(), [true, true, false]);
    assert!(visit.got[2].bytes.is_empty());
}
