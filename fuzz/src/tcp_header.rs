//! One segment, for a host that listens.

use core::net::Ipv4Addr;

use packet::{Frame, Instant, Limits, Part, Pool, RxChecksum, RxMeta, Secrets};
use tcp::{Blocked, Config, Flags, Header, Options, Outgoing, Output, Packet, Tcp};
use zerocopy::FromBytes;

use crate::input::Input;
use crate::pool::lend;

/// Sends a segment to a host that listens on its port. The first byte tells whether its checksum is
/// believed (1), whether it is a super-frame (2), and where it is cut into two parts.
pub fn tcp_header(bytes: &[u8]) {
    thread_local! {
        static POOL: Pool = Pool::new(Limits {
            cells: 64,
            pages: 64,
            bays: 4,
        });
    }
    lend(&POOL, |pool| run(pool, Input::new(bytes)));
}

fn run(pool: &Pool, mut input: Input<'_>) {
    let how = input.byte();
    let segment = input.rest();
    // Options are read in headers only, but any list must do.
    let _ = Options::parse(segment);
    let mut tcp = Tcp::new(Config::default(), pool.clone(), &Secrets::new([1; 32]));
    let Ok((header, _)) = Header::read_from_prefix(segment) else {
        assert!(send(pool, &mut tcp, segment, how).is_empty());
        return;
    };
    assert!(tcp.listen(header.destination.get()).is_ok());
    let answers = send(pool, &mut tcp, segment, how);
    assert!(answers.len() <= 1, "{} answers", answers.len());
    let is_reset = Flags(header.flags).has(Flags::RST);
    for answer in &answers {
        assert!(!is_reset, "an answer to a reset");
        assert_eq!(answer.destination, header.source);
        assert_eq!(answer.source, header.destination);
    }
    // Once more: whatever it made must bear it.
    send(pool, &mut tcp, segment, how);
    rest(&mut tcp);
}

fn send(pool: &Pool, tcp: &mut Tcp, segment: &[u8], how: u8) -> Vec<Header> {
    let meta = RxMeta {
        checksum: match how & 1 {
            1 => RxChecksum::Valid,
            _ => RxChecksum::Unknown,
        },
        gso_size: if how & 2 == 0 { 0 } else { 100 },
    };
    let (head, rest) = segment.split_at(segment.len().min(60 + usize::from(how >> 2)));
    let (Some(head), Some(rest)) = (Part::copy_from(pool, head), Part::copy_from(pool, rest))
    else {
        return Vec::new();
    };
    let mut frame = Frame::new(head, meta);
    if !rest.is_empty() {
        assert!(frame.push(rest).is_ok(), "a frame has room for a part");
    }
    let now = Instant::from_millis(1000);
    let packet = Packet {
        source: Ipv4Addr::new(10, 0, 0, 1),
        destination: Ipv4Addr::new(10, 0, 0, 2),
        start: 0,
        len: frame.len(),
    };
    let _ = tcp.receive(now, &packet, frame);
    transmit(tcp, now)
}

fn transmit(tcp: &mut Tcp, now: Instant) -> Vec<Header> {
    let mut sent = Sent::default();
    tcp.poll_transmit(now, &mut sent);
    sent.headers
}

/// A host that nobody speaks to falls silent.
fn rest(tcp: &mut Tcp) {
    for _ in 0..100 {
        let Some(next) = tcp.poll_timeout() else {
            return;
        };
        tcp.handle_timeout(next);
        transmit(tcp, next);
        let after = tcp.poll_timeout();
        assert!(after.is_none_or(|after| after > next), "time stands still");
    }
    panic!("TCP never rests");
}

#[derive(Default)]
struct Sent {
    headers: Vec<Header>,
}

impl Output for Sent {
    fn transmit(&mut self, segment: Outgoing<'_>) -> Result<(), Blocked> {
        let (header, _) = Header::read_from_prefix(segment.head).map_err(|_| Blocked::Full)?;
        assert_eq!(header.len(), segment.head.len());
        assert!(segment.payload.is_empty(), "text that nobody wrote");
        self.headers.push(header);
        Ok(())
    }
}
