//! The look inside of a running server.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::Command;

use pcap::Reader;

use crate::client::{connect, get};
use crate::server::{Server, fails, publish, skip};

/// Targets with a host: one that a browser asks for when somebody has typed in our address.
const METRICS: &str = "http://127.0.0.1/_/metrics";
const TRACE: &str = "http://127.0.0.1/_/trace.pcapng";

fn text(server: &Server, target: &str) -> String {
    let response = get(server.address(), target);
    assert_eq!(response.status, 200, "{target}");
    String::from_utf8(response.body).unwrap()
}

#[test]
fn of_our_stack_through_the_relay() {
    let mut server = Server::start(&["--app=hello", &publish()]);
    let page = text(&server, "http://localhost/_/");
    assert!(page.contains("EventSource('events')"));
    let metrics = text(&server, METRICS);
    assert!(metrics.contains("\nparhelion_tcp_accepted_total "));
    let name = get(server.address(), "http://rebound.example/_/metrics");
    assert_eq!(name.status, 404, "a page from elsewhere reads nothing");

    let response = get(server.address(), TRACE);
    assert_eq!(response.status, 200);
    let mut reader = Reader::new(&response.body[..]).unwrap();
    let mut frames = 0;
    while let Some(record) = reader.next_record().unwrap() {
        assert!(record.bytes.len() <= record.wire_len);
        frames += 1;
    }
    assert!(frames > 10, "{frames}");
    // Comments are bytes of the file as they are.
    let holds = |text: &str| {
        let mut windows = response.body.windows(text.len());
        windows.any(|window| window == text.as_bytes())
    };
    assert!(holds("SYN-RECEIVED to ESTABLISHED"));
    assert!(!holds("HTTP/1.1"), "nobody's text is in it");
    others_read_it(&server, &response.body, frames);

    let mut viewer = connect(server.address());
    let request = b"GET /_/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    viewer.write_all(request).unwrap();
    let mut start = [0; 12];
    viewer.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    server.signal();
    let mut rest = Vec::new();
    viewer.read_to_end(&mut rest).expect("an orderly end");
    assert!(rest.ends_with(b"\r\n0\r\n\r\n"), "the last chunk");
    assert_eq!(server.end().0, 0);
}

/// Whether Wireshark reads a trace without complaint.
fn others_read_it(server: &Server, trace: &[u8], frames: usize) {
    let path = server.scratch().join("trace.pcapng");
    fs::write(&path, trace).unwrap();
    let tshark = Command::new("tshark")
        .args(["-T", "fields", "-e", "frame.comment", "-r"])
        .arg(&path)
        .output();
    let Ok(output) = tshark else {
        return skip("Wireshark reads a trace", "there is no tshark");
    };
    assert!(output.status.success(), "{output:?}");
    let comments = String::from_utf8_lossy(&output.stdout);
    assert_eq!(comments.lines().count(), frames);
    assert!(comments.contains("LISTEN to SYN-RECEIVED"), "{comments}");
}

#[test]
fn of_the_kernels_sockets() {
    let server = Server::start(&["--app=hello", "--link=sockets", &publish()]);
    let metrics = text(&server, METRICS);
    let connections = "parhelion_table_entries{table=\"connections\"} 1";
    assert!(metrics.contains(connections), "{metrics}");
    assert_eq!(get(server.address(), TRACE).status, 404, "no frames here");
}

#[test]
fn only_for_whom_it_is_meant() {
    for (setting, own, named) in [
        ("inside=off", 404, 404),
        ("inside=loopback", 200, 404),
        ("inside=everyone", 200, 200),
    ] {
        let arguments = ["--link=sockets", "--set", setting, &publish()];
        let server = Server::start(&arguments);
        assert_eq!(get(server.address(), METRICS).status, own, "{setting}");
        let named_host = get(server.address(), "/_/metrics");
        assert_eq!(named_host.status, named, "{setting}");
    }
    let wrong = ["serve", "--link=memory", "--set", "inside=yes"];
    let words = ["inside", "\"yes\"", "loopback, everyone or off"];
    fails(&[], &[&wrong[..], &[&publish()]].concat(), 2, &words);
}
