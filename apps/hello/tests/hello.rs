//! The page as a visitor sees it.

#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]

extern crate parhelion_hello as hello;

#[path = "../../site/tests/place/mod.rs"]
mod place;

use place::{Script, Setup, visit};

#[test]
fn the_page_says_what_serves_it() {
    let setup = Setup {
        settings: &["place=our <own> stack & tap0"],
        ..Setup::default()
    };
    let scripts = ["/", "/", "/favicon.ico"]
        .map(|path| Script::from(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_str()));
    let visit = visit(hello::main, &setup, scripts);
    let page = visit.got[1].text();
    for fact in [
        "our &lt;own&gt; stack &amp; tap0",
        "10.0.0.1:50001",
        "<dd>0 s</dd>",
        "<dd>2</dd>",
    ] {
        assert!(page.contains(fact), "{fact}: {page}");
    }
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains(&format!("Content-Length: {}", body.len())),
        "{head}"
    );
    assert!(body.starts_with("<!doctype html>") && body.trim_end().ends_with("</html>"));
    assert!(visit.got[2].text().starts_with("HTTP/1.1 404 "));
    assert_eq!(visit.lines.len(), 3);
}

#[test]
fn an_unusable_port_says_so() {
    let mut config = runtime::Config::default();
    config.set("port=http").unwrap();
    let error = config.value("port", 80u16).unwrap_err();
    let failure = runtime::Failure::from(error).to_string();
    let expected = "setting port cannot be \"http\": invalid digit found in string";
    assert_eq!(failure, expected);
}
