//! Fragments, in any order and any number.

use core::net::Ipv4Addr;

use ipv4::{HEADER_LEN, Header, Protocol, Reassembly};
use packet::{Class, Duration, Frame, Instant, Limits, Part, Pool, RxMeta};

use crate::input::Input;
use crate::pool::lend;

/// Few, so that an old packet has to make room at times.
const PACKETS: usize = 4;
/// As many packets are told apart.
const NAMES: usize = 8;

/// Feeds fragments of a few packets, and time, to the reassembly. Each packet's bytes follow from
/// their place and its name, unless a fragment is told to differ.
pub fn reassembly(bytes: &[u8]) {
    thread_local! {
        static POOL: Pool = Pool::new(Limits {
            cells: 64,
            pages: 64,
            bays: 16,
        });
    }
    lend(&POOL, |pool| run(pool, Input::new(bytes)));
}

fn run(pool: &Pool, mut input: Input<'_>) {
    let mut now = Instant::from_millis(1000);
    let mut reassembly = Reassembly::new(pool.clone(), PACKETS);
    let mut honest = [true; NAMES];
    while !input.is_empty() {
        let what = input.byte();
        if what >= 0xf0 {
            now += Duration::from_secs(u64::from(input.byte()));
            pass(&mut reassembly, now);
            continue;
        }
        let fragment = Fragment {
            name: usize::from(what & 7),
            offset: (input.word() & 0x1fff) << 3,
            more: what & 8 != 0,
            differs: what & 0x10 != 0,
            len: usize::from(input.word() % 3000),
            is_tcp: what & 0x20 != 0,
        };
        honest[fragment.name] &= !fragment.differs;
        let Some((header, frame)) = fragment.packet(pool) else {
            continue;
        };
        if let Ok(Some(whole)) = reassembly.receive(now, &header, &frame) {
            let bytes: Vec<u8> = whole
                .packet
                .parts()
                .flat_map(|part| part.to_vec())
                .collect();
            assert_eq!(Header::parse(&bytes, bytes.len()), Ok(whole.header));
            assert!(!whole.header.is_fragment());
            let expected = (0..).map(|at| fragment.byte(at, false));
            let is_right = bytes[HEADER_LEN..].iter().copied().zip(expected);
            if honest[fragment.name] {
                assert!(is_right.into_iter().all(|(is, should)| is == should));
            }
        }
        let held = pool.usage(Class::Bay).held;
        assert!(held <= PACKETS, "{held} packets are kept");
    }
    now += Duration::from_secs(120);
    pass(&mut reassembly, now);
    assert_eq!(reassembly.poll_timeout(), None, "a packet is kept for ever");
}

fn pass(reassembly: &mut Reassembly, now: Instant) {
    let gone = core::iter::from_fn(|| reassembly.handle_timeout(now)).count();
    assert!(gone <= PACKETS);
    let next = reassembly.poll_timeout();
    assert!(next.is_none_or(|next| next > now), "time stands still");
}

struct Fragment {
    name: usize,
    offset: u16,
    more: bool,
    differs: bool,
    len: usize,
    is_tcp: bool,
}

impl Fragment {
    fn byte(&self, at: usize, differs: bool) -> u8 {
        (at % 251) as u8 ^ (self.name as u8) << 4 ^ u8::from(differs)
    }

    fn packet(&self, pool: &Pool) -> Option<(Header, Frame)> {
        let header = Header {
            source: Ipv4Addr::new(10, 0, 0, 1),
            destination: Ipv4Addr::new(10, 0, 0, 2),
            protocol: if self.is_tcp {
                Protocol::TCP
            } else {
                Protocol::UDP
            },
            ecn: 0,
            identification: self.name as u16,
            fragment_offset: self.offset,
            more_fragments: self.more,
            header_len: HEADER_LEN as u8,
            total_len: (HEADER_LEN + self.len) as u16,
        };
        let start = usize::from(self.offset);
        let text = (start..start + self.len).map(|at| self.byte(at, self.differs));
        let bytes: Vec<u8> = ipv4::write(&header).into_iter().chain(text).collect();
        let part = Part::copy_from(pool, &bytes)?;
        Some((header, Frame::new(part, RxMeta::default())))
    }
}
