//! The runner against a host that does what the test says: a runner that cannot fail proves nothing.

use super::*;
use crate::host::Handle;
use crate::script::{Errno, Flags, Options, SegmentOption, SocketOption, Value};
use crate::wire::{HOST, PEER};

/// Sends segments at their times, whatever happens; every call succeeds, `read` at its time.
struct Puppet {
    now: Duration,
    sends: VecDeque<(u64, WireSegment)>,
    reads_at: Duration,
}

impl Host for Puppet {
    fn now(&self) -> Duration {
        self.now
    }

    fn inject(&mut self, _packet: &[u8]) {}

    fn receive(&mut self, until: Duration) -> Option<Emitted> {
        let next = self
            .sends
            .front()
            .map(|(millis, _)| Duration::from_millis(*millis));
        if next.is_none_or(|next| next > until) {
            self.now = self.now.max(until);
            return None;
        }
        let (millis, segment) = self.sends.pop_front()?;
        self.now = self.now.max(Duration::from_millis(millis));
        let packet = segment.to_packet([HOST, PEER], None);
        Some(Emitted {
            at: self.now,
            packet,
        })
    }

    fn socket(&mut self) -> Result<Handle, Errno> {
        Ok(Handle(0))
    }

    fn bind(&mut self, _: Handle, _: u16) -> Result<(), Errno> {
        Ok(())
    }

    fn listen(&mut self, _: Handle, _: usize) -> Result<(), Errno> {
        Ok(())
    }

    fn accept(&mut self, _: Handle) -> Result<(Handle, u16), Errno> {
        Ok((Handle(0), 40_001))
    }

    fn connect(&mut self, _: Handle, _: u16) -> Result<(), Errno> {
        Ok(())
    }

    fn connected(&mut self, _: Handle) -> Result<(), Errno> {
        Ok(())
    }

    fn read(&mut self, _: Handle, bytes: &mut [u8]) -> Result<usize, Errno> {
        if self.now < self.reads_at {
            return Err(Errno::Again);
        }
        let offsets = bytes.iter_mut().zip(0..);
        offsets.for_each(|(byte, offset)| *byte = pattern(offset));
        Ok(bytes.len())
    }

    fn write(&mut self, _: Handle, bytes: &[u8]) -> Result<usize, Errno> {
        Ok(bytes.len())
    }

    fn shutdown(&mut self, _: Handle) -> Result<(), Errno> {
        Ok(())
    }

    fn close(&mut self, _: Handle) -> Result<(), Errno> {
        Ok(())
    }

    fn set(&mut self, _: Handle, _: SocketOption) -> Result<(), Errno> {
        Ok(())
    }
}

/// Number of the first byte of every test's host.
const ISN: u32 = 0xffff_ff00;

fn segment(flags: u8, seq: u32, len: u32) -> WireSegment {
    WireSegment {
        source_port: 8080,
        destination_port: 40_001,
        seq: ISN.wrapping_add(seq),
        ack: 1,
        flags: Flags(flags),
        window: 1000,
        payload: (0..len).map(|i| pattern(seq.wrapping_sub(1) + i)).collect(),
        ..WireSegment::default()
    }
}

fn syn_ack() -> WireSegment {
    let options = vec![SegmentOption::Mss(Value(Some(1460)))];
    WireSegment {
        options,
        ..segment(0x12, 0, 0)
    }
}

/// Runs `lines` after a handshake, against a host that sends its SYN-ACK and then `sends`.
fn play(sends: Vec<(u64, WireSegment)>, lines: &str) -> Result<(), Failure> {
    let text = format!(
        "// A test. [RFC 9293 1]\n\
         +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4\n\
         +0 < S 0:0(0) win 1000 <mss 100>\n\
         +0 > S. 0:0(0) ack 1 <mss 1460>\n\
         {lines}"
    );
    let script = Script::parse("x.pkt", &text).unwrap();
    let mut puppet = Puppet {
        now: Duration::ZERO,
        sends: [vec![(0, syn_ack())], sends].concat().into(),
        reads_at: Duration::from_millis(200),
    };
    let conditions = Conditions {
        tolerance: Duration::from_millis(5),
        timer_slack: None,
        peer_offset: 0,
    };
    run(&script, &mut puppet, conditions)
}

fn got(sends: Vec<(u64, WireSegment)>, lines: &str) -> String {
    play(sends, lines).unwrap_err().to_string()
}

#[test]
fn a_line_stands_for_the_segments_that_carry_it() {
    let sends = vec![
        (100, segment(0x10, 1, 100)),
        (100, segment(0x10, 101, 100)),
        (100, segment(0x18, 201, 30)),
    ];
    play(sends.clone(), "+.1 > P. 1:231(230) ack 1").unwrap();
    play(
        sends,
        "+.1 > . 1:101(100) ack 1\n+0 > P. 101:231(130) ack 1",
    )
    .unwrap();
}

#[test]
fn small_segments_do_not_stand_for_a_full_one() {
    let halves = vec![(100, segment(0x10, 1, 50)), (100, segment(0x18, 51, 50))];
    let failure = got(halves, "+.1 > P. 1:101(100) ack 1");
    assert!(
        failure.contains("got another flags: > . 1:51(50)"),
        "{failure}"
    );
    let small_inside = vec![
        (100, segment(0x10, 1, 100)),
        (100, segment(0x10, 101, 50)),
        (100, segment(0x18, 151, 80)),
    ];
    let failure = got(small_inside, "+.1 > P. 1:231(230) ack 1");
    assert!(failure.contains("> . 1:151(150)"), "{failure}");
}

#[test]
fn everything_sent_must_be_expected() {
    let sends = vec![(100, segment(0x10, 1, 0))];
    let failure = got(sends.clone(), "+.3 shutdown(4, SHUT_WR) = 0");
    assert!(
        failure.contains("x.pkt:5: expected nothing more"),
        "{failure}"
    );
    assert!(failure.contains("got > . 1:1(0) ack 1"), "{failure}");
    let failure = got(sends, "+.3 > . 1:1(0) ack 1");
    assert!(failure.contains("it at 0.1000"), "{failure}");
}

#[test]
fn what_differs_is_named() {
    for (sent, expected, told) in [
        (segment(0x10, 1, 5), "P. 1:6(5) ack 1", "another flags"),
        (
            segment(0x10, 2, 0),
            ". 1:1(0) ack 1",
            "another sequence number",
        ),
        (
            segment(0x10, 1, 0),
            ". 1:1(0) ack 2",
            "another acknowledgement",
        ),
        (
            segment(0x10, 1, 0),
            ". 1:1(0) ack 1 win 999",
            "another window",
        ),
        (
            segment(0x10, 1, 0),
            ". 1:1(0) ack 1 <sackOK>",
            "another options",
        ),
    ] {
        let failure = got(vec![(0, sent)], &format!("+0 > {expected}"));
        assert!(failure.contains(told), "{failure}");
    }
    play(vec![(0, segment(0x18, 1, 5))], "+0 > . 1:6(5) ack 1").unwrap();
}

#[test]
fn other_bytes_are_found() {
    let mut sent = segment(0x18, 1, 5);
    sent.payload[3] ^= 1;
    let failure = got(vec![(0, sent)], "+0 > P. 1:6(5) ack 1");
    assert!(failure.contains("the stream's bytes"), "{failure}");
}

#[test]
fn a_blocking_call_returns_in_its_time() {
    play(vec![], "+0...0.2 read(4, ..., 10) = 10").unwrap();
    let early = got(vec![], "+0...0.3 read(4, ..., 10) = 10");
    assert!(early.contains("its return at 0.2"), "{early}");
    for lines in ["+0...0.1 read(4, ..., 10) = 10", "+0 read(4, ..., 10) = 10"] {
        let late = got(vec![], lines);
        assert!(late.contains("a call that still blocks"), "{late}");
    }
    let other = got(vec![], "+.3 read(4, ..., 10) = -1 ECONNRESET");
    assert!(other.contains("got 10"), "{other}");
    let never = "+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n+0 read(4, ..., 10) = -1 EAGAIN";
    play(vec![], never).unwrap();
}

#[test]
fn timestamps_count_from_the_first() {
    let stamped = |value, sent: WireSegment| WireSegment {
        options: vec![SegmentOption::Timestamps(
            Value(Some(value)),
            Value(Some(7)),
        )],
        ..sent
    };
    let sends = vec![
        (0, stamped(5000, segment(0x10, 1, 0))),
        (100, stamped(5100, segment(0x10, 1, 0))),
    ];
    let lines = "+0 > . 1:1(0) ack 1 <nop,nop,TS val 20 ecr 7>\n+.1 > . 1:1(0) ack 1 <TS val ";
    play(sends.clone(), &format!("{lines}120 ecr 7>")).unwrap();
    play(sends.clone(), &format!("{lines}* ecr *>")).unwrap();
    let failure = got(sends, &format!("{lines}140 ecr 7>"));
    assert!(failure.contains("another options"), "{failure}");
}

#[test]
fn options_are_any_or_none() {
    let any = segment(0x10, 1, 0);
    play(vec![(0, any)], "+0 > . 1:1(0) ack 1 <...>").unwrap();
    assert_eq!(Options::default(), Options::None);
}
