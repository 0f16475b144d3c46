//! What single segments do to an established connection.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::task::Poll;

use alloc::vec::Vec;
use packet::{Class, Limits, Part, Pool, RxChecksum, RxMeta, Secrets};
use zerocopy::{FromBytes, IntoBytes};

use super::*;
use crate::{Blocked, Config, ConnectionId, Header, Outgoing, Output, Packet, Tcp};

const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 4000);
/// The number of the peer's SYN; places below count from it, and ours from our own.
const INITIAL: u32 = u32::MAX - 99;
/// The window that we offer.
const WINDOW: u32 = 10_000;

#[derive(Default)]
struct Sent(Vec<(Header, usize)>);

impl Output for Sent {
    fn transmit(&mut self, segment: Outgoing<'_>) -> Result<(), Blocked> {
        let (header, _) = Header::read_from_prefix(segment.header).unwrap();
        let len = segment.payload.iter().map(|chunk| chunk.len()).sum();
        self.0.push((header, len));
        Ok(())
    }
}

struct World {
    tcp: Tcp,
    pool: Pool,
    now: Instant,
    /// The number of our SYN.
    initial: u32,
    /// The peer's clock, if it has one.
    timestamp: Option<u32>,
}

fn syn(timestamp: Option<u32>) -> (World, crate::ListenerId) {
    let pool = Pool::new(Limits {
        cells: 256,
        pages: 64,
        bays: 2,
    });
    let config = Config {
        receive_buffer: WINDOW as usize,
        nagle: false,
        ..Config::default()
    };
    let mut tcp = Tcp::new(config, pool.clone(), &Secrets::new([1; 32]));
    let listener = tcp.listen(80).unwrap();
    let mut world = World {
        tcp,
        pool,
        now: Instant::from_millis(1000),
        initial: 0,
        timestamp,
    };
    assert_eq!(world.receive(0, 0, Flags::SYN, 0), Ok(()));
    world.initial = world.sent()[0].0.seq.get();
    (world, listener)
}

fn established(timestamp: Option<u32>) -> (World, ConnectionId) {
    let (mut world, listener) = syn(timestamp);
    assert_eq!(world.receive(1, 1, Flags::ACK, 0), Ok(()));
    let Poll::Ready(Ok((id, _))) = world.tcp.accept(listener) else {
        panic!("not established")
    };
    (world, id)
}

impl World {
    fn receive(&mut self, seq: u32, ack: u32, flags: Flags, len: usize) -> Result<(), Drop> {
        let mut options = Vec::new();
        if let Some(value) = self.timestamp {
            options.extend([1, 1, 8, 10]);
            options.extend(value.to_be_bytes());
            options.extend([0; 4]);
        }
        let header = Header {
            source: PEER.port().into(),
            destination: 80.into(),
            seq: INITIAL.wrapping_add(seq).into(),
            ack: self.initial.wrapping_add(ack).into(),
            data_offset: ((crate::HEADER_LEN + options.len()) * 4) as u8,
            flags: flags.0,
            window: 5000.into(),
            checksum: 0.into(),
            urgent: 0.into(),
        };
        let bytes = [header.as_bytes(), &options, &alloc::vec![7; len]].concat();
        let meta = RxMeta {
            checksum: RxChecksum::Valid,
            gso_size: 0,
        };
        let packet = Packet {
            source: *PEER.ip(),
            destination: US,
        };
        let part = Part::copy_from(&self.pool, &bytes).unwrap();
        self.tcp.receive(self.now, &packet, Frame::new(part, meta))
    }

    fn sent(&mut self) -> Vec<(Header, usize)> {
        let mut sent = Sent::default();
        self.tcp.poll_transmit(self.now, &mut sent);
        sent.0
    }

    /// Where the acknowledgements stand that are sent now.
    fn acknowledged(&mut self) -> Vec<u32> {
        let place = |header: Header| header.ack.get().wrapping_sub(INITIAL);
        self.sent().into_iter().map(|sent| place(sent.0)).collect()
    }
}

/// RFC 9293, 3.10.7.4, first, table 6. The acknowledgement of what is not acceptable counts for
/// nothing either.
#[test]
fn segments_outside_the_window_do_nothing() {
    let edge = 1 + WINDOW;
    for (seq, len, is_inside) in [
        (1, 100, false),
        (50, 51, false),
        (50, 52, true),
        (100, 0, false),
        (101, 0, true),
        (101, 1, true),
        (edge - 1, 0, true),
        (edge - 1, 9, true),
        (edge, 0, true),
        (edge + 1, 0, false),
        (edge, 9, false),
    ] {
        let (mut world, id) = established(None);
        assert_eq!(world.receive(1, 1, Flags::ACK, 100), Ok(()));
        assert!(world.tcp.read(id).is_ready());
        assert!(world.tcp.write(id, &[1; 50]).is_ready());
        assert_eq!(world.acknowledged(), [101]);
        let expected = if is_inside {
            Ok(())
        } else {
            Err(Drop::OutsideWindow)
        };
        assert_eq!(
            world.receive(seq, 51, Flags::ACK, len),
            expected,
            "{seq} {len}"
        );
        let in_flight = world.tcp.info(id).unwrap().in_flight;
        assert_eq!(in_flight, if is_inside { 0 } else { 50 }, "{seq} {len}");
    }
}

/// Text may be a lost acknowledgement's consequence; others could go on for ever (RFC 5961, 7).
#[test]
fn outside_the_window_text_is_always_answered_and_the_rest_ten_times_a_second() {
    let (mut world, _) = established(None);
    let far = 2 + WINDOW;
    let mut answers = |len, flags| {
        let mut answers = 0;
        for _ in 0..30 {
            let answer = world.receive(far, 1, flags, len);
            assert_eq!(
                answer,
                Err(Drop::OutsideWindow),
                "{flags:?} {len} {:?}",
                world.tcp.stats()
            );
            answers += world.sent().len();
        }
        answers
    };
    assert_eq!(answers(5, Flags::ACK), 30);
    assert_eq!(answers(0, Flags::ACK), 10);
    assert_eq!(answers(5, Flags::RST), 0);
}

/// RFC 7323, 5.3.
#[test]
fn old_timestamps_are_answered_alike() {
    let (mut world, _) = established(Some(1000));
    world.timestamp = Some(999);
    let mut answers = |len, flags| {
        let mut answers = 0;
        for _ in 0..30 {
            assert_eq!(world.receive(1, 1, flags, len), Err(Drop::OldTimestamp));
            answers += world.sent().len();
        }
        answers
    };
    assert_eq!(answers(5, Flags::ACK), 30);
    assert_eq!(answers(0, Flags::ACK), 10);
}

#[test]
fn what_is_known_in_part_is_taken_from_there_with_its_fin_and_answered_at_once() {
    let (mut world, id) = established(None);
    assert_eq!(world.receive(1, 1, Flags::ACK, 100), Ok(()));
    assert_eq!(world.acknowledged(), []);
    assert_eq!(world.receive(51, 1, Flags::ACK, 60), Ok(()));
    assert_eq!(world.acknowledged(), [111]);
    let fin = Flags::ACK.with(Flags::FIN);
    assert_eq!(world.receive(101, 1, fin, 30), Ok(()));
    assert_eq!(world.acknowledged(), [132]);
    let mut read = 0;
    while let Poll::Ready(Ok(Some(chunk))) = world.tcp.read(id) {
        read += chunk.len();
    }
    assert_eq!(read, 130);
    assert!(matches!(world.tcp.read(id), Poll::Ready(Ok(None))));
}

/// Each small segment holds a whole cell: twice the window of memory, not of text, is allowed.
#[test]
fn small_segments_out_of_order_have_room_for_twice_the_window() {
    let (mut world, _) = established(None);
    let fit = 2 * WINDOW as usize / Class::Cell.size();
    for number in 0..fit as u32 {
        assert_eq!(
            world.receive(11 + 20 * number, 1, Flags::ACK, 10),
            Ok(()),
            "{number}"
        );
    }
}

/// RFC 9293, 3.10.7.4, second: no error where all was received.
#[test]
fn a_reset_after_both_have_finished_is_no_error() {
    let (mut world, id) = established(None);
    let fin = Flags::ACK.with(Flags::FIN);
    assert_eq!(world.receive(1, 1, fin, 0), Ok(()));
    world.tcp.finish(world.now, id);
    world.sent();
    assert_eq!(world.tcp.info(id).unwrap().state, State::LastAck);
    assert!(world.tcp.drained(id).is_pending());
    assert_eq!(world.receive(2, 0, Flags::RST, 0), Err(Drop::Reset));
    assert_eq!(world.tcp.stats().failed, 0);
    assert!(matches!(world.tcp.read(id), Poll::Ready(Ok(None))));
    // Yet nobody has confirmed the end, and nobody will.
    assert_eq!(world.tcp.drained(id), Poll::Ready(Err(Error::Closed)));
}

/// RFC 9293, 3.10.7.4, second, SYN-RECEIVED after an active open.
#[test]
fn a_reset_of_syns_that_crossed_is_a_refusal() {
    let (mut world, _) = syn(None);
    let id = world.tcp.connect(world.now, US, PEER).unwrap();
    let (syn, _) = *world.sent().last().unwrap();
    let port = syn.source.get();
    world.initial = syn.seq.get();
    let mut receive = |seq: u32, flags: Flags| {
        let header = Header {
            source: PEER.port().into(),
            destination: port.into(),
            seq: INITIAL.wrapping_add(seq).into(),
            ack: 0.into(),
            data_offset: 5 << 4,
            flags: flags.0,
            window: 5000.into(),
            checksum: 0.into(),
            urgent: 0.into(),
        };
        let meta = RxMeta {
            checksum: RxChecksum::Valid,
            gso_size: 0,
        };
        let packet = Packet {
            source: *PEER.ip(),
            destination: US,
        };
        let part = Part::copy_from(&world.pool, header.as_bytes()).unwrap();
        let _ = world
            .tcp
            .receive(world.now, &packet, Frame::new(part, meta));
        world.tcp.info(id).unwrap().state
    };
    assert_eq!(receive(0, Flags::SYN), State::SynReceived);
    assert_eq!(receive(1, Flags::RST), State::Closed);
    assert_eq!(world.tcp.connected(id), Poll::Ready(Err(Error::Refused)));
}

/// RFC 9293, 3.6.1: the reset of text that nobody reads stands where the peer expects it.
#[test]
fn text_that_nobody_reads_is_answered_with_a_reset() {
    let (mut world, id) = established(None);
    assert!(world.tcp.write(id, &[1; 50]).is_ready());
    world.tcp.release(world.now, id);
    world.sent();
    let answer = world.receive(1, 21, Flags::ACK, 5);
    assert_eq!(answer, Err(Drop::NobodyReads));
    let sent = world.sent();
    let (reset, _) = sent[0];
    assert_eq!((sent.len(), reset.flags), (1, Flags::RST.0));
    assert_eq!(reset.seq.get().wrapping_sub(world.initial), 21);
    assert_eq!(reset.ack.get(), 0);
    assert_eq!(world.tcp.stats().resets_sent, 1);
}
