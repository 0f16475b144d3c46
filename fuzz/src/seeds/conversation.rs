//! Whole conversations with the host that is fuzzed. It answers alike each time, so what a client
//! must acknowledge is found by playing what there is so far.

use arp::Operation;
use ipv4::Protocol;
use tcp::{Flags, Header};
use zerocopy::FromBytes;

use super::frames::{
    arp_frame, arp_packet, ethernet, fragment, icmp_echo, icmp_unreachable, ip_packet, tcp_segment,
    udp_datagram,
};
use crate::network::{self, ECHO_PORT};

/// IP and ICMP checksums are made right again, TCP's is believed: as with most network cards.
const REPAIRED: u8 = 1 | 2 | 4;
const WAIT_A_SECOND: [u8; 2] = [0x80, 10];
const WAIT_A_MINUTE: [u8; 2] = [0x80, 16];

/// An MSS, selective acknowledgements, and windows shifted by 7.
const SYN_OPTIONS: [u8; 12] = [2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7];

pub(super) fn all() -> Vec<(&'static str, Vec<u8>)> {
    [datagrams(), connections()].concat()
}

fn datagrams() -> Vec<(&'static str, Vec<u8>)> {
    let ip = |protocol, payload: &[u8]| record(&ethernet(&ip_packet(protocol, payload)));
    let arp = |operation, host| record(&arp_frame(&arp_packet(operation, host, host)));
    let (request, reply) = (arp(Operation::Request, 1), arp(Operation::Reply, 3));
    let whole = icmp_echo(3000);
    let piece = |offset: u16, more, range| {
        let packet = fragment(Protocol::ICMP, offset, more, &whole[range]);
        record(&ethernet(&packet))
    };
    let first = piece(0, true, 0..1480);
    let second = piece(1480, true, 1480..2960);
    let last = piece(2960, false, 2960..3008);
    let waiting = WAIT_A_MINUTE.repeat(2);
    let echo = ip(Protocol::ICMP, &icmp_echo(56));
    let unreachable = ip(Protocol::ICMP, &icmp_unreachable(3));
    vec![
        ("arp", [request, reply].concat()),
        ("conflict", arp(Operation::Request, 2)),
        ("fragments", [&first[..], &second, &last].concat()),
        ("half-a-packet", [first, waiting].concat()),
        ("udp", ip(Protocol::UDP, &[0; 20])),
        (
            "udp-echo",
            ip(Protocol::UDP, &udp_datagram(ECHO_PORT, b"hello")),
        ),
        ("unreachable", [&unreachable[..], &echo].concat()),
        ("echo", echo),
    ]
}

fn connections() -> Vec<(&'static str, Vec<u8>)> {
    let post = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    let long = "GET /long HTTP/1.1\r\nHost: a\r\n\r\n";
    let open = Client::open(&SYN_OPTIONS).bytes;
    let (link_full, link_open) = (vec![0x84, 0], vec![0x85, 0]);
    let link_down_and_up = vec![0x86, 0, 0x80, 12, 0x87, 3];
    vec![
        ("get", get("GET / HTTP/1.1\r\nHost: a\r\n\r\n", &[])),
        ("get-long", get(long, &SYN_OPTIONS)),
        ("get-old", get("GET / HTTP/1.0\r\n\r\n", &[])),
        ("post", get(post, &[])),
        ("refused", get("nonsense\r\n\r\n", &[])),
        ("slow", [&open[..], &WAIT_A_MINUTE.repeat(2)].concat()),
        ("link-down", [&open[..], &link_down_and_up].concat()),
        ("link-full", [&link_full[..], &open, &link_open].concat()),
    ]
}

/// A connection with one request, ended by the client.
fn get(request: &str, syn_options: &[u8]) -> Vec<u8> {
    let mut client = Client::open(syn_options);
    client.send(Flags::ACK.with(Flags::PSH), request.as_bytes());
    for _ in 0..4 {
        client.acknowledge();
        client.bytes.extend(WAIT_A_SECOND);
    }
    client.send(Flags::ACK.with(Flags::FIN), b"");
    client.acknowledge();
    client.bytes
}

fn record(frame: &[u8]) -> Vec<u8> {
    let [high, low] = (frame.len() as u16).to_be_bytes();
    [&[REPAIRED, high, low], frame].concat()
}

/// A client, and the bytes that it makes the host's input of.
struct Client {
    bytes: Vec<u8>,
    seq: u32,
    ack: u32,
}

impl Client {
    fn open(options: &[u8]) -> Self {
        let mut client = Self {
            bytes: Vec::new(),
            seq: 1000,
            ack: 0,
        };
        client.put(Flags::SYN, options, b"");
        client.seq += 1;
        client.acknowledge();
        client
    }

    fn put(&mut self, flags: Flags, options: &[u8], text: &[u8]) {
        let segment = tcp_segment(self.seq, self.ack, flags, options, text);
        let packet = ip_packet(Protocol::TCP, &segment);
        self.bytes.extend(record(&ethernet(&packet)));
    }

    fn send(&mut self, flags: Flags, text: &[u8]) {
        self.put(flags, &[], text);
        self.seq += text.len() as u32 + u32::from(flags.has(Flags::FIN));
    }

    /// Acknowledges all that the host sends up to here.
    fn acknowledge(&mut self) {
        let mut next = self.ack;
        network::run(&self.bytes, &mut |frame| {
            if let Some(end) = end_of_segment(frame) {
                // The reset at the end stands where the host's numbers have come to.
                next = if next == self.ack || end.wrapping_sub(next) < 1 << 31 {
                    end
                } else {
                    next
                };
            }
        });
        self.ack = next;
        self.send(Flags::ACK, b"");
    }
}

/// The number behind a segment, if the frame has one that is no reset.
fn end_of_segment(frame: &[u8]) -> Option<u32> {
    let packet = frame.get(ethernet::HEADER_LEN..)?;
    let ip = ipv4::Header::parse(packet, packet.len()).ok()?;
    let segment = packet.get(ip.header_len.into()..ip.total_len.into())?;
    let (header, _) = Header::read_from_prefix(segment).ok()?;
    let flags = Flags(header.flags);
    let is_tcp = ip.protocol == Protocol::TCP && !flags.has(Flags::RST);
    let takes = segment.len().checked_sub(header.len())? as u32
        + u32::from(flags.has(Flags::SYN))
        + u32::from(flags.has(Flags::FIN));
    is_tcp.then(|| header.seq.get().wrapping_add(takes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_answers() {
        let seeds = all();
        let answer = |name: &str| {
            let (_, bytes) = seeds.iter().find(|seed| seed.0 == name).expect("a seed");
            let mut heard = Vec::new();
            network::run(bytes, &mut |frame| heard.extend_from_slice(frame));
            String::from_utf8_lossy(&heard).into_owned()
        };
        assert!(answer("get").contains("HTTP/1.1 200 OK"));
        assert!(answer("post").contains("body"));
        assert!(answer("refused").contains("HTTP/1.1 400 "));
        assert!(answer("get-long").matches('x').count() >= 20_000);
        assert!(answer("fragments").matches('e').count() >= 3000);
    }
}
