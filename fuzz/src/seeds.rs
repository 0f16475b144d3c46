//! What fuzzing begins with: well-formed bytes for every target, made by code that says what they are.

mod captures;
mod connection;
mod conversation;
mod devices;
mod frames;
mod leases;
mod names;
mod questions;

use core::net::SocketAddrV4;

use arp::Operation;
use frames::{PEER, arp_packet, icmp_echo, icmp_unreachable, ip_packet, tcp_segment, udp_datagram};
use ipv4::Protocol;
use tcp::Flags;

use crate::network::HOST;

/// What fuzzing of a target begins with.
pub struct Seed {
    /// The target's name.
    pub target: &'static str,
    /// The seed's.
    pub name: String,
    /// What it is.
    pub bytes: Vec<u8>,
}

/// All seeds.
#[must_use]
pub fn all() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let mut add = |target, named: Vec<(&str, Vec<u8>)>| {
        for (name, bytes) in named {
            let name = format!("seed-{name}");
            seeds.push(Seed {
                target,
                name,
                bytes,
            });
        }
    };
    add("ethernet", ethernet());
    add("arp", arp());
    add("ipv4", ipv4());
    add("reassembly", reassembly());
    add("udp", udp());
    add("dhcp", leases::all());
    add("tcp_header", tcp_header());
    add("connection", connection::all());
    add("connections", connection::together());
    add("network", conversation::all());
    add("http_request", http_request());
    add("http_server", http_server());
    add("dns", names::all());
    add("archive", vec![("small", crate::archive::seed())]);
    add("pcap", captures::all());
    add("xenstore", questions::all());
    add("netfront", devices::all());
    seeds
}

fn ethernet() -> Vec<(&'static str, Vec<u8>)> {
    let plain = frames::ethernet(&ip_packet(Protocol::UDP, &[0; 26]));
    let tagged = |tags: &[u8]| [&plain[..12], tags, &plain[12..]].concat();
    vec![
        ("tagged", tagged(&[0x81, 0, 0x20, 5])),
        ("priority", tagged(&[0x81, 0, 0x60, 0])),
        ("service", tagged(&[0x88, 0xa8, 0, 7, 0x81, 0, 0, 9])),
        ("three-tags", tagged(&[0x81, 0, 0, 1].repeat(3))),
        ("length", tagged(&[0, 46])),
        ("plain", plain),
    ]
}

fn arp() -> Vec<(&'static str, Vec<u8>)> {
    let packet = |operation, sender, mac| [&[0][..], &arp_packet(operation, sender, mac)].concat();
    let (request, reply) = (Operation::Request, Operation::Reply);
    let look = [3, 1];
    let wait = [6, 0xff, 0xff];
    vec![
        ("request", packet(request, 1, 1)),
        (
            "asked-and-answered",
            [&look[..], &[7], &packet(reply, 1, 1), &look].concat(),
        ),
        ("given-up", [&look[..], &wait.repeat(3), &look].concat()),
        (
            "kept-by-use",
            [&packet(request, 1, 1), &look[..], &wait, &look, &wait].concat(),
        ),
        (
            "conflict",
            [&packet(request, 2, 9), &wait[..], &packet(reply, 2, 9)].concat(),
        ),
        (
            "full",
            (0..12)
                .flat_map(|host| [packet(request, host, host), vec![3, host]].concat())
                .collect(),
        ),
        (
            "heard",
            [&[4, 1, 1][..], &look, &[4, 1, 2], &[5, 3], &wait].concat(),
        ),
    ]
}

fn ipv4() -> Vec<(&'static str, Vec<u8>)> {
    let repaired = |packet: Vec<u8>| [&[3][..], &packet].concat();
    let mut options = ip_packet(Protocol::UDP, &[7, 4, 5, 0, 1, 0, 0, 0, 1, 2, 3, 4]);
    options[0] = 0x47;
    let mut route = options.clone();
    route[20] = 131;
    vec![
        ("udp", repaired(ip_packet(Protocol::UDP, b"hello"))),
        ("echo", repaired(ip_packet(Protocol::ICMP, &icmp_echo(56)))),
        (
            "echo-large",
            repaired(ip_packet(Protocol::ICMP, &icmp_echo(1400))),
        ),
        (
            "unreachable",
            repaired(ip_packet(Protocol::ICMP, &icmp_unreachable(3))),
        ),
        (
            "too-big",
            repaired(ip_packet(Protocol::ICMP, &icmp_unreachable(4))),
        ),
        ("options", repaired(options)),
        ("source-route", repaired(route)),
        (
            "tcp",
            repaired(ip_packet(
                Protocol::TCP,
                &tcp_segment(1, 0, Flags::SYN, &[], b""),
            )),
        ),
    ]
}

fn udp() -> Vec<(&'static str, Vec<u8>)> {
    let datagram = udp_datagram(5, b"hello");
    let arrive = [&[2, 16, datagram.len() as u8][..], &datagram].concat();
    let (bind, take, send) = ([0, 5], [6, 0], [5, 0, 0, 9]);
    let (transmit, blocked, resolved) = ([9], |then| [7, 1, then], [8]);
    let ours = udp::header(SocketAddrV4::new(HOST, 5), SocketAddrV4::new(PEER, 9), b"");
    let quoted = [&[4, 8][..], &ours].concat();
    let sends = [&bind[..], &send, &send, &send].concat();
    vec![
        ("received", [&bind[..], &arrive, &take].concat()),
        ("unbound", arrive.clone()),
        ("flood", [&bind[..], &arrive.repeat(5), &take].concat()),
        (
            "bound",
            [0, 5, 0, 5, 0, 0, 0, 0, 0, 1, 0, 2, 1, 0, 0, 3].to_vec(),
        ),
        ("sent", [&sends[..], &transmit, &send].concat()),
        ("full", [&sends[..], &blocked(0), &transmit].concat()),
        (
            "unresolved",
            [&sends[..], &blocked(1), &transmit, &resolved, &transmit].concat(),
        ),
        (
            "unreachable",
            [&sends[..], &blocked(2), &transmit, &take].concat(),
        ),
        ("refused", [&bind[..], &quoted.repeat(3), &take].concat()),
    ]
}

fn reassembly() -> Vec<(&'static str, Vec<u8>)> {
    // What it is, its offset in words of 8 bytes, its length.
    let fragment = |what: u8, offset: u16, len: u16| {
        let ([a, b], [c, d]) = (offset.to_be_bytes(), len.to_be_bytes());
        vec![what, a, b, c, d]
    };
    let more = 8;
    let differs = 16;
    let tcp = 32;
    vec![
        (
            "in-order",
            [fragment(more, 0, 1480), fragment(0, 185, 600)].concat(),
        ),
        (
            "backwards",
            [fragment(0, 185, 600), fragment(more, 0, 1480)].concat(),
        ),
        (
            "twice",
            [
                fragment(more, 0, 800),
                fragment(more, 0, 800),
                fragment(0, 100, 9),
            ]
            .concat(),
        ),
        (
            "overlap",
            [
                fragment(more, 0, 800),
                fragment(more, 50, 800),
                fragment(0, 150, 9),
            ]
            .concat(),
        ),
        (
            "contradicts",
            [fragment(more, 0, 80), fragment(more | differs, 0, 80)].concat(),
        ),
        (
            "holes",
            (0..70).flat_map(|at| fragment(more, at * 2, 8)).collect(),
        ),
        (
            "many",
            (0..7)
                .flat_map(|name| fragment(more | name, 0, 80))
                .collect(),
        ),
        (
            "late",
            [fragment(more, 0, 80), vec![0xf0, 61], fragment(0, 10, 9)].concat(),
        ),
        (
            "tiny-tcp",
            [fragment(more | tcp, 0, 8), fragment(tcp, 1, 50)].concat(),
        ),
        (
            "beyond",
            [fragment(more, 8180, 80), fragment(0, 8191, 3)].concat(),
        ),
    ]
}

fn tcp_header() -> Vec<(&'static str, Vec<u8>)> {
    let options = [
        2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7,
    ];
    let segment = |flags, options: &[u8], text: &[u8]| {
        [&[1][..], &tcp_segment(100, 0, flags, options, text)].concat()
    };
    vec![
        ("syn", segment(Flags::SYN, &options, b"")),
        ("syn-bare", segment(Flags::SYN, &[], b"")),
        ("syn-text", segment(Flags::SYN, &options, b"early")),
        ("ack", segment(Flags::ACK, &[], b"")),
        ("reset", segment(Flags::RST, &[], b"")),
        (
            "text",
            segment(Flags::ACK.with(Flags::PSH), &[1, 1, 1, 0], b"hello"),
        ),
        ("fin", segment(Flags::ACK.with(Flags::FIN), &[], b"")),
        ("all", segment(Flags(0xff), &options, b"lamp")),
        (
            "sack",
            segment(Flags::ACK, &[1, 1, 5, 10, 0, 0, 0, 9, 0, 0, 0, 12], b""),
        ),
    ]
}

fn http_request() -> Vec<(&'static str, Vec<u8>)> {
    http_texts()
        .into_iter()
        .map(|(name, text)| (name, text.as_bytes().to_vec()))
        .collect()
}

fn http_server() -> Vec<(&'static str, Vec<u8>)> {
    let twice = |text: &str| [&[7][..], text.as_bytes(), text.as_bytes()].concat();
    http_texts()
        .into_iter()
        .map(|(name, text)| (name, twice(text)))
        .collect()
}

fn http_texts() -> Vec<(&'static str, &'static str)> {
    vec![
        ("get", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (
            "query",
            "GET /long?a=b%20c HTTP/1.1\r\nHost: a.b:80\r\nAccept: */*\r\n\r\n",
        ),
        (
            "old",
            "GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        ),
        ("head", "HEAD /chunked HTTP/1.1\r\nhost:a\r\n\r\n"),
        (
            "chunked",
            "GET /chunked HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: close\r\n\r\n",
        ),
        (
            "absolute",
            "GET http://b:80/c?d HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        ("options", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
        (
            "range",
            "GET /long HTTP/1.1\r\nHost: a\r\nRange: bytes=1-2\r\nIf-None-Match: \"x\", W/\"y\"\r\n\r\n",
        ),
        (
            "echo",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        ),
        (
            "echo-chunked",
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n0\r\nA: b\r\n\r\n",
        ),
        (
            "continue",
            "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
        ),
        (
            "ignored",
            "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        ),
        ("blank-first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("brew", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (
            "smuggled",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
    ]
}
