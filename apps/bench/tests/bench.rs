//! The targets as a load generator sees them.

#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]

extern crate parhelion_bench as bench;

#[path = "../../site/tests/place/mod.rs"]
mod place;

use place::{Got, Script, Setup, visit};

fn ask(script: impl Into<Script>) -> Got {
    let mut visit = visit(bench::main, &Setup::default(), [script.into()]);
    assert!(visit.lines.is_empty(), "nothing is logged");
    visit.got.remove(0)
}

fn request(line: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n")
}

#[test]
fn small_bodies() {
    let got = ask([request("GET /"), request("GET /1k"), request("GET /x")]
        .concat()
        .as_str());
    let text = got.text();
    assert!(
        text.contains("Content-Length: 13\r\n\r\nHello, world!HTTP/1.1 200 OK"),
        "{text}"
    );
    assert!(
        text.contains("Content-Length: 1024\r\n\r\n012345"),
        "{text}"
    );
    assert!(text.contains("HTTP/1.1 404 Not Found"), "{text}");
    let lengths: Vec<usize> = got.chunks.iter().map(|chunk| chunk.len()).collect();
    assert_eq!(lengths, [13, 1024, 9]);
}

#[test]
fn the_big_body_is_one_piece_of_memory_over_and_over() {
    let head = ask(request("HEAD /big").as_str());
    assert!(
        head.text()
            .contains("\r\nContent-Length: 1000000000000\r\n")
    );
    assert!(head.chunks.is_empty());
    let got = ask(Script {
        patience: Some(10_000_000),
        ..Script::from(request("GET /big").as_str())
    });
    assert_eq!(got.chunks.len(), 10_000_000 / 65_536);
    let first = got.chunks[0].as_ptr();
    assert!(got.chunks.iter().all(|chunk| chunk.as_ptr() == first));
}

#[test]
fn uploads_are_counted() {
    let sized = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    assert!(ask(sized).text().ends_with("Content-Length: 2\r\n\r\n5\n"));
    let chunked = "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
        3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n";
    assert!(ask(chunked).text().ends_with("\r\n\r\n13\n"));
    let piece: &'static [u8] = &[0; 100_000];
    let mut script =
        Script::from("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    script.pieces.extend([piece; 1000]);
    assert!(ask(script).text().ends_with("\r\n\r\n100000000\n"));
    assert!(
        ask(request("GET /upload").as_str())
            .text()
            .contains("Allow: POST, OPTIONS\r\n")
    );
}
