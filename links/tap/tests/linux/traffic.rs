//! Frames to and from the kernel's own sockets.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};

use link::{Link, Offload, PartialChecksum, SoftwareOffload, Transmit};
use packet::checksum::{Sum, pseudo_header};
use packet::{Chunk, Frame, Instant, RxChecksum};

use crate::namespace::{Inbox, OUR_MAC, alone, tap_with_addresses};

const KERNEL: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const OURS: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
const TCP: u8 = 6;
const UDP: u8 = 17;

/// Ethernet and IPv4 in front of `transport`, whose checksum field at `field` is filled in with the
/// pseudo-header's sum.
fn head(kernel: &[u8], protocol: u8, transport: &[u8], payload: usize, field: u16) -> Vec<u8> {
    let mut head = [kernel, &OUR_MAC, &[8, 0]].concat();
    let total = (20 + transport.len() + payload) as u16;
    let [high, low] = total.to_be_bytes();
    let mut ip = vec![0x45, 0, high, low, 0, 0, 0x40, 0, 64, protocol, 0, 0];
    ip.extend([OURS.octets(), KERNEL.octets()].concat());
    let sum = Sum::of(&ip).finish().to_be_bytes();
    ip[10..12].copy_from_slice(&sum);
    head.extend(ip);
    head.extend(transport);
    let sum = pseudo_header(OURS, KERNEL, protocol, transport.len() + payload);
    let field = 34 + usize::from(field);
    head[field..field + 2].copy_from_slice(&sum.fold().to_be_bytes());
    head
}

fn offload(field: u16, gso_size: Option<u16>) -> Offload {
    Offload {
        checksum: Some(PartialChecksum {
            start: 34,
            offset: field,
        }),
        gso_size,
    }
}

fn is_ipv4(frame: &[u8], protocol: u8) -> bool {
    frame.get(12..14) == Some(&[8, 0]) && frame.get(23) == Some(&protocol)
}

fn bytes(frame: &Frame) -> Vec<u8> {
    frame.parts().flat_map(|part| part.to_vec()).collect()
}

/// A datagram out and one back, with a partial checksum each way where `offload` allows.
fn datagrams(link: &mut impl Link, inbox: &mut Inbox, expected: RxChecksum) {
    let socket = UdpSocket::bind((KERNEL, 0)).unwrap();
    socket.connect((OURS, 7)).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    for len in [1, 200, 1000, 1472] {
        socket.send(&vec![0x5a; len]).unwrap();
        let frame = inbox.next(link, |frame| is_ipv4(frame, UDP));
        assert_eq!(frame.meta.checksum, expected);
        let request = bytes(&frame);
        assert_eq!(request[42..], vec![0x5a; len]);

        let mut udp = [
            &request[36..38],
            &request[34..36],
            &request[38..40],
            &[0, 0],
        ]
        .concat();
        udp[4..6].copy_from_slice(&(8 + len as u16).to_be_bytes());
        let head = head(&request[6..12], UDP, &udp, len, 6);
        let payload = [Chunk::Static(Vec::leak(vec![0xa5; len]))];
        let frame = Transmit {
            head: &head,
            payload: &payload,
            offload: offload(6, None),
        };
        link.transmit(Instant::ZERO, frame).unwrap();
        link.flush(Instant::ZERO).unwrap();
        let mut answer = [0; 2000];
        let count = socket.recv(&mut answer).unwrap();
        assert_eq!(answer[..count], vec![0xa5; len]);
    }
}

#[test]
fn udp_with_partial_checksums() {
    alone("traffic::udp_with_partial_checksums", || {
        let mut tap = tap_with_addresses(true);
        let mut inbox = Inbox::of(&tap);
        datagrams(&mut tap, &mut inbox, RxChecksum::Blank);
        assert_eq!((tap.stats().sent, tap.stats().refused), (4, 0));
    });
}

#[test]
fn udp_over_a_plain_tap() {
    alone("traffic::udp_over_a_plain_tap", || {
        let tap = tap_with_addresses(false);
        let mut inbox = Inbox::of(&tap);
        datagrams(
            &mut SoftwareOffload::new(tap),
            &mut inbox,
            RxChecksum::Unknown,
        );
    });
}

const DOWNLOAD: usize = 40_000;
const UPLOAD: usize = 14_600;

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

/// The kernel as a client: sends `UPLOAD` bytes and wants `DOWNLOAD` back.
fn client() {
    let mut stream = TcpStream::connect((OURS, 80)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    stream.write_all(&pattern(UPLOAD)).unwrap();
    let mut answer = vec![0; DOWNLOAD];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, pattern(DOWNLOAD));
}

/// A TCP header from our port 80 in answer to `frame`.
fn tcp_header(frame: &[u8], seq: u32, acked: u32, flags: u8, options: &[u8]) -> Vec<u8> {
    let ack = u32::from_be_bytes(frame[38..42].try_into().unwrap()).wrapping_add(acked);
    let mut tcp = [&frame[36..38], &frame[34..36]].concat();
    tcp.extend(seq.to_be_bytes());
    tcp.extend(ack.to_be_bytes());
    tcp.extend([
        ((5 + options.len() / 4) << 4) as u8,
        flags,
        0xff,
        0xff,
        0,
        0,
        0,
        0,
    ]);
    tcp.extend(options);
    tcp
}

/// Answers the handshake, takes the upload, sends the download as one super-frame in `pieces`
/// chunks. Returns the frames of the upload.
fn serve(link: &mut impl Link, inbox: &mut Inbox, pieces: usize) -> Vec<Frame> {
    let client = std::thread::spawn(client);
    let send = |link: &mut dyn Link, kernel: &[u8], tcp: &[u8], payload: &[Chunk]| {
        let len = payload.iter().map(|chunk| chunk.len()).sum();
        let head = head(kernel, TCP, tcp, len, 16);
        let offload = offload(16, (len > 0).then_some(1460));
        link.transmit(
            Instant::ZERO,
            Transmit {
                head: &head,
                payload,
                offload,
            },
        )
        .unwrap();
        link.flush(Instant::ZERO).unwrap();
    };
    let is_tcp = |frame: &[u8]| is_ipv4(frame, TCP);
    let syn = bytes(&inbox.next(link, is_tcp));
    let kernel = &syn[6..12];
    let mss = [2, 4, 5, 0xb4];
    send(link, kernel, &tcp_header(&syn, 1000, 1, 0x12, &mss), &[]);

    let mut upload = Vec::new();
    let mut data: Vec<u8> = Vec::new();
    while data.len() < UPLOAD {
        let frame = inbox.next(link, |head| is_tcp(head) && head.len() > 60);
        data.extend(&bytes(&frame)[54..]);
        upload.push(frame);
    }
    assert_eq!(data, pattern(UPLOAD));

    let body: &'static [u8] = Vec::leak(pattern(DOWNLOAD));
    let chunks: Vec<Chunk> = body
        .chunks(DOWNLOAD.div_ceil(pieces))
        .map(Chunk::Static)
        .collect();
    let acked = 1 + UPLOAD as u32;
    send(
        link,
        kernel,
        &tcp_header(&syn, 1001, acked, 0x18, &[]),
        &chunks,
    );
    client.join().unwrap();
    upload
}

#[test]
fn super_frames_cross_both_ways() {
    alone("traffic::super_frames_cross_both_ways", || {
        for pieces in [1, 10, 100] {
            let mut tap = tap_with_addresses(true);
            let mut inbox = Inbox::of(&tap);
            let upload = serve(&mut tap, &mut inbox, pieces);
            let largest = upload.iter().max_by_key(|frame| frame.len()).unwrap();
            assert!(largest.len() > 1514, "no super-frame: {}", largest.len());
            assert_eq!(largest.meta.gso_size, 1460);
            assert_eq!(largest.meta.checksum, RxChecksum::Blank);
            assert_eq!(tap.stats().sent, 2, "the download was one frame");
            assert_eq!(tap.stats().malformed + tap.stats().refused, 0);
        }
    });
}

#[test]
fn a_plain_tap_carries_segments_only() {
    alone("traffic::a_plain_tap_carries_segments_only", || {
        let tap = tap_with_addresses(false);
        let mut inbox = Inbox::of(&tap);
        let mut link = SoftwareOffload::new(tap);
        let upload = serve(&mut link, &mut inbox, 10);
        assert!(upload.iter().all(|frame| frame.len() <= 1514));
        assert!(upload.iter().all(|frame| frame.meta.gso_size == 0));
        let segments = DOWNLOAD.div_ceil(1460) as u64;
        assert_eq!(link.inner().stats().sent, 1 + segments);
        assert_eq!(link.inner().stats().refused, 0);
    });
}

#[test]
fn an_interface_that_is_not_up_loses_frames() {
    alone("traffic::an_interface_that_is_not_up_loses_frames", || {
        let mut tap = tap_with_addresses(true);
        crate::namespace::ip("link set tap0 down");
        let head = head(&[0xff; 6], UDP, &[0; 8], 0, 6);
        let frame = Transmit {
            head: &head,
            payload: &[],
            offload: Offload::default(),
        };
        tap.transmit(Instant::ZERO, frame).unwrap();
        assert_eq!((tap.stats().down, tap.stats().sent), (1, 0));
    });
}
